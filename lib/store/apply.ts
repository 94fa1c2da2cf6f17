import { EdgekeydError } from "../errors.ts";
import { EtcdError, type TxnOp, type VacantSpan } from "../etcd/mod.ts";
import type { DeleteWindow, IntentEntry, KeyRow, Owner } from "../keycache/mod.ts";
import type { StoreContext } from "./context.ts";
import { ABSENT, type DecisionRules } from "./decide.ts";
import { DeleteTally } from "./delete_tally.ts";
import { ContentionError } from "./errors.ts";
import { type Exchange, exchange } from "./exchange.ts";
import type { OwnershipChange } from "./ownership.ts";
import {
  pack,
  type Packing,
  type PlannedOp,
  type SingleTxnGroups,
  type TxnLimits,
} from "./pack.ts";
import { type Plan, plan } from "./plan.ts";
import { plannedOp } from "./planned_op.ts";
import { recover } from "./recover.ts";
import { isIn, vacantSpans } from "./spans.ts";

/** What is to be brought about. */
export interface ApplyRequest {
  /** How owners change, by object key. */
  readonly changes: ReadonlyMap<string, OwnershipChange>;
  /** Look at every other row too, and heal what drifted in etcd. */
  readonly full: boolean;
  /**
   * Record what needs nothing in etcd with the last Txn, or not at all: for an operation that is
   * answered as done or as failed. Else it is recorded at once.
   */
  readonly asOne: boolean;
  readonly rules: DecisionRules;
  /** Refuse to split these groups over several Txns. */
  readonly requireSingleTxn: SingleTxnGroups;
  /**
   * The bytes of the version that an owner holds; undefined if it no longer holds that version.
   */
  readonly bytesOf: (key: string, owner: Owner) => Uint8Array | undefined;
  /**
   * Delete windows to note with the deletes, by component: the last sample of each is that of this
   * request, and counts as many as were made so far.
   */
  readonly windows: ReadonlyMap<string, DeleteWindow>;
  /** Called as operations are done: how many of how many. */
  readonly progress?: (done: number, total: number) => void;
  /** Measures the time of a phase. */
  readonly timed: <T>(phase: "plan" | "commit", work: Promise<T>) => Promise<T>;
}

/** What came of it. */
export interface ApplyResult {
  /** Keys. */
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  /** Ownerships that were let go without deleting the key. */
  readonly released: number;
  /** Keys that were left to others, with the reason. */
  readonly conflicts: ReadonlyMap<string, string>;
  /** Keys whose object fits no request, with the owner that holds it. */
  readonly tooLarge: ReadonlyMap<string, Owner>;
  /** Keys that were left out since their file changed between plan and put. */
  readonly leftOut: ReadonlyMap<string, Owner>;
  readonly txns: number;
  /** A group was split over several Txns. */
  readonly staged: boolean;
  /** etcd's revision after it, and its cluster id; undefined if etcd was not asked at all. */
  readonly revision: string | undefined;
  readonly clusterId: string | undefined;
  /**
   * Why it did not come to its end; the numbers above say what was done until then. Out of space
   * is special: the deletes were done all the same.
   */
  readonly failure: EdgekeydError | undefined;
}

/** Rounds without any progress (a guard failed, an answer was lost) before it is given up. */
const MAX_IDLE_ROUNDS = 8;
/** Rounds in all: somebody who keeps writing over us must not keep us here for ever. */
const MAX_ROUNDS = 64;

/**
 * Brings ownership changes about: plan, pack, commit, and again for what met a failed guard or a
 * lost answer. Reconcile and every store operation go through here.
 *
 * @param context both sides; recovery has been done
 * @param request what is to be brought about
 * @returns what was done; `failure` is an EtcdError if etcd failed, a SingleTxnError before anything
 * is written, a FenceError if another agent moved the fence, a KeyCacheError if the cache failed,
 * a ContentionError if it did not come to rest within a few rounds
 */
export async function apply(context: StoreContext, request: ApplyRequest): Promise<ApplyResult> {
  const run = new Run(context, request);
  try {
    for (let round = 0, idle = 0; round < MAX_ROUNDS && idle < MAX_IDLE_ROUNDS; round++) {
      const before = run.written;
      if (await run.round()) return run.result();
      idle = run.written > before ? 0 : idle + 1;
    }
    return run.result(
      run.lastError ?? new ContentionError(`${run.open} keys are not in step yet`),
    );
  } catch (error) {
    if (error instanceof EdgekeydError) return run.result(error);
    throw error;
  }
}

class Run {
  readonly #context: StoreContext;
  readonly #request: ApplyRequest;
  /** What is not in the cache's rows yet. */
  readonly #changes: Map<string, OwnershipChange>;
  /** Keys to look at again; their change is in the rows already. */
  #again: ReadonlySet<string> | "all";
  /** The cache's, as of the last plan: another one means that etcd was reset or restored since. */
  #epoch: number;
  #limits: TxnLimits;
  readonly #tally: DeleteTally;
  #created = 0;
  #updated = 0;
  #deleted = 0;
  #released = 0;
  #txns = 0;
  #staged = false;
  #revision: string | undefined;
  #clusterId: string | undefined;
  #outOfSpace: EtcdError | undefined;
  /** Why the last Txn that came to nothing did. */
  lastError: EtcdError | undefined;
  readonly #conflicts = new Map<string, string>();
  readonly #tooLarge = new Map<string, Owner>();
  readonly #leftOut = new Map<string, Owner>();

