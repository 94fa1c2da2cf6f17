import type { KeyChange } from "../etcd_ledger.ts";
import {
  broken,
  type Checker,
  type Lineage,
  type Operation,
  type World,
  type Write,
} from "../world.ts";

const WINDOW_MS = 10 * 60_000;
/** Files that went so soon one after the other went at once, wherever a slot of time ends. */
const BURST_MS = 1_000;
/** Single deletes don't count: as many of a burst may be taken for some. */
const SINGLES = 2;
const LEAST_BURST = 3 * SINGLES;
const FREE = 10;

/** What became of a component's keys. */
interface Account {
  keys: ReadonlySet<string>;
  /** When files went whose keys were deleted. */
  went: number[];
  /** When keys came, and how many it held then. */
  held: { readonly atMs: number; readonly came: number; readonly keys: number }[];
}

/**
 * What looks like a disk that was wiped is held back: within ten minutes no component loses more
 * than a share of its keys, unless somebody confirms it. It counts only what went in bursts, and
 * takes off what came meanwhile.
 */
export class BulkDeletes implements Checker {
  readonly name = "bulk deletes";
  readonly #world: () => World;
  readonly #percent: number;
  readonly #accounts = new Map<Lineage, Map<string, Account>>();

  /**
   * @param world all there is
   * @param percent the share that may go
   */
  constructor(world: () => World, percent: number) {
    this.#world = world;
    this.#percent = percent;
  }

  operationBegins({ lineage, confirmDeletes }: Operation): void {
    if (confirmDeletes) this.#accounts.delete(lineage);
    this.#note(lineage);
  }

  operationEnded({ lineage, confirmDeletes }: Operation): void {
    if (confirmDeletes) this.#accounts.delete(lineage);
    this.#note(lineage);
  }

  kvReplaced(lineage: Lineage): void {
    this.#accounts.delete(lineage);
  }

  etcdChanged(changes: readonly KeyChange[], write: Write): void {
    if (write.by !== "agent") return;
    const { lineage, operation: { kind, confirmDeletes } } = write;
    if (confirmDeletes || (kind !== "reconcile" && kind !== "group-pass")) return;
    const accounts = this.#accounts.get(lineage);
    for (const { key, after } of changes) {
      if (after || !key.startsWith("/registry/")) continue;
      for (const { component, fromApi } of lineage.disk.row(key)?.owners ?? []) {
        const wentMs = fromApi ? undefined : lineage.node.wentMs(key, component);
        if (wentMs !== undefined) accounts?.get(component)?.went.push(wentMs);
      }
    }
    for (const [component, account] of accounts ?? []) this.#judge(lineage, component, account);
  }

  #judge({ name }: Lineage, component: string, { went, held }: Account): void {
    const sinceMs = this.#world().clock.monotonicMs - WINDOW_MS;
    const bursts = burstsOf(went.filter((atMs) => atMs > sinceMs))
      .filter((size) => size >= LEAST_BURST);
    const recent = held.filter(({ atMs }) => atMs > sinceMs);
    const came = recent.slice(1).reduce((sum, one) => sum + one.came, 0);
    const lost = bursts.reduce((sum, size) => sum + size - SINGLES, 0) - came;
    const most = Math.max(0, ...recent.map(({ keys }) => keys));
    if (lost <= FREE || lost * 100 <= this.#percent * most) return;
    broken(this, `${name} lets ${component} lose ${lost} of ${most} keys in ten minutes`);
  }

  #note(lineage: Lineage): void {
    const accounts = this.#accounts.get(lineage) ?? new Map<string, Account>();
    this.#accounts.set(lineage, accounts);
    const now = new Map<string, Set<string>>();
    for (const key of lineage.disk.rowKeys) {
      for (const { component, fromApi } of lineage.disk.row(key)?.owners ?? []) {
        if (!fromApi) now.set(component, (now.get(component) ?? new Set()).add(key));
      }
    }
    const atMs = this.#world().clock.monotonicMs;
    for (const [component, keys] of now) {
      const account = accounts.get(component) ?? { keys: new Set(), went: [], held: [] };
      accounts.set(component, account);
      account.held.push({ atMs, came: keys.difference(account.keys).size, keys: keys.size });
      account.keys = keys;
    }
  }
}

/** How many went in each burst. */
function burstsOf(times: number[]): number[] {
  const sizes: number[] = [];
  let firstMs = -Infinity;
  for (const atMs of times.sort((a, b) => a - b)) {
    if (atMs - firstMs > BURST_MS) {
      firstMs = atMs;
      sizes.push(0);
    }
    sizes.push((sizes.pop() ?? 0) + 1);
  }
  return sizes;
}
