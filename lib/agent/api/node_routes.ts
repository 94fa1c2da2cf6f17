import { listComponentKeys } from "../../store/mod.ts";
import { conditionsOf } from "../conditions/mod.ts";
import type { Node } from "../node.ts";
import { ownersOf, shownOutcome } from "../status.ts";
import { ref } from "../schemas.ts";
import { type Call, jsonRoute, type QueryParameter } from "./route.ts";
import { written } from "./written.ts";

/**
 * How the node is doing, and what an operator may ask of it.
 *
 * @param node the node
 */
export function nodeRoutes(node: Node) {
  return [
    jsonRoute({
      method: "GET",
      path: "/v1/status",
      id: "getStatus",
      summary: "What the agent is doing, what is wrong, and what to do.",
      schema: ref("Status"),
      description: "As of now.",
      answer: () => node.status(),
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
      schema: ref("Reconciled"),
      description: "What was done. A pass that failed is one too; it says why.",
      errors: ["NotReady", "TooLarge", "Unknown"],
      long: true,
      async answer(call) {
        const outcome = await node.reconcileNow({
          dryRun: isSet(call, "dryRun"),
          confirmDeletes: isSet(call, "confirmDeletes"),
          requireSingleTxn: isSet(call, "requireSingleTxn"),
        }, call.signal);
        return shownOutcome(outcome, node.surroundings);
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/verify",
      id: "verify",
      summary: "Compare etcd with the component-key cache; write nothing.",
      schema: ref("Verification"),
      description: "What differs.",
      errors: ["NotReady", "Unknown"],
      async answer(call) {
        const found = await node.verify(call.signal);
        const { fence: kind } = found;
        if (!kind) return found;
        const key = await node.look((cache) => cache.identity.fenceKey);
        return {
          ...found,
          conditions: conditionsOf({ ...node.surroundings, fence: { kind, key } }),
        };
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/keys",
      id: "listKeys",
      summary: "Object keys from the component-key cache.",
      query: [
        {
          name: "component",
          kind: "text",
          description: "Only those that it holds.",
          example: "sensor-agent",
        },
        {
          name: "gvr",
          kind: "text",
          description: "Only those of this resource.",
          example: "configmaps.v1.core",
        },
      ],
      schema: ref("Keys"),
      description: "In order.",
      answer: ({ query }) =>
        node.look((cache) => listComponentKeys(cache, query.get("component"), query.get("gvr"))),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/owners",
      id: "listOwners",
      summary: "Who holds an object key.",
      query: [{
        name: "key",
        kind: "text",
        required: true,
        description: "As etcd has it.",
        example: "/registry/configmaps/shop/settings",
      }],
      schema: ref("Owners"),
      description: "None if nobody does.",
      answer: ({ query }) => node.look((cache) => ownersOf(cache, query.get("key") ?? "")),
    }),
    jsonRoute({
      method: "POST",
      path: "/v1/retire",
      id: "retire",
      summary: "Delete every key that this node wrote, then its fence; write no more.",
      schema: ref("Written"),
      description: "What was done.",
      errors: ["NotReady", "TooLarge", "Unknown"],
      long: true,
      answer: async (call) => written(await node.retire(call.signal)),
    }),
  ];
}

function flag<Name extends string>(name: Name, description: string): QueryParameter<Name> {
  return { name, kind: "boolean", description };
}

function isSet({ query }: Call, name: string): boolean {
  return query.get(name) === "true";
}
