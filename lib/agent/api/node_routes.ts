import { verify } from "../../reconcile/mod.ts";
import { listComponentKeys } from "../../store/mod.ts";
import type { Agent } from "../agent.ts";
import { notReadyReasons, warningsOf } from "../health.ts";
import { type AgentStatus, ownersOf } from "../status.ts";
import type { Answer, Call, QueryParameter, Route } from "./route.ts";
import { ref } from "./schemas.ts";
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
    {
      method: "GET",
      path: "/healthz",
      id: "getHealth",
      summary: "Whether the process is alive.",
      answers: { 200: { description: "It is.", schema: ref("Health") } },
      errors: [],
      atOnce: true,
      answer: () => ok({ alive: true }),
    },
    {
      method: "GET",
      path: "/readyz",
      id: "getReadiness",
      summary: "Whether the node does its work, and if not, why and what to do. Deletes that are " +
        "held back make it unready; keys left to others, invalid files and groups that stay half " +
        "rewritten are warnings.",
      answers: {
        200: { description: "It does, whatever it warns of.", schema: ref("Readiness") },
        503: { description: "It does not.", schema: ref("Readiness") },
      },
      errors: [],
      atOnce: true,
      answer() {
        const reasons = notReadyReasons(agent.health);
        const warnings = warningsOf(agent.health, agent.conflicts.size);
        const [message] = reasons;
        if (message === undefined) return ok({ ready: true, reasons, warnings });
        const body = { code: "NotReady", message, ready: false, reasons, warnings };
        return { status: 503, body };
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
    {
      method: "GET",
      path: "/v1/status",
      id: "getStatus",
      summary: "What the agent is doing, what is wrong, and what to do.",
      answers: { 200: { description: "As of now.", schema: ref("Status") } },
      errors: [],
      answer: async () => ok(await status()),
    },
    {
      method: "POST",
      path: "/v1/reconcile",
      id: "reconcile",
      summary: "Make a full pass now, or show what one would do.",
      query: [
        flag("dryRun", "Show what would be done; write nothing."),
        flag("confirmDeletes", "Go on with deletes that are held back."),
        flag("requireSingleTxn", "Refuse a group that needs more than one Txn."),
      ],
      answers: {
        200: {
          description: "What was done. A pass that failed is one too; it says why.",
          schema: ref("Reconciled"),
        },
      },
      errors: ["NotReady", "TooLarge", "Unknown"],
      long: true,
      async answer(call) {
        const { report, notes, busy, failure } = await agent.reconcileNow({
          dryRun: isSet(call, "dryRun"),
          confirmDeletes: isSet(call, "confirmDeletes"),
          requireSingleTxn: isSet(call, "requireSingleTxn"),
        }, call.signal);
        const why = failure && { failure: { code: failure.code, message: failure.message } };
        return ok({ report, notes, busy, ...why });
      },
    },
    {
      method: "GET",
      path: "/v1/verify",
      id: "verify",
      summary: "Hold etcd against the component-key cache; write nothing.",
      answers: { 200: { description: "What differs.", schema: ref("Verification") } },
      errors: ["NotReady", "Unknown"],
      answer: async (call) => ok(await agent.submit(verify, call.signal)),
    },
    {
      method: "GET",
      path: "/v1/keys",
      id: "listKeys",
      summary: "Object keys from the component-key cache.",
      query: [
        { name: "component", kind: "text", description: "Only those that it holds." },
        { name: "gvr", kind: "text", description: "Only those of this resource." },
      ],
      answers: { 200: { description: "In order.", schema: ref("Keys") } },
      errors: [],
      answer: ({ query }) =>
        ok(listComponentKeys(agent.cache, query.get("component"), query.get("gvr"))),
    },
    {
      method: "GET",
      path: "/v1/owners",
      id: "listOwners",
      summary: "Who holds an object key.",
      query: [{ name: "key", kind: "text", required: true, description: "As etcd has it." }],
      answers: { 200: { description: "None if nobody does.", schema: ref("Owners") } },
      errors: [],
      answer: ({ query }) => ok(ownersOf(agent.cache, query.get("key") ?? "")),
    },
    {
      method: "POST",
      path: "/v1/retire",
      id: "retire",
      summary: "Delete every key that this node wrote, then its fence; write no more.",
      answers: { 200: { description: "What was done.", schema: ref("Written") } },
      errors: ["NotReady", "TooLarge", "Unknown"],
      long: true,
      answer: async (call) => ok(written(await agent.retire(call.signal))),
    },
  ];
}

function flag(name: string, description: string): QueryParameter {
  return { name, kind: "boolean", description };
}

function isSet({ query }: Call, name: string): boolean {
  return query.get(name) === "true";
}

function ok(body: object): Answer {
  return { status: 200, body };
}
