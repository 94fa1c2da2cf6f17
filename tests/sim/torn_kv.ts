import {
  KeyCacheError,
  type KvKey,
  type KvLimits,
  type KvMutation,
  type KvStore,
} from "../../lib/keycache/mod.ts";
import type { AgentProcess } from "./agent_process.ts";
import type { KvDisk } from "./kv_disk.ts";
import { tell, type World } from "./world.ts";

/** What limits a run's databases have: Deno KV's, or ones that cut every write of a few rows. */
export function drawLimits(world: Pick<World, "prng">): KvLimits | undefined {
  if (world.prng.chance(0.5)) return undefined;
  return {
    maxMutations: world.prng.between(2, 6),
    maxKeyBytes: 4_000,
    maxTotalBytes: 1_200,
    maxValueBytes: 1_600,
  };
}

/**
 * A cache's database as one process sees it. Each commit is all or nothing, but the process can
 * die before, in the middle of (then chance says whether it is there) or after it, the disk can be
 * full, and a commit can be reported as failed and yet be there.
 */
export class TornKv implements KvStore {
  readonly path = "the simulated disk";
  readonly limits?: KvLimits;
  readonly #world: World;
  readonly #process: AgentProcess;

  constructor(world: World, process: AgentProcess, limits: KvLimits | undefined) {
    this.#world = world;
    this.#process = process;
    if (limits) this.limits = limits;
  }

  async *list(prefix: KvKey): AsyncIterable<{ key: KvKey; value: Uint8Array }> {
    await this.#process.turn("kv list");
    for (const { key, value } of this.#process.lineage.disk.list(prefix)) {
      yield { key, value: value.slice() };
    }
  }

  async commit(mutations: readonly KvMutation[], absent?: KvKey): Promise<void> {
    const { prng, weather } = this.#world;
    const { lineage } = this.#process;
    await this.#process.turn("kv commit", "crash before a KV commit");
    if (absent && lineage.disk.has(absent)) {
      throw new KeyCacheError("io", "an intent is already pending");
    }
    if (prng.chance(weather.kvFull)) {
      this.#world.marks.hit("disk full at a KV commit");
      this.#world.trace(() => `${this.#process.name}: disk full`);
      throw new KeyCacheError("full", "the disk is full");
    }
    const dies = prng.chance(weather.crash / 2);
    if (dies) this.#world.marks.hit("crash while a KV commit was under way");
    if (dies && prng.chance(0.5)) this.#process.crash();
    this.#commit(mutations);
    if (dies) this.#process.crash();
    if (prng.chance(weather.kvUnsure)) {
      this.#world.marks.hit("KV commit reported as failed, yet there");
      throw new KeyCacheError("io", "the answer of the database was lost");
    }
    await this.#process.turn("kv committed", "crash after a KV commit");
  }

  /** The disk outlives the process. */
  close(): void {}

  #commit(mutations: readonly KvMutation[]): void {
    const { lineage } = this.#process;
    const before = lineage.disk.header;
    lineage.disk.commit(mutations);
    for (const mutation of mutations) {
      this.#world.trace(() => `${this.#process.name}: kv ${describe(mutation, lineage.disk)}`);
    }
    if (lineage.disk.state?.adopting) lineage.adoptedTick = this.#world.tick;
    const after = lineage.disk.header;
    this.#process.halfWritten = (before !== undefined && after !== undefined) ||
      (after === undefined && lineage.disk.hasChunks);
    tell(this.#world, (checker) => checker.kvChanged?.(lineage));
  }
}

function describe(mutation: KvMutation, disk: KvDisk): string {
  if ("delete" in mutation) return `-${mutation.delete.join(" ")}`;
  const [kind, key = ""] = mutation.set;
  const row = kind === "row" ? disk.row(key) : undefined;
  if (!row) return `+${mutation.set.join(" ")}`;
  const owners = row.owners.map((one) => `${one.component}/${one.gvr}@${one.resourceVersion}`);
  const { ours, mod, uid, resourceVersion } = row;
  const whose = ours ? "ours" : "another's";
  return `+row ${key} ${whose} mod ${mod} ${uid}@${resourceVersion} [${owners.join(" ")}]`;
}
