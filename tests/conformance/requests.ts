import type {
  ICompare,
  IDeleteRangeRequest,
  IPutRequest,
  IRangeRequest,
  IRequestOp,
  ITxnRequest,
} from "etcd3";
import type { Dice } from "./dice.ts";

/** Text as bytes, one a character. */
export function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** The keys that generated requests are about, in order: few, so that they meet. */
export const KEYS = [
  "\0",
  "a",
  "a\0",
  "a/1",
  "a/2",
  "ab",
  "b",
  "b/1",
  "c",
  "\xfe",
  "\xff",
] as const;

/** A range that ended at the first one would mean "no end". */
const [, ...RANGE_ENDS] = KEYS;

export const TARGETS = ["Version", "Create", "Mod", "Value", "Lease"] as const;
export const RESULTS = ["Equal", "Greater", "Less", "NotEqual"] as const;
const SORT_TARGETS = ["Key", "Version", "Create", "Mod", "Value"] as const;
const SORT_ORDERS = ["None", "Ascend", "Descend"] as const;
const VALUES = ["", "0", "1", "1\0", "2", "\xff"] as const;
/**
 * Where keys are equal in what they are sorted by, etcd leaves their order to Go, whose sort keeps
 * up to 12 in place; up to 6 only, if built with a Go before 1.19 (as the etcd 3.5.1 of PyPI is).
 */
const STABLE = 6;
/** Nested Txns go this deep, the root not counted. */
const MAX_DEPTH = 4;

/** What one Txn may hold, so that most of them are valid and some break each rule. */
interface Style {
  /** Keys are used twice, at random; else each is written once a path. */
  readonly careless: boolean;
  /** Deletes may go without an end, which clash with nothing. */
  readonly endlessDeletes: boolean;
  /** Percentage of operations that are Txns themselves. */
  readonly nesting: number;
  /** Percentage of faults of form: keys left out, empty operations, leases. */
  readonly faults: number;
  /** The most operations in one list. */
  readonly width: number;
  /** Bytes of an oversized value, 0 for none. */
  readonly padding: number;
}

/** Makes requests around what an etcd holds, from throws of dice alone. */
export class RequestMaker {
  readonly #dice: Dice;
  /** The revisions that requests refer to lie around this one. */
  revision = 1;

  /** @param dice what every choice is left to */
  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** @param padding bytes of a value that is too large for some limit; used now and then */
  txn(padding: number): ITxnRequest {
    const dice = this.#dice;
    const style: Style = {
      careless: dice.chance(15),
      endlessDeletes: dice.chance(15),
      nesting: dice.pick([25, 40, 60]),
      faults: dice.chance(12) ? 8 : 0,
      width: dice.pick([1, 2, 2, 3, 3, 4, 5]),
      padding: dice.chance(3) ? padding : 0,
    };
    return this.#txn(style, MAX_DEPTH, dice.shuffle(KEYS));
  }

