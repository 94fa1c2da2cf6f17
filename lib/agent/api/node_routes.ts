import { verify } from "../../reconcile/mod.ts";
import { listComponentKeys } from "../../store/mod.ts";
import type { Agent } from "../agent.ts";
import type { ConditionKind } from "../condition.ts";
import { reasonsOf, warningsOf } from "../condition_words.ts";
import { CONDITIONS } from "../conditions.ts";
import { type AgentStatus, ownersOf } from "../status.ts";
import { type Call, jsonRoute, type QueryParameter, type Route } from "./route.ts";
import { type Answers, ref } from "./schemas.ts";
import { written } from "./store_routes.ts";

/** What the API is made of. */
export interface ApiParts {
  readonly agent: Agent;
  /** Takes stock, etcd's latency included. */
  readonly status: () => Promise<AgentStatus>;
  /** Prometheus' text format, and its media type. */
  readonly metrics: () => Promise<string>;
  readonly metricsType: string;
  /** edgekeyd's version. */
  readonly version: string;
}

/**
 * How the node is doing, and what an operator may ask of it.
 *
 * @param parts what it is told by
 */
export function nodeRoutes({ agent, status, metrics, metricsType }: ApiParts): Route[] {
  return [
    jsonRoute({
      method: "GET",
      path: "/healthz",
      id: "getHealth",
      summary: "Whether the process is alive.",
      schema: "Health",
      description: "It is.",
      atOnce: true,
      answer: () => ({ alive: true }),
    }),
    {
      method: "GET",
      path: "/readyz",
      id: "getReadiness",
      summary:
        "Whether the node does its work, and if not, why and what to do. It does not while " +
        `one of these conditions holds: ${namesOf("not-ready")}. It only warns of these: ` +
        `${namesOf("warning")}.`,
      answers: {
        200: { description: "It does, whatever it warns of.", schema: ref("Readiness") },
        503: { description: "It does not.", schema: ref("Readiness") },
      },
      errors: [],
      atOnce: true,
      answer() {
        const { conditions } = agent;
        const reasons = reasonsOf(conditions);
        const warnings = warningsOf(conditions);
        const [message] = reasons;
        const ready = message === undefined;
        const body: Answers["Readiness"] = {
          ready,
          reasons,
          warnings,
          ...(!ready && { code: "NotReady", message }),
        };
        return { status: ready ? 200 : 503, body };
      },
    },
    {
      method: "GET",
      path: "/metrics",
      id: "getMetrics",
      summary: "Metrics for Prometheus.",
      answers: {
        200: {
          description: "Prometheus' text format.",
          type: metricsType,
          schema: { type: "string" },
        },
      },
      errors: [],
      answer: async () => ({ status: 200, body: await metrics(), type: metricsType }),
    },
    jsonRoute({
      method: "GET",
      path: "/v1/status",
      id: "getStatus",
      summary: "What the agent is doing, what is wrong, and what to do.",
      schema: "Status",
      description: "As of now.",
      answer: status,
    }),
    jsonRoute({
      method: "POST",
      path: "/v1/reconcile",
      id: "reconcile",
      summary: "Make a full pass now, or show what one would do.",
      query: [
        flag("dryRun", "Show what would be done; write nothing."),
        flag("confirmDeletes", "Go on with deletes that are held back."),
        flag("requireSingleTxn", "Refuse a group that needs more than one Txn."),
      ],
      schema: "Reconciled",
      description: "What was done. A pass that failed is one too; it says why.",
      errors: ["NotReady", "TooLarge", "Unknown"],
      long: true,
      async answer(call) {
        const { report, notes, busy, failure } = await agent.reconcileNow({
          dryRun: isSet(call, "dryRun"),
          confirmDeletes: isSet(call, "confirmDeletes"),
          requireSingleTxn: isSet(call, "requireSingleTxn"),
        }, call.signal);
        const why = failure && { failure: { code: failure.code, message: failure.message } };
        return { report, notes, busy, ...why };
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/verify",
      id: "verify",
      summary: "Hold etcd against the component-key cache; write nothing.",
      schema: "Verification",
      description: "What differs.",
      errors: ["NotReady", "Unknown"],
      answer: (call) => agent.submit(verify, call.signal),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/keys",
      id: "listKeys",
      summary: "Object keys from the component-key cache.",
      query: [
        { name: "component", kind: "text", description: "Only those that it holds." },
        { name: "gvr", kind: "text", description: "Only those of this resource." },
      ],
      schema: "Keys",
      description: "In order.",
      answer: ({ query }) =>
        listComponentKeys(agent.cache, query.get("component"), query.get("gvr")),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/owners",
      id: "listOwners",
      summary: "Who holds an object key.",
      query: [{ name: "key", kind: "text", required: true, description: "As etcd has it." }],
      schema: "Owners",
      description: "None if nobody does.",
      answer: ({ query }) => ownersOf(agent.cache, query.get("key") ?? ""),
    }),
    jsonRoute({
      method: "POST",
      path: "/v1/retire",
      id: "retire",
      summary: "Delete every key that this node wrote, then its fence; write no more.",
      schema: "Written",
      description: "What was done.",
      errors: ["NotReady", "TooLarge", "Unknown"],
      long: true,
      answer: async (call) => written(await agent.retire(call.signal)),
    }),
  ];
}

function namesOf(kind: ConditionKind): string {
  return [...CONDITIONS].filter(([, one]) => one.kind === kind).map(([name]) => name).join(", ");
}

function flag(name: string, description: string): QueryParameter {
  return { name, kind: "boolean", description };
}

function isSet({ query }: Call, name: string): boolean {
  return query.get(name) === "true";
}
