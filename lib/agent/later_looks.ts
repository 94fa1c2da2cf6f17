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

/** What is looked at in one moment. */
interface Waiting {
  readonly atMs: number;
  readonly keys: Set<string>;
  readonly groups: Set<string>;
}

/** Keys that are looked at in etcd a moment later. Those of about one time go together. */
export class LaterLooks {
  readonly #jitter: Jitter;
  /** In order of their moments. A key waits for one, a group for each that one of its keys does. */
  #waiting: Waiting[] = [];

  /** @param jitter how much later */
  constructor(jitter: Jitter) {
    this.#jitter = jitter;
  }

  /** When the first is to be looked at; Infinity if there is none. */
  get atMs(): number {
    return this.#waiting[0]?.atMs ?? Infinity;
  }

  /** Groups that wait for it. */
  get groups(): ReadonlySet<string> {
    return unionOf(this.#waiting).groups;
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
    const fresh = [...keys].filter((key) => !this.#waiting.some((one) => one.keys.has(key)));
    const held = this.#waiting.reduce((sum, one) => sum + one.keys.size, 0);
    if (held + fresh.length > MAX_KEYS) return false;
    if (fresh.length > 0) {
      const next = this.#nextFrom(nowMs, random);
      for (const key of fresh) next.keys.add(key);
    }
    for (const one of this.#waiting) {
      if (one.keys.isDisjointFrom(keys)) continue;
      for (const group of groups) one.groups.add(group);
    }
    return true;
  }

  /**
   * What it is time for.
   *
   * @param nowMs now
   */
  due(nowMs: number): LaterLook {
    return unionOf(this.#waiting.filter(({ atMs }) => atMs <= nowMs));
  }

  /**
   * Some were looked at. Keys whose groups were not wait for their own moment all the same.
   *
   * @param look which; undefined: all
   */
  looked(look?: LaterLook): void {
    for (const one of this.#waiting) {
      if (look && !one.groups.isSubsetOf(look.groups)) continue;
      for (const key of look?.keys ?? one.keys) one.keys.delete(key);
    }
    this.#waiting = this.#waiting.filter(({ keys }) => keys.size > 0);
  }

  /** The last moment, unless that is too near: then a new one. */
  #nextFrom(nowMs: number, random: number): Waiting {
    const last = this.#waiting.at(-1);
    if (last && last.atMs >= nowMs + this.#jitter.minMs) return last;
    const atMs = momentOf(this.#jitter, nowMs, random);
    const next: Waiting = { atMs, keys: new Set(), groups: new Set() };
    this.#waiting.push(next);
    return next;
  }
}

function unionOf(waiting: readonly Waiting[]): LaterLook {
  return {
    keys: new Set(waiting.flatMap(({ keys }) => [...keys])),
    groups: new Set(waiting.flatMap(({ groups }) => [...groups])),
  };
}
