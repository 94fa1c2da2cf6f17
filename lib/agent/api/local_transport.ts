import { API_LIMITS, type ApiLimits } from "../api_limits.ts";
import type { Node } from "../node.ts";
import type { Transport } from "../transport.ts";
import { dispatcher, type Presentable } from "./dispatch.ts";
import { routesOf } from "./all_routes.ts";

/** Nobody else waits: what is asked for takes as long as it takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const LIMITS: ApiLimits = {
  ...API_LIMITS,
  timeoutMs: MAX_TIMER_MS,
  longTimeoutMs: MAX_TIMER_MS,
};

/**
 * Carries requests to a node in this very process: by the routes of the API, as a daemon does.
 *
 * @param node who answers
 * @param presentable says in one line what nobody foresaw
 */
export function localTransport(node: Node, presentable: Presentable): Transport {
  const answer = dispatcher(routesOf(node), LIMITS, presentable);
  return {
    name: "edgekeyd itself",
    nextPass: "the next run",
    async send({ method, target, body }) {
      const request = new Request(`http://edgekeyd${target}`, {
        method,
        // Of bytes no media type is said, which would be that of texts.
        ...(body !== undefined && { body: new TextEncoder().encode(body) }),
      });
      const response = await answer(request);
      return { status: response.status, text: await response.text() };
    },
  };
}
