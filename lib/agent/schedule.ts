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
  | { readonly kind: "groups"; readonly groups: ReadonlySet<string> | undefined }
  | { readonly kind: "wait"; readonly untilMs: number };

/** A steady stream of changes is taken up after this many debounces all the same. */
const MAX_DEBOUNCES = 10;
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
  #revisit: Set<string> | "all" = new Set();
  #revisitAtMs = Infinity;
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
    return this.#dirty === "all" ? Infinity : this.#dirty.size;
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

  /** A pass failed: a full one comes after a pause, and nothing before. */
  failed(pauseMs: number, nowMs: number): void {
    this.#notBeforeMs = nowMs + pauseMs;
    this.#fullAtMs = Math.min(this.#fullAtMs, nowMs);
  }

  /**
   * A pass begins. What it looks at is looked at once more when it has settled: an absence counts
   * only then, and a file in a directory that was just made may have come without an event.
   */
  begun(due: Due, nowMs: number): void {
    if (due.kind === "wait") return;
    const looked = due.kind === "full" || due.groups === undefined ? "all" : due.groups;
    if (due.kind === "full") this.#fullAtMs = nowMs + this.#options.resyncIntervalMs;
    if (looked === "all") this.#revisit = new Set();
    else if (this.#revisit !== "all") this.#revisit = this.#revisit.difference(looked);
    if (this.#revisit !== "all" && this.#revisit.size === 0) this.#revisitAtMs = Infinity;
    if (this.#dirty === "all" || this.#dirty.size > 0) this.#revisitLater(this.#dirty, nowMs);
    if (looked === "all") this.#dirty = new Set();
    else if (this.#dirty !== "all") this.#dirty = this.#dirty.difference(looked);
    const rest = this.#dirty === "all" || this.#dirty.size > 0;
    this.#dirtySinceMs = rest ? nowMs : Infinity;
  }

  /** Groups that a pass could not finish; they are looked at again when they have settled. */
  unsettled(groups: Iterable<string>, nowMs: number): void {
    const again = new Set(groups);
    if (again.size > 0) this.#revisitLater(again, nowMs);
  }

  /** What is to be done now, or when to ask again. */
  due(nowMs: number): Due {
    if (nowMs < this.#notBeforeMs) return { kind: "wait", untilMs: this.#notBeforeMs };
    if (nowMs >= this.#fullAtMs) return { kind: "full" };
    if (nowMs >= this.#revisitAtMs) {
      return { kind: "groups", groups: this.#revisit === "all" ? undefined : this.#revisit };
    }
    const { debounceMs } = this.#options;
    const quietAtMs = Math.min(
      this.#changedAtMs + debounceMs,
      this.#dirtySinceMs + debounceMs * MAX_DEBOUNCES,
    );
    const isDirty = this.#dirty === "all" || this.#dirty.size > 0;
    if (isDirty && nowMs >= quietAtMs) {
      return { kind: "groups", groups: this.#dirty === "all" ? undefined : this.#dirty };
    }
    const dirtyAtMs = isDirty ? quietAtMs : Infinity;
    return { kind: "wait", untilMs: Math.min(this.#fullAtMs, this.#revisitAtMs, dirtyAtMs) };
  }

  #revisitLater(groups: ReadonlySet<string> | "all", nowMs: number): void {
    if (groups === "all") this.#revisit = "all";
    else for (const group of groups) this.#revisit = join(this.#revisit, group);
    // What is too young even then comes back once more; a steady trickle must not put it off.
    const atMs = nowMs + this.#options.settleMs + SETTLE_MARGIN_MS;
    this.#revisitAtMs = Math.min(this.#revisitAtMs, atMs);
  }
}

function join(set: Set<string> | "all", group: string | undefined): Set<string> | "all" {
  if (set === "all" || group === undefined || set.size >= MAX_GROUPS) return "all";
  return set.add(group);
}
