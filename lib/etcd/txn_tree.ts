import { Buffer } from "node:buffer";
import { EtcdError } from "./errors.ts";
import type { Compare, RequestOp, TxnRequest, TxnResponse } from "./messages.ts";

/** One guarded operation of a Txn, or one read inside it. */
export type TxnOp =
  | {
    readonly action: "put";
    readonly key: string;
    readonly value: Uint8Array;
    /**
     * Mod revision that the key must have, decimal; "0": it must not exist; null: it stands in a
     * vacant span, whose guard covers it.
     */
    readonly guardMod: string | null;
  }
  | { readonly action: "delete"; readonly key: string; readonly guardMod: string }
  | { readonly action: "read"; readonly key: string };

/** The fence as one Txn moves it. */
export interface FenceMove {
  /** The fence's key, which stands outside of the prefix of all object keys. */
  readonly key: string;
  /** Value that it must hold; null: it must not exist. */
  readonly expected: string | null;
  /** Value that it gets; null: it is deleted. */
  readonly next: string | null;
}

/** Keys from `first` to `last` inclusive, none of which may exist for the Txn to apply. */
export interface VacantSpan {
  /** Its lowest key, in etcd's order. */
  readonly first: string;
  /** Its highest key. */
  readonly last: string;
}

/** What one operation came to. */
export interface TxnOpResult {
  /** For put and delete: the guard held, and it was done. For read: always true. */
  readonly succeeded: boolean;
  /** For read: the key's state, undefined if it does not exist. */
  readonly found?: { readonly mod: string; readonly value: Uint8Array };
}

/** Levels of a path that every tree uses up: the leaf's own Txn, and the fence at the root. */
const LEAF_OPS = 1;
const FENCE_OPS = 1;

/**
 * How many operations one Txn can hold at the most.
 *
 * etcd sums max(compares, successes, failures) down each path of nested Txns and refuses more
 * than `--max-txn-ops`; siblings do not add up (etcd 3.4 to 3.6, `checkTxnRequest`).
 *
 * @param maxTxnOps etcd's `--max-txn-ops`, at least 3
 * @param levels nested levels between root and leaves, at least 1
 */
export function txnCapacity(maxTxnOps: number, levels: number): number {
  return levelWidths(maxTxnOps, levels).reduce((product, width) => product * width, 1);
}

/**
 * The number of levels of the shallowest tree that holds `count` operations, or undefined if
 * none does.
 */
export function txnLevels(maxTxnOps: number, count: number): number | undefined {
  const budget = maxTxnOps - LEAF_OPS - FENCE_OPS;
  // Beyond a third of the budget, another level only makes the tree narrower.
  const deepest = Math.max(1, Math.ceil(budget / 3));
  for (let levels = 1; levels <= deepest; levels++) {
    if (txnCapacity(maxTxnOps, levels) >= count) return levels;
  }
  return undefined;
}

/** How many inner nodes (below the root, above the leaves) a tree of `count` operations has. */
export function txnInnerNodes(maxTxnOps: number, count: number): number {
  const widths = levelWidths(maxTxnOps, txnLevels(maxTxnOps, count) ?? 1);
  let inner = 0;
  let below = count;
  for (const width of widths.slice(1).reverse()) {
    below = Math.ceil(below / width);
    inner += below;
  }
  return inner;
}

/**
 * Builds the one Txn of a batch: if the fence holds what is expected, it moves on, and each
 * operation is done in a nested Txn of its own if its guard holds. No else branches: an answer
 * must stay small.
 *
 * The fence is put at the root, but nested when the batch puts nothing: etcd's quota counts root
 * puts only, so that deletes still pass while it is out of space.
 *
 * @param fence the fence's move
 * @param ops what is to be done, each key once
 * @param maxTxnOps etcd's `--max-txn-ops`
 * @param vacant spans that must be empty: one compare instead of one for each key in them
 * @throws {EtcdError} `too-many-ops` if no tree holds them
 */