  constructor(context: StoreContext, request: ApplyRequest) {
    this.#context = context;
    this.#request = request;
    this.#changes = new Map(request.changes);
    this.#again = request.full ? "all" : new Set();
    this.#epoch = context.cache.fence.epoch;
    this.#tally = new DeleteTally(request.windows);
    this.#limits = {
      fenceKey: context.cache.identity.fenceKey,
      maxTxnOps: context.maxTxnOps,
      requestBytes: context.requestBytes,
    };
  }

  /** Keys that were written so far. */
  get written(): number {
    return this.#created + this.#updated + this.#deleted;
  }

  /** Keys that are still to be brought about. */
  get open(): number {
    return this.#changes.size + (this.#again === "all" ? 0 : this.#again.size);
  }

  result(failure: EdgekeydError | undefined = this.#outOfSpace): ApplyResult {
    return {
      created: this.#created,
      updated: this.#updated,
      deleted: this.#deleted,
      released: this.#released,
      conflicts: this.#conflicts,
      tooLarge: this.#tooLarge,
      leftOut: this.#leftOut,
      txns: this.#txns,
      staged: this.#staged,
      revision: this.#revision,
      clusterId: this.#clusterId,
      failure,
    };
  }

  /** @returns true if nothing is left to do */
  async round(): Promise<boolean> {
    const { cache } = this.#context;
    const { rules, requireSingleTxn, timed } = this.#request;
    const made = await timed(
      "plan",
      plan(this.#context, {
        rows: cache.rows,
        changes: this.#changes,
        also: this.#again,
        rules,
        dry: false,
      }),
    );
    if (!made) return await this.#startOver();
    this.#revision = made.revision ?? this.#revision;
    this.#clusterId = made.observation?.clusterId ?? this.#clusterId;
    for (const [key, { action }] of made.decisions) {
      if (action === "put") this.#conflicts.delete(key);
    }
    for (const [key, reason] of made.conflicts) this.#conflicts.set(key, reason);

    const packing = pack(this.#operations(made), this.#limits, requireSingleTxn);
    this.#staged ||= packing.staged;
    for (const { key, owner } of packing.tooLarge) if (owner) this.#tooLarge.set(key, owner);

    const again = new Set<string>();
    const committed = await timed("commit", this.#commitAll(made, packing.batches, again));
    if (!committed) return await this.#startOver(again);
    for (const key of this.#tooLarge.keys()) this.#changes.delete(key);
    for (const key of this.#leftOut.keys()) this.#changes.delete(key);
    this.#again = again;
    return again.size === 0;
  }

  /** Cache and etcd were brought to agreement anew: what is open has to be planned anew. */
  async #startOver(again: ReadonlySet<string> = new Set()): Promise<false> {
    await recover(this.#context);
    const { epoch } = this.#context.cache.fence;
    // Whoever found that out, here or while an answer was looked for.
    if (this.#request.full || epoch !== this.#epoch) this.#again = "all";
    else if (this.#again !== "all") this.#again = this.#again.union(again);
    this.#epoch = epoch;
    return false;
  }

  #operations({ decisions }: Plan): PlannedOp[] {
    const ops: PlannedOp[] = [];
    for (const [key, decision] of decisions) {
      const before = this.#context.cache.rows.get(key);
      const op = plannedOp(key, decision, before, this.#changes.get(key));
      if (!op || this.#tooLarge.has(key) || this.#leftOut.has(key)) continue;
      if (op.action === "put" && this.#outOfSpace) continue;
      ops.push(op);
    }
    return ops;
  }

  async #commitAll(made: Plan, batches: Packing["batches"], again: Set<string>): Promise<boolean> {
    const kept = new Map<string, KeyRow | null>();
    for (const [key, decision] of made.decisions) {
      if (decision.action === "keep") kept.set(key, decision.after);
    }
    const last = batches.at(-1);
    // If nothing is sent since there is no space for it, the operation has failed already.
    const waits = this.#request.asOne && (last ?? this.#outOfSpace) !== undefined;
    if (!waits) await this.#keep(kept);
    const total = batches.reduce((sum, batch) => sum + batch.length, 0);
    let done = 0;
    if (total > 0) this.#request.progress?.(done, total);
    // A resource that takes several Txns is no longer vacant once the first is in.
    const seen = [...made.observation?.mods.keys() ?? []];
    for (const batch of batches) {
      const along = waits && batch === last ? kept : NO_ROWS;
      if (!(await this.#commit(batch, along, seen, again))) return false;
      for (const { key } of batch) seen.push(key);
      done += batch.length;
      this.#request.progress?.(done, total);
    }
    return true;
  }

  /** Writes the rows that need nothing in etcd. */
  async #keep(rows: ReadonlyMap<string, KeyRow | null>): Promise<void> {
    await this.#context.cache.keep(rows);
    this.#kept(rows);
  }

  #kept(rows: ReadonlyMap<string, KeyRow | null>): void {
    for (const key of rows.keys()) {
      this.#released += this.#changes.get(key)?.released.length ?? 0;
      this.#changes.delete(key);
    }
  }

  /** @returns false if the Txn was not applied, so that everything has to be planned anew */
  async #commit(
    batch: readonly PlannedOp[],
    along: ReadonlyMap<string, KeyRow | null>,
    seen: readonly string[],
    again: Set<string>,
  ): Promise<boolean> {
    const ops: (PlannedOp & { value: Uint8Array })[] = [];
    for (const op of batch) {
      const value = op.action === "put" ? this.#valueOf(op) : NOTHING;
      if (value) ops.push({ ...op, value });
      else if (op.owner) this.#leftOut.set(op.key, op.owner);
    }
    if (ops.length === 0) {
      await this.#keep(along);
      return true;
    }
    const deletes = this.#tally.with(ops, this.#changes);
    const created = ops.filter((op) => op.guardMod === ABSENT).map((op) => op.key);
    const { cache, maxTxnOps } = this.#context;
    const vacant = vacantSpans(created, seen, cache.identity.prefix, maxTxnOps);
    const bytes = batch.reduce((sum, op) => sum + op.valueBytes + op.key.length, 0);
    let sent: Exchange;
    try {
      sent = await exchange(
        this.#context,
        [...ops.map(entryOf), ...Array.from(along, keepEntry)],
        ops.map((op) => txnOp(op, vacant)),
        { vacant, windows: this.#tally.windows(deletes) },
      );
    } catch (error) {
      const tooLarge = error instanceof EtcdError && error.reason === "too-large";
      if (!tooLarge || this.#request.requireSingleTxn) throw error;
      const [only] = ops;
      if (ops.length === 1 && only?.owner) {
        this.#tooLarge.set(only.key, only.owner);
        return true;
      }
      this.lastError = error;
      this.#halve(bytes);
      return false;
    }
    if (!sent.applied) {
      this.lastError = sent.error;
      if (sent.error?.reason === "no-space") this.#outOfSpace = sent.error;
      else if (sent.error && !this.#request.requireSingleTxn) this.#halve(bytes);
      return false;
    }
    this.#tally.note(deletes);
    this.#kept(along);
    this.#txns++;
    this.#revision = sent.revision;
    this.#clusterId = sent.clusterId;
    ops.forEach((op, index) => {
      this.#count(op, sent.results?.[index]?.succeeded === true, again);
    });
    return true;
  }

  /** The bytes to put: should the owner not have them any more, of another with the same version. */
  #valueOf({ key, owner, after }: PlannedOp): Uint8Array | undefined {
    const same = after?.owners.filter(({ uid, resourceVersion }) =>
      uid === after.uid && resourceVersion === after.resourceVersion
    );
    for (const candidate of new Set([...owner ? [owner] : [], ...same ?? []])) {
      const value = this.#request.bytesOf(key, candidate);
      if (value) return value;
    }
    return undefined;
  }

  #count(op: PlannedOp, succeeded: boolean, again: Set<string>): void {
    const released = this.#changes.get(op.key)?.released.length ?? 0;
    this.#changes.delete(op.key);
    if (op.action === "delete") {
      if (succeeded) this.#deleted++;
      else {
        this.#released += released;
        this.#conflicts.set(op.key, "changed in etcd by another while it was deleted; let go");
      }
      return;
    }
    this.#released += released;
    if (!succeeded) again.add(op.key);
    else if (op.guardMod === ABSENT) this.#created++;
    else this.#updated++;
  }

  /** The request was too large, or too slow for its deadline: smaller ones from now on. */
  #halve(bytes: number): void {
    const aimBytes = Math.max(MIN_AIM_BYTES, Math.floor(bytes / 2));
    this.#limits = { ...this.#limits, aimBytes };
  }
}

const NOTHING = new Uint8Array();
const NO_ROWS: ReadonlyMap<string, KeyRow | null> = new Map();
/** Halving stops here; an object that alone is larger goes alone. */
const MIN_AIM_BYTES = 16 * 1024;

function txnOp(
  { action, key, guardMod, value }: PlannedOp & { value: Uint8Array },
  vacant: readonly VacantSpan[],
): TxnOp {
  if (action === "delete") return { action, key, guardMod };
  return { action, key, value, guardMod: isIn(vacant, key) ? null : guardMod };
}

function entryOf(op: PlannedOp): IntentEntry {
  const { action, key, guardMod, after, before } = op;
  const { uid, resourceVersion } = before?.ours ? before : { uid: "", resourceVersion: "" };
  return { action, key, guardMod, after, uid, resourceVersion };
}

function keepEntry([key, after]: readonly [string, KeyRow | null]): IntentEntry {
  return { action: "keep", key, guardMod: ABSENT, after, uid: "", resourceVersion: "" };
}
