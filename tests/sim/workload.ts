import { keyOfPlace, placeOf, type Resource } from "./cloud.ts";
import { ROOT } from "./node_model.ts";
import { type Order, placesOf } from "./orders.ts";
import type { Prng } from "./prng.ts";
import type { Scene } from "./scenes.ts";
import type { Lineage, World } from "./world.ts";
import type { CachePlan } from "./yurthub.ts";

/** Those that nodes have in their fs cache. */
export const COMPONENTS = ["kubelet", "kube-proxy", "flanneld"];
const TOOLS = ["tool", "gadget"];
const NAMES = ["a", "b", "c", "d"];

/** Draws how a node's cache is laid out. */
export function drawPlan(prng: Prng, resources: readonly Resource[], large: boolean): CachePlan {
  const components = COMPONENTS.slice(0, prng.between(1, COMPONENTS.length));
  // The older layout does not tell versions apart; it is drawn for whole components.
  const older = new Set(components.filter(() => prng.chance(0.2)));
  // Updated in the midst of its life, it has both.
  const both = new Set(components.filter(() => prng.chance(0.2)));
  return {
    components,
    resources,
    directoryOf: (component, { gvr, older: name }) => {
      const isOlder = both.has(component) ? prng.chance(0.5) : older.has(component);
      return isOlder && !gvr.startsWith("horizontalpodautoscalers") ? name : gvr;
    },
    padding: () => large ? prng.between(0, 5_000) : prng.between(0, 60),
  };
}

/** A full pass. */
export function reconcileOrder(
  world: World,
  lineage: Lineage,
  how: Pick<Order, "ofDaemon" | "confirmDeletes">,
): Order {
  return {
    kind: "reconcile",
    policy: world.skipping.has(lineage.name) ? "skip" : "fresher",
    within: undefined,
    component: undefined,
    requireSingleTxn: false,
    ...how,
  };
}

/** Draws what an agent is asked for next: anything, or what belongs to a scene. */
export function drawOrder(
  world: World,
  lineage: Lineage,
  resources: readonly Resource[],
  scene: Scene | undefined,
): Order {
  const { prng } = world;
  if (scene) {
    const { ofDaemon } = scene;
    const whole = reconcileOrder(world, lineage, { ofDaemon, confirmDeletes: ofDaemon });
    return requestOf(world, lineage, resources, whole, scene.orders);
  }
  const ofDaemon = prng.chance(0.65);
  const confirmDeletes = ofDaemon || prng.chance(0.3);
  const base: Order = {
    ...reconcileOrder(world, lineage, { ofDaemon, confirmDeletes }),
    requireSingleTxn: prng.chance(0.05),
  };
  return ofDaemon
    ? drawRequest(world, lineage, resources, base)
    : drawCommand(world, lineage, base);
}

function drawCommand({ prng }: World, lineage: Lineage, base: Order): Order {
  const kind = prng.weighted({
    reconcile: 9,
    "delete-component": 1,
    retire: 0.8,
    verify: 0.8,
    "dry-run": 0.8,
    adopt: 0.4,
  });
  if (kind === "retire") forgetLists(lineage, "");
  return kind === "delete-component" ? dropComponent(prng, lineage, base) : { ...base, kind };
}

function drawRequest(
  world: World,
  lineage: Lineage,
  resources: readonly Resource[],
  base: Order,
): Order {
  const kinds = {
    reconcile: 1.5,
    "replace-list": 3,
    "create-object": 2,
    "update-object": 2,
    "delete-object": 2,
    "delete-component": 1,
    "delete-unclaimed": 2,
    "take-over": 1,
  };
  return requestOf(world, lineage, resources, base, kinds);
}