export function buildTxn(
  fence: FenceMove,
  ops: readonly TxnOp[],
  maxTxnOps: number,
  vacant: readonly VacantSpan[] = [],
): TxnRequest {
  const levels = txnLevels(maxTxnOps, ops.length);
  if (levels === undefined) {
    throw new EtcdError("too-many-ops", `${ops.length} operations do not fit one Txn`);
  }
  const success = nest(ops.map(leaf), levelWidths(maxTxnOps, levels));
  const nested = !ops.some((op) => op.action === "put");
  return {
    compare: [fenceCompare(fence), ...vacant.map(vacancyCompare)],
    success: [moveFence(fence, nested), ...success],
    failure: [],
  };
}

/**
 * Reads the answer to {@linkcode buildTxn}'s Txn.
 *
 * @param ops what the Txn was built with
 * @param response etcd's answer; its root must have succeeded
 * @param maxTxnOps what the Txn was built with
 * @returns one result for each operation, in order
 * @throws {EtcdError} `unknown` if the answer does not have the Txn's shape
 */
export function readTxn(
  ops: readonly TxnOp[],
  response: TxnResponse,
  maxTxnOps: number,
): TxnOpResult[] {
  const levels = txnLevels(maxTxnOps, ops.length) ?? 1;
  // The first is the fence's.
  let nodes = response.responses.slice(1);
  for (let level = 1; level < levels; level++) {
    nodes = nodes.flatMap((node) => node.response_txn?.responses ?? []);
  }
  if (nodes.length !== ops.length) {
    throw new EtcdError(
      "unknown",
      "etcd's answer does not have the shape of the Txn that was sent",
    );
  }
  return nodes.map((node, index) => {
    const op = ops[index];
    if (op?.action === "put" && op.guardMod === null) return { succeeded: true };
    if (op?.action !== "read") return { succeeded: node.response_txn?.succeeded === true };
    const kv = node.response_range?.kvs?.[0];
    if (!kv) return { succeeded: true };
    return { succeeded: true, found: { mod: kv.mod_revision, value: kv.value } };
  });
}

/** Spreads the budget of a path over the levels, the wider ones at the root. */
function levelWidths(maxTxnOps: number, levels: number): number[] {
  const budget = Math.max(1, maxTxnOps - LEAF_OPS - FENCE_OPS);
  const width = Math.floor(budget / levels);
  const wider = budget % levels;
  return Array.from({ length: levels }, (_, level) => Math.max(1, width + (level < wider ? 1 : 0)));
}

function nest(leaves: RequestOp[], widths: readonly number[]): RequestOp[] {
  let nodes = leaves;
  for (const width of widths.slice(1).reverse()) {
    const parents: RequestOp[] = [];
    for (let start = 0; start < nodes.length; start += width) {
      parents.push({
        request_txn: { compare: [], success: nodes.slice(start, start + width), failure: [] },
      });
    }
    nodes = parents;
  }
  return nodes;
}

function leaf(op: TxnOp): RequestOp {
  const key = Buffer.from(op.key);
  if (op.action === "read") return { request_range: { key } };
  const request: RequestOp = op.action === "put"
    ? { request_put: { key, value: asBuffer(op.value) } }
    : { request_delete_range: { key } };
  if (op.guardMod === null) return request;
  const compare: Compare = { result: "Equal", target: "Mod", key, mod_revision: op.guardMod };
  return { request_txn: { compare: [compare], success: [request], failure: [] } };
}

/** True if and only if no key of the span exists: every key that does has a version above 0. */
function vacancyCompare({ first, last }: VacantSpan): Compare {
  return {
    result: "Equal",
    target: "Version",
    key: Buffer.from(first),
    range_end: Buffer.from(`${last}\0`),
    version: "0",
  };
}

function fenceCompare(fence: FenceMove): Compare {
  const key = Buffer.from(fence.key);
  return fence.expected === null
    ? { result: "Equal", target: "Create", key, create_revision: "0" }
    : { result: "Equal", target: "Value", key, value: Buffer.from(fence.expected) };
}

function moveFence(fence: FenceMove, nested: boolean): RequestOp {
  const key = Buffer.from(fence.key);
  const move: RequestOp = fence.next === null
    ? { request_delete_range: { key } }
    : { request_put: { key, value: Buffer.from(fence.next) } };
  return nested ? { request_txn: { compare: [], success: [move], failure: [] } } : move;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
