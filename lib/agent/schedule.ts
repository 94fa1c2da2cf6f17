import { type Jitter, type LaterLook, LaterLooks, momentOf, NO_LOOK } from "./later_looks.ts";

/** When the loop does what, in ms of a clock that only runs forward. */
export interface ScheduleOptions {
  /** How long the cache must be quiet before a change is taken up. */
  readonly debounceMs: number;
  /** Drift is looked for this often. */
  readonly resyncIntervalMs: number;
  /** A group in which something changed is looked at again after this long. */
  readonly settleMs: number;
}

/** What is due. */
export type Due =
  | { readonly kind: "full" }
  | {
    readonly kind: "groups";
    /** Undefined: all. */
    readonly groups: ReadonlySet<string> | undefined;
    /** What has waited for another node to put it right, if something has: that too. */
    readonly later?: LaterLook;
  }
  | { readonly kind: "wait"; readonly untilMs: number };

/** What somebody deleted in etcd: who did may be about to put another. */
const AFTER_DELETE: Jitter = { minMs: 500, maxMs: 2_000 };
/** What another node of the pool may hold, too, and put. */
const AFTER_OTHERS: Jitter = { minMs: 300, maxMs: 1_500 };
/** A steady stream of changes is taken up after this many debounces all the same. */
const MAX_DEBOUNCES = 5;
/** More dirty groups than this are one: everything. */
const MAX_GROUPS = 1_000;
/** A look right at the settle time would come a moment too early. */
const SETTLE_MARGIN_MS = 50;

/**
 * What the loop has to look at, and when. It holds no queue but a set of groups, so that nothing
 * grows while etcd is away. Pure: time is handed in.
 */
export class Schedule {
  readonly #options: ScheduleOptions;
  #dirty: Set<string> | "all" = new Set();
  #dirtySinceMs = Infinity;
  #changedAtMs = -Infinity;
  /** Each group has its own time: one that never rests must not put off the others. */
  readonly #revisitAtMs = new Map<string, number>();
  #revisitAllAtMs = Infinity;
  readonly #deleted = new LaterLooks(AFTER_DELETE);
  readonly #yielded = new LaterLooks(AFTER_OTHERS);
  /** More was left to other nodes than is told apart. */
  #yieldedMore = false;
  #fullAtMs: number;
  #notBeforeMs = -Infinity;

  /**
   * @param options how often
   * @param nowMs a full pass is due at once
   */
  constructor(options: ScheduleOptions, nowMs: number) {
    this.#options = options;
    this.#fullAtMs = nowMs;
  }