/** Draws one kind of request, and what it is about. */
function requestOf(
  world: World,
  lineage: Lineage,
  resources: readonly Resource[],
  base: Order,
  kinds: Readonly<Partial<Record<Order["kind"], number>>>,
): Order {
  const { prng } = world;
  const resource = prng.pick(resources);
  const kind = prng.weighted(kinds);
  switch (kind) {
    case "delete-component":
      return dropComponent(prng, lineage, base);
    case "replace-list":
      return drawList(world, lineage, resources, base);
    case "create-object":
    case "update-object":
    case "delete-object":
      return { ...base, kind, ...drawObject(world, lineage, resource, kind) };
    case "delete-unclaimed":
      return { ...base, kind, keys: drawKeys(world, (key) => !lineage.disk.row(key)) };
    case "take-over": {
      const keys = drawKeys(world, (key) => key.startsWith(resource.keyPrefix));
      return { ...base, kind, keys, gvr: resource.gvr, component: prng.pick(COMPONENTS) };
    }
    default:
      return { ...base, kind };
  }
}

function dropComponent(prng: Prng, lineage: Lineage, base: Order): Order {
  const absent = COMPONENTS.filter((name) =>
    !lineage.node.fs.has(`${ROOT}/${name}`) && !lineage.node.fs.has("/away")
  );
  const component = prng.pick([...TOOLS, ...absent]);
  forgetLists(lineage, `${component} `);
  return { ...base, kind: "delete-component", component };
}

function drawList(
  { prng, marks }: World,
  lineage: Lineage,
  resources: readonly Resource[],
  base: Order,
): Order {
  const lists = [...lineage.apiLists.keys()].map((list) => list.split(" "));
  const earlier = lists.length > 0 ? lists : [[]];
  // Most replace what they have put before, or a part of it.
  const [tool = prng.pick(TOOLS), gvr] = prng.chance(0.7) ? prng.pick(earlier) : [];
  const resource = resources.find((one) => one.gvr === gvr) ?? prng.pick(resources);
  const namespace = resource.namespaced && prng.chance(0.5)
    ? prng.pick(["default", "kube-system"])
    : undefined;
  if (namespace !== undefined) marks.hit("replace one namespace through the API");
  const list = { resource, namespace, names: NAMES.filter(() => prng.chance(0.4)) };
  return {
    ...base,
    kind: "replace-list",
    component: tool,
    within: resource.keyPrefix + (namespace === undefined ? "" : `${namespace}/`),
    list,
    keys: new Set(placesOf(list).map(keyOfPlace)),
  };
}

/** One object; of what is changed or deleted, most is what a tool holds. */
function drawObject(
  { prng, cloud }: World,
  { disk }: Lineage,
  resource: Resource,
  kind: Order["kind"],
): Pick<Order, "component" | "gvr" | "within" | "keys" | "place" | "version"> {
  const held = disk.rowKeys.filter((key) => key.startsWith(resource.keyPrefix))
    .flatMap((key) => disk.row(key)?.owners.map((owner) => ({ key, ...owner })) ?? [])
    .filter(({ fromApi, gvr }) => fromApi && gvr === resource.gvr);
  const known = kind !== "create-object" && held.length > 0 ? prng.pick(held) : undefined;
  const place = known ? placeOf(resource, known.key) : cloud.place(resource);
  const key = keyOfPlace(place);
  const isNew = kind === "update-object" && prng.chance(0.8);
  return {
    component: known?.component ?? prng.pick(TOOLS),
    gvr: resource.gvr,
    within: key,
    keys: new Set([key]),
    place,
    version: isNew ? cloud.change(key) : cloud.latest(key),
  };
}

/** Some keys that are in etcd. */
function drawKeys({ prng, etcd }: World, wanted: (key: string) => boolean): ReadonlySet<string> {
  const keys = [...etcd.current().keys()].filter((key) =>
    key.startsWith("/registry/") && wanted(key)
  );
  return new Set(keys.filter(() => prng.chance(0.4)).slice(0, 3));
}

/** What the API held of some component is not known any more. */
function forgetLists({ apiLists }: Lineage, beginning: string): void {
  for (const list of [...apiLists.keys()]) {
    if (list.startsWith(beginning)) apiLists.set(list, { keys: new Set(), sure: false });
  }
}
