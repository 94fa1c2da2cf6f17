import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/clock.ts";
import {
  AbsenceHistory,
  type ComponentLimits,
  DenoFileSystem,
  ExcludedResources,
  type FileSystem,
} from "../../lib/fscache/mod.ts";
import {
  dryRun,
  NOTHING_DONE,
  reconcile,
  type ReconcileOptions,
  type ReconcileOutcome,
  type ReconcileReport,
} from "../../lib/reconcile/mod.ts";
import type { EtcdServer } from "../support/etcd_server.ts";
import { FsCacheDir } from "../support/fs_cache.ts";
import { type NodeOptions, TestNode } from "../support/test_node.ts";

/** So much is the clock ahead of the files, that all of them have settled. */
const LATER_MS = 60_000;
const SETTLE_MS = 2_000;

/** What may differ from run to run. */
export interface RunOptions extends Partial<Omit<ReconcileOptions, "source" | "clock">> {
  readonly components?: readonly string[];
  readonly excludeResources?: readonly string[];
  readonly maxObjectBytes?: number;
  readonly leavesOutSecrets?: boolean;
  readonly limits?: ComponentLimits;
}

/** The numbers and lists of a report that say what was done. */
export type Done = Pick<
  ReconcileReport,
  | "status"
  | "created"
  | "updated"
  | "deleted"
  | "released"
  | "unchanged"
  | "conflicts"
  | "invalid"
  | "heldBack"
>;

/** What {@linkcode World.run} reports when nothing had to be done. */
export const IDLE: Done = doneOf(NOTHING_DONE);

/** A node's fs cache, its component-key cache, and an etcd. */
export class World implements AsyncDisposable {
  readonly files = new FsCacheDir();
  readonly node: TestNode;
  /** Added to the clock. */
  aheadMs = LATER_MS;
  /** So much the clock is wrong, by which ages are told. */
  wrongMs = 0;
  /** What was slept, in ms: time passes at once, then comes {@linkcode World.onSleep}. */
  readonly slept: number[] = [];
  #sleptMs = 0;
  readonly #absences = new AbsenceHistory();
  onSleep: () => void = () => {};
  /** Called before a path is looked at. */
  onLstat: (path: string) => void = () => {};

  private constructor(node: TestNode) {
    this.node = node;
  }

  static async start(server: EtcdServer, options: NodeOptions = {}): Promise<World> {
    let world: World | undefined;
    const nowMs = () => world?.clock.steadyMs() ?? Date.now();
    return world = new World(await TestNode.start(server, { nowMs, ...options }));
  }

  get clock(): Clock {
    return {
      nowMs: () => Date.now() + this.aheadMs + this.#sleptMs,
      steadyMs: () => Date.now() + this.aheadMs + this.#sleptMs + this.wrongMs,
      monotonicMs: () => performance.now() + this.#sleptMs,
      sleep: (ms) => {
        this.slept.push(ms);
        this.#sleptMs += ms;
        this.onSleep();
        return Promise.resolve();
      },
      pause: () => new Promise((resolve) => setImmediate(resolve)),
    };
  }

  options(options: RunOptions = {}): ReconcileOptions {
    const { components, excludeResources, maxObjectBytes, leavesOutSecrets, limits, ...rest } =
      options;
    return {
      source: {
        root: this.files.root,
        fs: this.#fileSystem(),
        coverage: {
          components: components && new Set(components),
          excludeResources: excludeResources && new ExcludedResources(excludeResources),
        },
        leavesOutSecrets: leavesOutSecrets ?? false,
        limits,
        settleMs: SETTLE_MS,
        maxObjectBytes: maxObjectBytes ?? 1024 * 1024,
      },
      clock: this.clock,
      policy: "fresher",
      maxDeletePercent: 50,
      confirmDeletes: false,
      requireSingleTxn: false,
      adopt: false,
      ...rest,
    };
  }

  #fileSystem(): FileSystem {
    const real = new DenoFileSystem(this.files.root);
    return {
      readDir: (path) => real.readDir(path),
      lstat: (path) => {
        this.onLstat(path);
        return real.lstat(path);
      },
      readFile: (path, maxBytes) => real.readFile(path, maxBytes),
    };
  }

  /** One reconcile. */
  async outcome(options: RunOptions = {}): Promise<ReconcileOutcome> {
    return await reconcile(this.node.context, this.options(options));
  }

  /** One reconcile that must come to its end. */
  async run(options: RunOptions = {}): Promise<Done> {
    const { report, failure } = await this.outcome(options);
    if (failure) throw failure;
    return doneOf(report);
  }

  /** Lets time pass, by both clocks. */
  wait(ms: number): void {
    this.#sleptMs += ms;
  }

  /**
   * One look of a daemon's, at some groups only or at everything: it does not wait, and remembers
   * what was missing.
   */
  async look(options: RunOptions = {}, ...only: string[]): Promise<Done> {
    const full = only.length === 0;
    const groups = full ? undefined : new Set(only);
    const scope = { groups, full, patient: false, absences: this.#absences };
    const { report, failure } = await reconcile(this.node.context, this.options(options), scope);
    if (failure) throw failure;
    return doneOf(report);
  }

  /** A dry run that must come to its end. */
  async dry(options: RunOptions = {}): Promise<ReconcileReport> {
    const { report, failure } = await dryRun(this.node.context, this.options(options));
    if (failure) throw failure;
    return report;
  }

  /** A dry run of a daemon's, which remembers as its looks do. */
  async dryLook(): Promise<ReconcileReport> {
    const look = { patient: false, absences: this.#absences };
    const { report, failure } = await dryRun(this.node.context, this.options(), look);
    if (failure) throw failure;
    return report;
  }

  /** Lets a directory of the cache have changed just now, by the clock. */
  touch(directory: string): void {
    const now = new Date(this.clock.nowMs());
    Deno.utimeSync(`${this.files.root}/${directory}`, now, now);
  }

  /** A key of the node, from what follows the prefix. */
  key(path: string): string {
    return this.node.prefix + path;
  }

  /** The values under the prefix. */
  async values(): Promise<Record<string, string>> {
    const stored = await this.node.stored();
    return Object.fromEntries([...stored].map(([key, { value }]) => [key, value]));
  }

  /** etcd holds exactly these values, and the cache has each of them under its very mod. */
  async holds(values: Record<string, string>): Promise<void> {
    assert.deepEqual(await this.values(), values);
    const stored = await this.node.stored();
    for (const row of this.node.cache.rows.values()) {
      const path = row.key.slice(this.node.prefix.length);
      assert.equal(row.mod, stored.get(path)?.mod, path);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.files[Symbol.dispose]();
    await this.node[Symbol.asyncDispose]();
  }
}

export function doneOf(report: ReconcileReport): Done {
  const { status, created, updated, deleted, released, unchanged } = report;
  const byKey = <T extends { key: string }>(list: readonly T[]) =>
    list.toSorted((a, b) => a.key < b.key ? -1 : 1);
  const byPath = <T extends { path: string }>(list: readonly T[]) =>
    list.toSorted((a, b) => a.path < b.path ? -1 : 1);
  return {
    status,
    created,
    updated,
    deleted,
    released,
    unchanged,
    conflicts: byKey(report.conflicts),
    invalid: byPath(report.invalid),
    heldBack: report.heldBack.toSorted((a, b) => a.component < b.component ? -1 : 1),
  };
}
