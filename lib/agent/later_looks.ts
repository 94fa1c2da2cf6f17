/** More keys than this are one: everything. */
const MAX_KEYS = 1_000;

/** When something is to be looked at, in ms from now: at random between the two. */
export interface Jitter {
  /** The soonest. */
  readonly minMs: number;
  /** The latest. */
  readonly maxMs: number;
}

/** What it is time to look at. */
export interface LaterLook {
  /** Object keys, in etcd. */
  readonly keys: ReadonlySet<string>;
  /** Resource groups (`component/directory`) that have to do with them. */
  readonly groups: ReadonlySet<string>;
}

/** Nothing to look at. */
export const NO_LOOK: LaterLook = { keys: new Set(), groups: new Set() };

/**
 * A moment between the two of a jitter: all nodes of a pool see the same thing in the same moment,
 * and one of them may be about to put it right.
 *
 * @param jitter between which
 * @param nowMs now
 * @param random from 0 to below 1
 */
export function momentOf({ minMs, maxMs }: Jitter, nowMs: number, random: number): number {
  return nowMs + minMs + random * (maxMs - minMs);
}

/** Keys that are looked at in etcd a moment later. Those of about one time go together. */
export class LaterLooks {
  readonly #jitter: Jitter;
  readonly #keys = new Map<string, number>();
  readonly #groups = new Map<string, number>();
  #lastAtMs = -Infinity;

  /** @param jitter how much later */
  constructor(jitter: Jitter) {
    this.#jitter = jitter;
  }

  /** When the first is to be looked at; Infinity if there is none. */
  get atMs(): number {
    return Math.min(...this.#keys.values());
  }

  /** Groups that wait for it. */
  get groups(): Iterable<string> {
    return this.#groups.keys();
  }

  /**
   * Takes keys in.
   *
   * @param look which, and the groups that have to do with them
   * @param nowMs now
   * @param random from 0 to below 1
   * @returns false if there are too many by now: then everything is to be looked at
   */
  add({ keys, groups }: LaterLook, nowMs: number, random: number): boolean {
    const fresh = [...keys].filter((key) => !this.#keys.has(key));
    if (this.#keys.size + fresh.length > MAX_KEYS) return false;
    if (fresh.length === 0) return true;
    if (this.#lastAtMs < nowMs + this.#jitter.minMs) {
      this.#lastAtMs = momentOf(this.#jitter, nowMs, random);
    }
    for (const key of fresh) this.#keys.set(key, this.#lastAtMs);
    for (const group of groups) this.#groups.set(group, this.#lastAtMs);
    return true;
  }

  /**
   * What it is time for.
   *
   * @param nowMs now
   */
  due(nowMs: number): LaterLook {
    return { keys: upTo(this.#keys, nowMs), groups: upTo(this.#groups, nowMs) };
  }

  /**
   * Some were looked at.
   *
   * @param look which; undefined: all
   */
  looked(look?: LaterLook): void {
    for (const key of look?.keys ?? this.#keys.keys()) this.#keys.delete(key);
    for (const group of look?.groups ?? this.#groups.keys()) this.#groups.delete(group);
  }
}

function upTo(atMs: ReadonlyMap<string, number>, nowMs: number): Set<string> {
  const due = new Set<string>();
  for (const [one, at] of atMs) if (at <= nowMs) due.add(one);
  return due;
}
