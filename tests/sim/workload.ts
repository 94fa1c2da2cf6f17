import type { Resource } from "./cloud.ts";
import { ROOT } from "./node_model.ts";
import type { Order } from "./operations.ts";
import type { Prng } from "./prng.ts";
import type { Lineage, World } from "./world.ts";
import type { CachePlan } from "./yurthub.ts";

const COMPONENTS = ["kubelet", "kube-proxy", "flanneld"];
const TOOLS = ["tool", "gadget"];
const NAMES = ["a", "b", "c", "d"];

/** Draws how a node's cache is laid out. */
export function drawPlan(prng: Prng, resources: readonly Resource[], large: boolean): CachePlan {
  const components = COMPONENTS.slice(0, prng.between(1, COMPONENTS.length));
  // The older layout does not tell versions apart; it is drawn for whole components.
  const older = new Set(components.filter(() => prng.chance(0.2)));
  return {
    components,
    resources,
    directoryOf: (component, { gvr, older: name }) =>
      older.has(component) && !gvr.startsWith("horizontalpodautoscalers") ? name : gvr,
    padding: () => large ? prng.between(0, 5_000) : prng.between(0, 60),
  };
}

/** A full pass. */
export function reconcileOrder(world: World, lineage: Lineage, confirmDeletes: boolean): Order {
  return {
    kind: "reconcile",
    confirmDeletes,
    policy: world.skipping.has(lineage.name) ? "skip" : "fresher",
    within: undefined,
    component: undefined,
    requireSingleTxn: false,
    patient: true,
  };
}

/** Draws what an agent is asked for next. */
export function drawOrder(
  world: World,
  lineage: Lineage,
  resources: readonly Resource[],
): Order {
  const { prng, marks } = world;
  const base: Order = {
    ...reconcileOrder(world, lineage, prng.chance(0.3)),
    requireSingleTxn: prng.chance(0.05),
    patient: prng.chance(0.5),
  };
  const kind = prng.weighted({
    reconcile: 9,
    "group-pass": 6,
    "replace-list": 3,
    "delete-component": 1.2,
    retire: 0.4,
    verify: 0.5,
    "dry-run": 0.5,
    adopt: 0.2,
  });
  if (kind === "delete-component") {
    const absent = COMPONENTS.filter((name) =>
      !lineage.node.fs.has(`${ROOT}/${name}`) && !lineage.node.fs.has("/away")
    );
    const component = prng.pick([...TOOLS, ...absent]);
    forgetLists(lineage, `${component} `);
    return { ...base, kind, component };
  }
  if (kind === "retire") forgetLists(lineage, "");
  if (kind === "replace-list") {
    const lists = [...lineage.apiLists.keys()].map((list) => list.split(" "));
    const earlier = lists.length > 0 ? lists : [[]];
    // Most replace what they have put before, or a part of it.
    const [tool = prng.pick(TOOLS), gvr] = prng.chance(0.7) ? prng.pick(earlier) : [];
    const resource = resources.find((one) => one.gvr === gvr) ?? prng.pick(resources);
    const namespace = resource.namespaced && prng.chance(0.5)
      ? prng.pick(["default", "kube-system"])
      : undefined;
    if (namespace !== undefined) marks.hit("replace one namespace through the API");
    return {
      ...base,
      kind,
      component: tool,
      within: resource.keyPrefix + (namespace === undefined ? "" : `${namespace}/`),
      list: { resource, namespace, names: NAMES.filter(() => prng.chance(0.4)) },
    };
  }
  return { ...base, kind };
}

/** What the API held of some component is not known any more. */
function forgetLists({ apiLists }: Lineage, beginning: string): void {
  for (const list of [...apiLists.keys()]) {
    if (list.startsWith(beginning)) apiLists.set(list, { keys: new Set(), sure: false });
  }
}