  /** A range, alone or for a Txn. */
  range(style: Pick<Style, "faults"> = { faults: 3 }): IRangeRequest {
    const dice = this.#dice;
    const target = dice.chance(40) ? dice.pick(SORT_TARGETS) : "Key";
    const request: IRangeRequest = {
      ...(target === "Key" ? this.#interval(true, style.faults) : this.#fewKeys()),
    };
    if (target !== "Key" || dice.chance(20)) request.sort_target = target;
    if (dice.chance(30)) request.limit = dice.below(4);
    if (dice.chance(30)) request.revision = this.#nearby(dice.chance(15) ? 2 : 0);
    if (dice.chance(40)) request.sort_order = dice.pick(SORT_ORDERS);
    if (dice.chance(15)) request.keys_only = true;
    if (dice.chance(10)) request.count_only = true;
    if (dice.chance(12)) request.min_mod_revision = this.#nearby(1);
    if (dice.chance(12)) request.max_mod_revision = this.#nearby(1);
    if (dice.chance(12)) request.min_create_revision = String(this.#nearby(1));
    if (dice.chance(12)) request.max_create_revision = String(this.#nearby(1));
    return request;
  }

  /** A revision to compact at: often old, sometimes compacted already, or in the future. */
  compaction(): number {
    return this.#nearby(this.#dice.chance(20) ? 2 : 0);
  }

  /** @param free keys that the path may still write */
  #txn(style: Style, depth: number, free: string[]): ITxnRequest {
    const dice = this.#dice;
    const compares = dice.pick([0, 1, 1, 1, 2, style.width]);
    const request: ITxnRequest = {
      compare: Array.from({ length: compares }, () => this.#compare(style)),
      // Only one of the branches runs: both may write the same keys.
      success: this.#operations(style, depth, [...free]),
      failure: dice.chance(70) ? this.#operations(style, depth, [...free]) : [],
    };
    if (dice.chance(5)) delete request.failure;
    return request;
  }

  #operations(style: Style, depth: number, free: string[]): IRequestOp[] {
    const length = this.#dice.below(style.width + 1);
    return Array.from({ length }, () => this.#operation(style, depth, free));
  }

  #operation(style: Style, depth: number, free: string[]): IRequestOp {
    const dice = this.#dice;
    if (dice.chance(style.faults)) return {};
    if (depth > 0 && dice.chance(style.nesting)) {
      // Siblings share what is left: each takes some of it.
      const share = style.careless ? free : free.splice(0, dice.below(free.length + 1));
      return { request_txn: this.#txn(style, depth - 1, share) };
    }
    const key = style.careless ? dice.pick(KEYS) : free.pop();
    if (key === undefined || dice.chance(35)) return { request_range: this.range(style) };
    return dice.chance(65)
      ? { request_put: this.#put(style, key) }
      : { request_delete_range: this.#delete(style, key) };
  }

  #put(style: Style, key: string): IPutRequest {
    const dice = this.#dice;
    const put: IPutRequest = { key: bytes(key), value: bytes(dice.pick(VALUES)) };
    if (dice.chance(style.faults)) delete put.key;
    if (dice.chance(style.faults)) put.lease = dice.pick([0, "7", 7]);
    if (dice.chance(25)) put.prev_kv = true;
    if (style.padding > 0) put.value = Buffer.alloc(style.padding, "x");
    // A delete without an end may precede such a put of the same key, and etcd would panic.
    if (!style.endlessDeletes && dice.chance(6)) {
      put.ignore_value = true;
      if (!dice.chance(style.faults)) delete put.value;
    }
    if (!style.endlessDeletes && dice.chance(3)) put.ignore_lease = true;
    return put;
  }

  #delete(style: Style, key: string): IDeleteRangeRequest {
    const dice = this.#dice;
    const ranged = style.careless || dice.chance(40);
    const request: IDeleteRangeRequest = ranged
      ? this.#interval(style.endlessDeletes, style.faults)
      : { key: bytes(key) };
    if (dice.chance(40)) request.prev_kv = true;
    return request;
  }

  #compare(style: Style): ICompare {
    const dice = this.#dice;
    const compare: ICompare = dice.chance(60)
      ? { key: bytes(dice.pick(KEYS)) }
      : this.#interval(true, style.faults);
    if (dice.chance(95)) compare.result = dice.pick(RESULTS);
    if (dice.chance(95)) compare.target = dice.pick(TARGETS);
    if (dice.chance(5)) return compare;
    switch (compare.target) {
      case "Create":
        compare.create_revision = this.#operand();
        break;
      case "Mod":
        compare.mod_revision = String(this.#operand());
        break;
      case "Value":
        compare.value = bytes(dice.pick(VALUES));
        break;
      case "Lease":
        compare.lease = dice.pick([0, 0, 1, -1]);
        break;
      default:
        compare.version = dice.below(4);
    }
    return compare;
  }

  /** A revision to compare with: 0 stands for "absent". */
  #operand(): number {
    return this.#dice.chance(35) ? 0 : this.#nearby(1);
  }

  /** A revision among the last few, or up to `ahead` ahead of the last. */
  #nearby(ahead: number): number {
    return Math.max(0, this.revision + ahead - this.#dice.below(10));
  }

  /** A range that holds no more keys than every etcd sorts alike. */
  #fewKeys(): { key: Buffer; range_end: Buffer } {
    const first = this.#dice.below(KEYS.length);
    const end = KEYS[first + STABLE] ?? "\xff\xff";
    return { key: bytes(KEYS[first] ?? KEYS[0]), range_end: bytes(end) };
  }

  /** One key, a range that may be empty or upside down, a prefix, all from a key, or all. */
  #interval(endless: boolean, faults: number): { key?: Buffer; range_end?: Buffer } {
    const dice = this.#dice;
    const key = bytes(dice.pick(KEYS));
    if (dice.chance(faults)) return {};
    const kind = dice.below(100);
    if (kind < 30) return { key };
    if (kind < 65) return { key, range_end: bytes(dice.pick(RANGE_ENDS)) };
    if (kind < 75) return { key: bytes("a/"), range_end: bytes("a0") };
    // Sent, but empty: the key alone in a write, no end in a read.
    if (kind < 80) return { key, range_end: Buffer.alloc(0) };
    if (!endless) return { key };
    return { key: kind < 90 ? key : bytes("\0"), range_end: bytes("\0") };
  }
}