  /** Groups that wait to be looked at; 0 if none, Infinity if all do. */
  get dirtyGroups(): number {
    if (this.#dirty === "all" || this.#yieldedMore) return Infinity;
    return this.#dirty.union(this.#yielded.groups).size;
  }

  /** Something changed in a group; undefined: anywhere. */
  changed(group: string | undefined, nowMs: number): void {
    this.#dirty = join(this.#dirty, group);
    this.#dirtySinceMs = Math.min(this.#dirtySinceMs, nowMs);
    this.#changedAtMs = nowMs;
  }

  /** A full pass is wanted now, by somebody who need not wait for a pause to be over. */
  demandFull(nowMs: number): void {
    this.#notBeforeMs = -Infinity;
    this.#fullAtMs = Math.min(this.#fullAtMs, nowMs);
  }

  /**
   * Somebody deleted a key in etcd that is held.
   *
   * @param key the object key
   * @param nowMs now
   * @param random from 0 to below 1
   */
  deleted(key: string, nowMs: number, random: number): void {
    const look = { keys: new Set([key]), groups: new Set<string>() };
    if (!this.#deleted.add(look, nowMs, random)) this.fullSoon(nowMs, random);
  }

  /**
   * A pass left keys to other nodes of the pool for now.
   *
   * @param look which, and the groups of those who hold them
   * @param nowMs now
   * @param random from 0 to below 1
   */
  yielded(look: LaterLook, nowMs: number, random: number): void {
    if (this.#yielded.add(look, nowMs, random)) return;
    this.#yieldedMore = true;
    this.fullSoon(nowMs, random);
  }

  /**
   * etcd came back empty or older: a full pass, by each node of the pool in a moment of its own, and
   * before any pause is over.
   *
   * @param nowMs now
   * @param random from 0 to below 1
   */
  refill(nowMs: number, random: number): void {
    this.#notBeforeMs = -Infinity;
    const atMs = momentOf(AFTER_OTHERS, nowMs, random);
    // Who is told of it again and again waits no shorter for that.
    if (this.#fullAtMs > nowMs + AFTER_OTHERS.maxMs) this.#fullAtMs = atMs;
  }

  /**
   * Somebody may have deleted keys in etcd while nobody watched.
   *
   * @param nowMs now
   * @param random from 0 to below 1
   */
  fullSoon(nowMs: number, random: number): void {
    this.#fullAtMs = Math.min(this.#fullAtMs, momentOf(AFTER_DELETE, nowMs, random));
  }

  /** A pass failed: a full one comes after a pause, and nothing before. */
  failed(pauseMs: number, nowMs: number): void {
    this.#notBeforeMs = nowMs + pauseMs;
    this.#fullAtMs = Math.min(this.#fullAtMs, nowMs);
  }

  /**
   * A pass begins. What it looks at because it changed is looked at once more after the settle
   * time: a file in a directory that was just made may have come without an event.
   */
  begun(due: Due, nowMs: number): void {
    if (due.kind === "wait") return;
    const looked = due.kind === "full" ? undefined : due.groups;
    const later = due.kind === "full" ? undefined : due.later ?? NO_LOOK;
    this.#deleted.looked(later);
    this.#yielded.looked(later);
    if (due.kind === "full") {
      this.#fullAtMs = nowMs + this.#options.resyncIntervalMs;
      this.#yieldedMore = false;
    }
    const dirty = this.#dirty;
    if (looked === undefined) {
      this.#revisitAtMs.clear();
      this.#revisitAllAtMs = Infinity;
      this.#dirty = new Set();
      if (dirty === "all") this.#revisitAllAtMs = this.#settledAtMs(nowMs);
      else this.unsettled(dirty, nowMs);
    } else {
      for (const group of looked) this.#revisitAtMs.delete(group);
      if (dirty !== "all") {
        this.#dirty = dirty.difference(looked);
        this.unsettled(dirty.intersection(looked), nowMs);
      }
    }
    const rest = this.#dirty === "all" || this.#dirty.size > 0;
    this.#dirtySinceMs = rest ? nowMs : Infinity;
  }

  /**
   * Groups that a pass could not finish are looked at again when what is missing in them can be
   * told to be gone.
   *
   * @param groups which
   * @param nowMs now
   * @param missing since when something is missing in a group, where a look could tell
   */
  unsettled(
    groups: Iterable<string>,
    nowMs: number,
    missing: ReadonlyMap<string, { readonly sinceMs: number | undefined }> = new Map(),
  ): void {
    for (const group of groups) {
      const sinceMs = missing.get(group)?.sinceMs ?? nowMs;
      const atMs = Math.max(this.#settledAtMs(sinceMs), nowMs + SETTLE_MARGIN_MS);
      if (this.#revisitAtMs.size < MAX_GROUPS || this.#revisitAtMs.has(group)) {
        this.#revisitAtMs.set(group, atMs);
      } else this.#revisitAllAtMs = Math.min(this.#revisitAllAtMs, atMs);
    }
  }

  /** What is to be done now, or when to ask again. */
  due(nowMs: number): Due {
    if (nowMs < this.#notBeforeMs) return { kind: "wait", untilMs: this.#notBeforeMs };
    if (nowMs >= this.#fullAtMs) return { kind: "full" };
    const dirtyAtMs = this.#quietAtMs();
    const revisitAtMs = Math.min(this.#revisitAllAtMs, ...this.#revisitAtMs.values());
    const laterAtMs = Math.min(this.#deleted.atMs, this.#yielded.atMs);
    const untilMs = Math.min(this.#fullAtMs, dirtyAtMs, revisitAtMs, laterAtMs);
    if (nowMs < untilMs) return { kind: "wait", untilMs };
    const isDirty = nowMs >= dirtyAtMs;
    const [deleted, yielded] = [this.#deleted.due(nowMs), this.#yielded.due(nowMs)];
    const keys = deleted.keys.union(yielded.keys);
    const later = keys.size > 0 ? { later: { keys, groups: yielded.groups } } : {};
    if (nowMs >= this.#revisitAllAtMs || (isDirty && this.#dirty === "all")) {
      return { kind: "groups", groups: undefined, ...later };
    }
    const groups = new Set(isDirty && this.#dirty !== "all" ? this.#dirty : []);
    for (const [group, atMs] of this.#revisitAtMs) {
      if (atMs - SETTLE_MARGIN_MS <= nowMs) groups.add(group);
    }
    return { kind: "groups", groups, ...later };
  }

  /** When the dirty groups are to be looked at. */
  #quietAtMs(): number {
    if (this.#dirty !== "all" && this.#dirty.size === 0) return Infinity;
    const { debounceMs } = this.#options;
    const latestMs = this.#dirtySinceMs + debounceMs * MAX_DEBOUNCES;
    return Math.min(this.#changedAtMs + debounceMs, latestMs);
  }

  #settledAtMs(nowMs: number): number {
    return nowMs + this.#options.settleMs + SETTLE_MARGIN_MS;
  }
}

function join(set: Set<string> | "all", group: string | undefined): Set<string> | "all" {
  if (set === "all" || group === undefined || set.size >= MAX_GROUPS) return "all";
  return set.add(group);
}
