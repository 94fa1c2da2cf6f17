import type { Agent } from "../agent.ts";
import { type ConditionKind, CONDITIONS, reasonsOf, warningsOf } from "../conditions/mod.ts";
import { jsonRoute, type Route } from "./route.ts";
import { type Answers, ref } from "../schemas.ts";

/** What a daemon tells of itself. */
export interface ProcessParts {
  /** The loop that does the work. */
  readonly agent: Agent;
  /** Makes the text of `/metrics`. */
  readonly metrics: () => Promise<string>;
  /** Its media type. */
  readonly metricsType: string;
}

/**
 * How the process is doing, for who supervises it. Commands ask none of these: what they ask has to
 * be answered without a process, too (`node_routes.ts`).
 *
 * @param parts what it is told by
 */
export function processRoutes({ agent, metrics, metricsType }: ProcessParts): Route[] {
  return [
    jsonRoute({
      method: "GET",
      path: "/healthz",
      id: "getHealth",
      summary: "Whether the process is alive.",
      schema: ref("Health"),
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
        503: {
          description: "It does not.",
          schema: ref("Readiness"),
          example: NOT_READY,
        },
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
          example: "edgekeyd_ready 1\n",
        },
      },
      errors: [],
      answer: async () => ({ status: 200, body: await metrics(), type: metricsType }),
    },
  ];
}

const NOT_READY: Answers["Readiness"] = {
  ready: false,
  reasons: ["can't reach etcd at 10.0.0.1:2379"],
  warnings: [],
  code: "NotReady",
  message: "can't reach etcd at 10.0.0.1:2379",
};

function namesOf(kind: ConditionKind): string {
  return [...CONDITIONS].filter(([, one]) => one.kind === kind).map(([name]) => name).join(", ");
}
