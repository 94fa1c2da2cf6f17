import { deliverLate, type LateTxn, type Network } from "./faulty_etcd.ts";
import { keyOfPlace, objectBytes, type Place, placeOf, type Resource } from "./cloud.ts";
import type { StoreSnapshot } from "./etcd_model_store.ts";
import { Moments } from "./moments.ts";
import { type NodeModel, ROOT } from "./node_model.ts";
import type { Prng } from "./prng.ts";
import type { Scene } from "./scenes.ts";
import { fillOrRemoveWave } from "./waves.ts";
import { isBy, type Lineage, tell, type World } from "./world.ts";
import { type CachePlan, drawChange, recoverBackups } from "./yurthub.ts";

const AWAY = "/away";
const DECADE_MS = 10 * 365 * 24 * 3_600_000;
/** How many copies of etcd are kept. */
const COPIES = 3;
const encoder = new TextEncoder();

interface DiskCopy {
  readonly records: ReadonlyMap<string, Uint8Array>;
  readonly tick: number;
  readonly next: string | undefined;
}

/** A copy of etcd. */
interface EtcdCopy {
  readonly state: StoreSnapshot;
  /** Etcd has since gone back to a state from before it was taken. */
  undone: boolean;
}

/** How much likelier etcd is restored between two answers to one reader than between two turns. */
const RESTORES_BETWEEN_PAGES = 4;
/** Directories that never rest change at least this often. */
const TOUCH_EVERY_MS = 300;
const NAMESPACES = ["default", "kube-system"];

/** Draws the groups in which some object is updated all the time. */
function drawRestless(prng: Prng, plan: CachePlan): string[] {
  if (!prng.chance(0.4)) return [];
  const groups = plan.components.flatMap((component) =>
    plan.resources.map((resource) =>
      `${ROOT}/${component}/${plan.directoryOf(component, resource)}`
    )
  );
  return groups.filter(() => prng.chance(0.4));
}

/** All that happens around the agents: other writers, yurthub, operators, and bad luck. */
export class Environment {
  readonly #world: World;
  readonly #network: Network;
  readonly #plans: ReadonlyMap<NodeModel, CachePlan>;
  readonly #resources: readonly Resource[];
  readonly #scene: Scene | undefined;
  readonly #copies = new Map<Lineage, DiskCopy>();
  /** In the order in which they were taken. */
  readonly #etcdCopies: EtcdCopy[] = [];
  /** Groups in which some object is updated all the time, to the very end. */
  readonly #restless: ReadonlyMap<NodeModel, readonly string[]>;
  #touchedMs = -Infinity;
  readonly #moments: Moments[] = [];

  constructor(
    world: World,
    network: Network,
    plans: ReadonlyMap<NodeModel, CachePlan>,
    resources: readonly Resource[],
    scene: Scene | undefined,
  ) {
    this.#world = world;
    this.#scene = scene;
    this.#network = network;
    this.#plans = plans;
    this.#resources = resources;
    for (const node of world.nodes) this.#watchReads(node);
    this.#restless = new Map(
      [...plans].map(([node, plan]) => [node, drawRestless(world.prng, plan)]),
    );
    const { prng, marks } = world;
    network.unanswered = () => {
      const { weather } = world;
      if (prng.chance(weather.reset * 10)) this.#reset();
      else if (prng.chance(weather.restore * 4)) this.#restore();
    };
    network.betweenPages = () => {
      const { weather } = world;
      const times = scene?.restoresBetweenPages ?? RESTORES_BETWEEN_PAGES;
      if (!prng.chance(weather.restore * times) || !this.#restore()) return;
      marks.hit("etcd restored between two pages");
      this.#regrow();
    };
  }

