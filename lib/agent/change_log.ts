import type { ReconcileReport } from "../reconcile/mod.ts";
import type { Log } from "./log.ts";

/** What a pass changed. */
export type Changes = Pick<
  ReconcileReport,
  "created" | "updated" | "deleted" | "released" | "txns" | "revision" | "durationMs"
>;

/** What is counted of a pass. */
type Counts = Record<"created" | "updated" | "deleted" | "released" | "txns", number>;
const NONE: Counts = { created: 0, updated: 0, deleted: 0, released: 0, txns: 0 };
/** Passes by which keys came or went are told at once, so many an hour. */
const MAX_TOLD = 20;
/** How often what was not told at once is summed up. */
const SUMMARY_MS = 3_600_000;

/**
 * Logs what passes change. At once: the first change, keys that come or go as long as these are few,
 * and whatever changes twice as many keys in some way as all that was told before it. The everyday
 * rest, a node's Lease every ten seconds, is summed up once an hour.
 */
export class ChangeLog {
  readonly #log: Log;
  readonly #monotonicMs: () => number;
  /** When the hour ends that the first change began; undefined while there was none. */
  #untilMs: number | undefined;
  #largest: Counts = NONE;
  #told = 0;
  #rest = { ...NONE, passes: 0, revision: "" };

  /**
   * @param log where to
   * @param monotonicMs a clock that only runs forward, in ms
   */
  constructor(log: Log, monotonicMs: () => number) {
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  /**
   * Takes in what a pass changed, if it did.
   *
   * @param changes how many keys, in how many Txns
   */
  changed(changes: Changes): void {
    const { created, updated, deleted, released, txns, revision, durationMs } = changes;
    if (created + updated + deleted + released === 0) return;
    this.tick();
    this.#untilMs ??= this.#monotonicMs() + SUMMARY_MS;
    const largest = this.#largest;
    const isLarge = (["created", "updated", "deleted", "released"] as const)
      .some((name) => changes[name] > 0 && changes[name] >= 2 * largest[name]);
    const isFew = created + deleted + released > 0 && this.#told < MAX_TOLD;
    if (isLarge || isFew) {
      this.#told++;
      this.#largest = mapped((name) => Math.max(largest[name], changes[name]));
      const fields = { created, updated, deleted, released, txns, revision, durationMs };
      this.#log("info", "brought in step", fields);
    } else {
      const rest = this.#rest;
      const sums = mapped((name) => rest[name] + changes[name]);
      this.#rest = { ...sums, passes: rest.passes + 1, revision: revision || rest.revision };
    }
  }

  /** Sums up an hour that is over; to be called now and then. */
  tick(): void {
    if (this.#untilMs !== undefined && this.#monotonicMs() >= this.#untilMs) this.sumUp();
  }

  /** Sums up what was not told, and begins anew. */
  sumUp(): void {
    const { passes, revision, ...counts } = this.#rest;
    if (passes > 0) this.#log("info", "brought in step since", { passes, ...counts, revision });
    this.#untilMs = undefined;
    this.#largest = NONE;
    this.#told = 0;
    this.#rest = { ...NONE, passes: 0, revision: "" };
  }
}

function mapped(count: (name: keyof Counts) => number): Counts {
  return {
    created: count("created"),
    updated: count("updated"),
    deleted: count("deleted"),
    released: count("released"),
    txns: count("txns"),
  };
}