  /** Between two turns of the agents. */
  betweenTurns(): void {
    const { prng, clock, weather, nodes } = this.#world;
    for (const moments of this.#moments) moments.end();
    this.#world.tick++;
    clock.advance(prng.between(0, 2));
    this.#touchRestless();
    for (const node of nodes) if (prng.chance(weather.churn)) this.#stepWriter(node);
    if (this.#network.late.length > 0 && prng.chance(0.08)) this.#deliverOne();
    if (prng.chance(weather.foreign)) this.#foreignWrite();
    if (prng.chance(weather.compaction)) this.#compact();
    if (prng.chance(0.02)) this.#copyEtcd();
    if (prng.chance(weather.reset)) this.#reset();
    if (prng.chance(weather.restore)) this.#restore();
    if (prng.chance(weather.noSpace)) {
      this.#world.etcd.model.setNoSpace(prng.pick(["filling", "full", "free", "free"]));
    }
    for (const lineage of this.#world.lineages) {
      if (prng.chance(0.02)) this.#copyDisk(lineage);
    }
  }

  /** Between two rounds of operations. */
  betweenRounds(stop: (lineage: Lineage) => void): void {
    const { prng, clock, weather, nodes, marks, lineages, cloud } = this.#world;
    for (const moments of this.#moments) moments.end();
    clock.advance(prng.pick([0, 10, 500, 2_500, 10_000]));
    if (prng.chance(weather.clockJump)) {
      clock.jump(prng.pick([-DECADE_MS, -3_600_000, -1_000, 1_000, 3_600_000, DECADE_MS]));
      marks.hit("wall clock jumped");
    }
    if (prng.chance(weather.rebuild)) {
      cloud.rebuild();
      marks.hit("cloud rebuilt");
    }
    if (prng.chance(weather.cloudRestore)) {
      cloud.restore();
      marks.hit("cloud restored from a backup");
    }
    for (const node of nodes) this.#disturbNode(node);
    for (const lineage of lineages) {
      if (!lineage.live) continue;
      if (prng.chance(weather.cacheLost)) this.loseCache(lineage, stop);
      else if (prng.chance(weather.rollBack)) this.#rollBack(lineage, stop);
    }
  }

  /** Everything that is under way comes to its end, and what was taken away is back. */
  settle(): void {
    const { etcd, nodes, clock } = this.#world;
    for (const moments of this.#moments) moments.end();
    while (this.#network.late.length > 0) this.#deliverOne();
    this.#network.deniedCalls = 0;
    this.#network.leaderlessCalls = 0;
    this.#network.maxAnswerBytes = Infinity;
    this.#network.maxAnswerKeys = Infinity;
    etcd.model.setNoSpace("free");
    for (const node of nodes) {
      this.#bringBackRoot(node);
      for (const { path, kind } of node.fs.walk(ROOT)) {
        if (kind === "directory") node.fs.setListable(path, true);
      }
      while (node.writers.length > 0) this.#stepWriter(node);
      for (const _ of recoverBackups(node.fs));
    }
    clock.advance(60_000);
  }

  /** etcd comes back empty. */
  emptyEtcd(): void {
    this.#reset();
  }

  /** Somebody deletes a key in etcd. */
  deleteKey(key: string): void {
    const { etcd } = this.#world;
    this.#world.trace(() => `foreign delete ${key}`);
    etcd.delete(key, { by: "foreign", tick: ++this.#world.tick });
  }

  /** Directories that never rest change once more; far more often than they would settle. */
  #touchRestless(): void {
    const { clock, marks } = this.#world;
    if (Math.abs(clock.nowMs - this.#touchedMs) < TOUCH_EVERY_MS) return;
    this.#touchedMs = clock.nowMs;
    for (const [{ fs }, groups] of this.#restless) {
      for (const group of groups) {
        if (!fs.has(group)) continue;
        marks.hit("directory that never rests");
        for (const path of [group, ...NAMESPACES.map((name) => `${group}/${name}`)]) fs.touch(path);
      }
    }
  }

  /** A node's fs cache changes while it is read. */
  #watchReads(node: NodeModel): void {
    const { prng, clock, marks } = this.#world;
    const moments = new Moments(this.#world, node);
    this.#moments.push(moments);
    node.fs.beforeRead = (path) => {
      moments.end();
      this.#world.tick++;
      clock.advance(prng.between(0, 1));
      if (prng.chance(this.#world.weather.churn)) this.#stepWriter(node, "walk");
      moments.blink(path);
    };
    node.fs.duringListing = (path) => {
      if (prng.chance(this.#world.weather.churn)) this.#stepWriter(node, "walk");
      moments.update(path);
    };
    node.fs.beforeFile = (path) => moments.writeBeforeRead(path);
    node.fs.onRead = (path, bytes) => {
      moments.writeAfterRead(path);
      if (path.includes("/tmp_")) marks.hit("backup stood in for a rewrite");
      if (bytes.length === 0 || bytes.at(-1) !== "}".charCodeAt(0)) {
        marks.hit("file caught empty or half written");
      }
    };
  }

  #stepWriter(node: NodeModel, during?: "walk"): void {
    const [writer] = node.writers;
    if (!writer) return;
    this.#duringWalk = during === "walk";
    const { done } = writer.next();
    this.#duringWalk = false;
    if (done) node.writers.shift();
  }

  #duringWalk = false;

  #disturbNode(node: NodeModel): void {
    const { prng, weather, marks } = this.#world;
    const plan = this.#plans.get(node);
    if (!plan) return;
    if (this.#scene?.onlyRemovals) return fillOrRemoveWave(this.#world, node, plan);
    this.#bringBackRoot(node);
    for (const { path, kind } of node.fs.walk(ROOT)) {
      if (kind === "directory") node.fs.setListable(path, true);
    }
    if (prng.chance(weather.killYurthub) && node.writers.length > 0) {
      marks.hit("yurthub killed in mid-rewrite");
      node.writers.length = 0;
      if (prng.chance(0.7)) node.writers.push(recoverBackups(node.fs));
    }
    for (let i = prng.between(0, 4); i > 0; i--) node.writers.push(this.#change(node, plan));
    // Often nobody is at work when the agent comes.
    if (prng.chance(0.5)) { while (node.writers.length > 0) this.#stepWriter(node); }
    if (prng.chance(weather.unreadable)) {
      const directories = node.fs.walk(ROOT).filter(({ kind }) => kind === "directory");
      if (directories.length > 0) {
        node.fs.setListable(prng.pick(directories).path, false);
        marks.hit("directory not readable");
      }
    }
    if (prng.chance(weather.rootGone)) {
      node.fs.rename(ROOT, AWAY);
      if (prng.chance(0.5)) node.fs.makeDirectory(ROOT);
      marks.hit("cache root gone");
    }
  }

  #change(node: NodeModel, plan: CachePlan): Generator<void> {
    const { prng, cloud, weather, marks } = this.#world;
    return drawChange(prng, cloud, node, plan, weather.staleVersion, {
      stale: () => marks.hit("older copy in one component"),
      replaced: () => marks.hit("object made anew with another uid"),
      bad: () => marks.hit("bad file"),
      componentGone: () => marks.hit("component directory gone"),
      directoryMovedByHand: () => marks.hit("directory moved without a backup"),
      directoryMoved: () => {
        if (this.#duringWalk) marks.hit("directory renamed or removed during the walk");
      },
    });
  }

  #bringBackRoot(node: NodeModel): void {
    if (!node.fs.has(AWAY)) return;
    for (const { path, kind } of node.fs.walk(ROOT).reverse()) {
      if (kind === "file" || node.fs.names(path).length === 0) node.fs.remove(path);
    }
    if (node.fs.has(ROOT)) node.fs.remove(ROOT);
    node.fs.rename(AWAY, ROOT);
  }

  #deliverOne(): void {
    const { prng } = this.#world;
    const [late] = this.#network.late.splice(prng.below(this.#network.late.length), 1);
    if (late) this.#deliver(late);
  }

  #deliver(late: LateTxn): void {
    deliverLate(this.#world, late);
  }

  #foreignWrite(): void {
    const { prng, cloud, etcd, marks, tick } = this.#world;
    const write = { by: "foreign", tick } as const;
    const held = [...etcd.current().keys()].filter((key) => key.startsWith("/registry/"));
    const place = cloud.place(prng.pick(this.#resources));
    let key = keyOfPlace(place);
    const ours = prng.chance(0.7) && held.length > 0;
    if (ours) key = prng.pick(held);
    const named = ours ? this.#placeOf(key) ?? place : place;
    if (keyOfPlace(named) !== key) return;
    const kind = prng.weighted({ newer: 3, older: 3, apiserver: 1, delete: 3 });
    this.#world.trace(() => `foreign ${kind} ${key}`);
    switch (kind) {
      case "newer":
        marks.hit("foreign put: importer's, newer");
        return etcd.put(key, objectBytes(named, cloud.change(key), prng.below(3_000)), write);
      case "older":
        marks.hit("foreign put: importer's, older");
        return etcd.put(key, objectBytes(named, cloud.older(key), 0), write);
      case "apiserver":
        marks.hit("foreign put: an apiserver's");
        return etcd.put(key, encoder.encode(`k8s\0${prng.hex()}`), write);
      case "delete":
        if (!ours) return;
        marks.hit("foreign delete");
        return etcd.delete(key, write);
    }
  }

  #placeOf(key: string): Place | undefined {
    const resource = this.#resources.find(({ keyPrefix }) => key.startsWith(keyPrefix));
    return resource && placeOf(resource, key);
  }

  #compact(): void {
    const { etcd, prng } = this.#world;
    const { compacted } = etcd.model.snapshot();
    const oldest = Math.max(compacted + 1, 1);
    if (oldest <= etcd.model.revision) {
      etcd.model.compact(prng.between(oldest, etcd.model.revision));
    }
  }

  #reset(): void {
    const { etcd, marks } = this.#world;
    this.#world.trace(() => "etcd reset");
    etcd.model.reset();
    for (const copy of this.#etcdCopies) copy.undone = true;
    marks.hit("etcd reset to empty");
    this.#replaced();
    if (this.#world.prng.chance(0.3)) this.#regrow();
  }

  #copyEtcd(): void {
    if (this.#etcdCopies.length === COPIES) this.#etcdCopies.shift();
    this.#etcdCopies.push({ state: this.#world.etcd.model.snapshot(), undone: false });
  }

  /** @returns false if there was nothing to restore */
  #restore(): boolean {
    const { etcd, marks, prng } = this.#world;
    const copies = this.#etcdCopies;
    if (copies.length === 0) return false;
    const taken = prng.below(copies.length);
    const copy = copies[taken];
    if (!copy || (!copy.undone && copy.state.revision >= etcd.model.revision)) return false;
    // Twice while somebody reads it page by page, and back to where it was: nobody could tell.
    const { lineages, replacedTick } = this.#world;
    if (copy.undone && lineages.some((one) => one.operationStart <= replacedTick)) return false;
    this.#world.trace(() => `etcd restored to ${copy.state.revision}`);
    const gone = new Map(etcd.deletions());
    etcd.model.restore(copy.state);
    marks.hit("etcd restored to an older revision");
    if (copy.undone) marks.hit("restore to a history that was undone");
    copy.undone = false;
    for (const later of copies.slice(taken + 1)) later.undone = true;
    this.#replaced();
    for (const [key, by] of gone) {
      const stored = etcd.get(key);
      if (stored && by.by === "agent" && isBy(by, by.lineage)) {
        marks.hit("restore across a delete");
      }
    }
    if (this.#world.prng.chance(0.5)) this.#regrow();
    return true;
  }

  #replaced(): void {
    this.#world.replacedTick = this.#world.tick;
    tell(this.#world, (checker) => checker.etcdReplaced?.());
  }

  /** Others write until etcd is beyond every revision that an agent has seen. */
  #regrow(): void {
    const { etcd, marks, prng, seenRevision } = this.#world;
    if (seenRevision - etcd.model.revision > 200) return;
    while (etcd.model.revision <= seenRevision) {
      if (prng.chance(0.3)) this.#foreignWrite();
      else etcd.put("/elsewhere", encoder.encode("x"), { by: "foreign", tick: this.#world.tick });
    }
    marks.hit("restore regrown past the last seen revision");
  }

  #copyDisk(lineage: Lineage): void {
    const { disk } = lineage;
    if (disk.life === undefined) return;
    this.#copies.set(lineage, {
      records: disk.copy(),
      tick: this.#world.tick,
      next: disk.header?.next,
    });
  }

  /**
   * The state directory goes: by a mishap, or since the operator moves it aside.
   *
   * @param lineage whose
   * @param stop ends what works on it
   */
  loseCache(lineage: Lineage, stop: (lineage: Lineage) => void): void {
    stop(lineage);
    this.#world.trace(() => `${lineage.name}: cache lost`);
    this.#world.marks.hit("cache lost");
    lineage.disk.restore();
    lineage.lost.push({ after: -1, upTo: this.#world.tick });
    lineage.keptTxns.clear();
    lineage.apiLists.clear();
    this.#copies.delete(lineage);
    for (const checker of this.#world.checkers) checker.kvReplaced?.(lineage);
  }

  #rollBack(lineage: Lineage, stop: (lineage: Lineage) => void): void {
    const copy = this.#copies.get(lineage);
    if (!copy) return;
    stop(lineage);
    this.#world.trace(() => `${lineage.name}: cache rolled back to ${copy.tick}`);
    this.#world.marks.hit("cache rolled back");
    lineage.disk.restore(copy.records);
    lineage.lost.push({ after: copy.tick, upTo: this.#world.tick });
    if (copy.next !== undefined) lineage.keptTxns.add(copy.next);
    for (const [list, { keys }] of lineage.apiLists) {
      lineage.apiLists.set(list, { keys, sure: false });
    }
    for (const checker of this.#world.checkers) checker.kvReplaced?.(lineage);
  }
}
