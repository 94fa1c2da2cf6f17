import { EdgekeydError } from "../errors.ts";
import { EtcdError, type VacantSpan } from "../etcd/mod.ts";
import type { KeyRow } from "../keycache/mod.ts";
import { Slices } from "../slices.ts";
import type { ApplyRequest } from "./apply_request.ts";
import { type ApplyResult, ApplyTally } from "./apply_result.ts";
import { bytesOfOps, entryOf, keepEntry, txnOp, withValue } from "./batch.ts";
import type { StoreContext } from "./context.ts";
import { DeleteTally } from "./delete_tally.ts";
import { ContentionError } from "./errors.ts";
import { type Exchange, exchange } from "./exchange.ts";
import type { OwnershipChange } from "./ownership.ts";
import { withoutOvertaken } from "./let_go_conflicts.ts";
import { Joins } from "./joins.ts";
import { pack, type Packing, type PlannedOp } from "./pack.ts";
import { type Plan, plan } from "./plan.ts";
import { plannedOp } from "./planned_op.ts";
import { leftToOthers } from "./left_to_others.ts";
import { begunAnywhere, stillToDo } from "./portions.ts";
import { recover } from "./recover.ts";
import { TxnAim } from "./txn_aim.ts";
import { txnLimits } from "./txn_limits.ts";
import { vacantSpans } from "./vacancies.ts";

/** Rounds without any progress (a guard failed, an answer was lost) before it is given up. */
const MAX_IDLE_ROUNDS = 8;
/** Rounds in all: somebody who keeps writing over us must not keep us here for ever. */
const MAX_ROUNDS = 64;
const NO_ROWS: ReadonlyMap<string, never> = new Map<string, never>();

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
  const { tally } = run;
  try {
    for (let round = 0, idle = 0; round < MAX_ROUNDS && idle < MAX_IDLE_ROUNDS; round++) {
      const before = tally.written;
      if (await run.round()) return await run.judged();
      idle = tally.written > before ? 0 : idle + 1;
    }
    return tally.result(
      run.lastError ?? new ContentionError(`${run.open} keys are not in step yet`),
    );
  } catch (error) {
    if (error instanceof EdgekeydError) return tally.result(error);
    throw error;
  }
}

class Run {
  readonly tally: ApplyTally;
  readonly #context: StoreContext;
  readonly #request: ApplyRequest;
  /** What is not in the cache's rows yet. */
  readonly #changes: Map<string, OwnershipChange>;
  /** Keys to look at again; their change is in the rows already. */
  #again: ReadonlySet<string> | "all";
  /** The cache's, as of the last plan: another one means that etcd was reset or restored since. */
  #epoch: number;
  /** Which puts are left for now. */
  #yields: ApplyRequest["yields"];
  /** Rows that change, as they were. */
  readonly #before: ReadonlyMap<string, KeyRow>;
  readonly #aim = new TxnAim();
  readonly #deletes: DeleteTally;
  readonly #slices: Slices;
  /** Why the last Txn that came to nothing did. */
  lastError: EtcdError | undefined;

  constructor(context: StoreContext, request: ApplyRequest) {
    this.#context = context;
    this.#request = request;
    this.tally = new ApplyTally(new Joins(context.cache, request.changes.values()));
    this.#changes = new Map(request.changes);
    this.#again = request.full ? "all" : request.besides ?? new Set();
    this.#epoch = context.cache.fence.epoch;
    this.#yields = request.yields;
    this.#before = new Map([...request.changes.keys()].flatMap((key) => {
      const row = context.cache.rows.get(key);
      return row ? [[key, row]] : [];
    }));
    this.#deletes = new DeleteTally(request.windows ?? new Map());
    this.#slices = new Slices(context.clock);
  }

  /** Keys that are still to be brought about. */
  get open(): number {
    return this.#changes.size + (this.#again === "all" ? 0 : this.#again.size);
  }

  /** What came of it; what another node of the pool put meanwhile is no conflict. */
  async judged(): Promise<ApplyResult> {
    const applied = this.tally.result();
    // Of what was named to be deleted, all that is left is told.
    const before = this.#request.unclaimed ? NO_ROWS : this.#before;
    const conflicts = await withoutOvertaken(this.#context, applied.conflicts, before);
    return { ...applied, conflicts };
  }

  get #rows(): ReadonlyMap<string, KeyRow> {
    const { rows } = this.#context.cache;
    const { unclaimed } = this.#request;
    return unclaimed ? new Map([...rows, ...unclaimed]) : rows;
  }

  /** What nobody holds is for a full pass: somebody may have it by now, and only that has looked. */
  get #held(): ReadonlySet<string> {
    const rows = this.#context.cache.rows.values();
    return new Set(rows.filter(({ owners }) => owners.length > 0).map(({ key }) => key));
  }

  /** @returns true if nothing is left to do */
  async round(): Promise<boolean> {
    const { rules, timed = unmeasured } = this.#request;
    const made = await timed(
      "plan",
      plan(this.#context, {
        rows: this.#rows,
        changes: this.#changes,
        also: this.#again,
        sure: this.#request.sure ?? this.#request.asOne,
        rules,
        settled: this.#request.settled ?? (() => false),
        readable: this.#request.readable ?? (() => true),
        dry: false,
      }),
    );
    if (!made) return await this.#startOver();
    this.tally.planned(made);
    const again = new Set<string>();
    const committed = await timed("commit", this.#commitAll(made, again));
    if (!committed) return await this.#startOver(again);
    for (const key of this.tally.givenUp) this.#changes.delete(key);
    this.#again = again;
    return again.size === 0;
  }

  /** Cache and etcd were brought to agreement: what is open is planned anew. */
  async #startOver(again: ReadonlySet<string> = new Set()): Promise<false> {
    await recover(this.#context);
    const { epoch } = this.#context.cache.fence;
    // Whoever found that out, here or while an answer was looked for.
    if (epoch !== this.#epoch) {
      this.#yields = undefined;
      this.tally.yieldsNoMore();
    }
    if (this.#request.full) this.#again = "all";
    else if (epoch !== this.#epoch) this.#again = this.#held;
    else if (this.#again !== "all") this.#again = this.#again.union(again);
    this.#epoch = epoch;
    return false;
  }

  #operations({ decisions }: Plan): PlannedOp[] {
    const ops: PlannedOp[] = [];
    const { givenUp, isOutOfSpace } = this.tally;
    for (const [key, decision] of decisions) {
      const before = this.#context.cache.rows.get(key);
      const op = plannedOp(key, decision, before, this.#changes.get(key));
      if (op && !givenUp.has(key) && !(op.action === "put" && isOutOfSpace)) ops.push(op);
    }
    const left = this.#yields ? leftToOthers(ops, this.#yields) : new Set<PlannedOp>();
    for (const { key } of left) this.tally.yielded(key);
    return ops.filter((op) => !left.has(op));
  }

  async #pack(ops: readonly PlannedOp[]): Promise<Packing["batches"]> {
    const limits = { ...txnLimits(this.#context), aimBytes: this.#aim.bytes };
    const { requireSingleTxn } = this.#request;
    const { batches, staged, tooLarge } = await pack(ops, limits, requireSingleTxn, this.#slices);
    if (staged) this.tally.split();
    for (const op of tooLarge) this.tally.tooLarge(op);
    return batches;
  }

  async #commitAll(made: Plan, again: Set<string>): Promise<boolean> {
    const packed = await this.#pack(this.#operations(made));
    let batches = begunAnywhere(packed, this.#context.random);
    const kept = new Map<string, KeyRow | null>();
    for (const [key, decision] of made.decisions) {
      if (decision.action === "keep") kept.set(key, decision.after);
    }
    // If nothing is sent since there is no space for it, the operation has failed already.
    const waits = this.#request.asOne && (batches.length > 0 || this.tally.isOutOfSpace);
    if (!waits) await this.#keep(kept);
    const total = batches.reduce((sum, batch) => sum + batch.length, 0);
    let done = 0;
    if (total > 0) this.#request.progress?.(done, total);
    let vacant = made.observation?.vacant ?? [];
    for (let at = 0; at < batches.length;) {
      let batch = batches[at++] ?? [];
      done += batch.length;
      if (done > batch.length) {
        const portion = await stillToDo(this.#context, batch);
        if (!portion) return false;
        for (const key of portion.taken) again.add(key);
        ({ batch, vacant } = portion);
      }
      const isLast = at === batches.length;
      const { bytes } = this.#aim;
      if (!(await this.#commit(batch, isLast && waits ? kept : NO_ROWS, vacant, again))) {
        return false;
      }
      this.#request.progress?.(done, total);
      if (!isLast && this.#aim.bytes !== bytes) {
        batches = await this.#pack(batches.slice(at).flat());
        at = 0;
      }
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
      this.tally.letGo(this.#changes.get(key)?.released.length ?? 0);
      this.#changes.delete(key);
    }
  }

  /** @returns false if the Txn was not applied, so that everything has to be planned anew */
  async #commit(
    batch: readonly PlannedOp[],
    along: ReadonlyMap<string, KeyRow | null>,
    empty: readonly VacantSpan[],
    again: Set<string>,
  ): Promise<boolean> {
    const kept = new Map(along);
    const ops = batch.flatMap((op) => {
      const valued = withValue(op, this.#request.bytesOf);
      if (valued) return valued;
      this.tally.leftOut(op);
      // Who asks for it lets go, or takes up, all the same: only the other owner's put has to wait.
      const { before, after, key } = op;
      if (this.#request.asOne && before && after) {
        kept.set(key, { ...before, owners: after.owners });
      }
      return [];
    });
    if (ops.length === 0) {
      await this.#keep(kept);
      return true;
    }
    const deletes = this.#deletes.with(ops, this.#changes);
    const vacant = vacantSpans(ops, empty, this.#context);
    const bytes = bytesOfOps(ops);
    let sent: Exchange;
    try {
      sent = await exchange(
        this.#context,
        [...ops.map(entryOf), ...Array.from(kept, keepEntry)],
        ops.map((op) => txnOp(op, vacant)),
        { vacant, windows: this.#deletes.windows(deletes) },
      );
    } catch (error) {
      const tooLarge = error instanceof EtcdError && error.reason === "too-large";
      if (!tooLarge || this.#request.requireSingleTxn) throw error;
      const [only] = ops;
      if (ops.length === 1 && only?.owner) {
        this.tally.tooLarge(only);
        return true;
      }
      this.lastError = error;
      this.#aim.refused(bytes);
      return false;
    }
    if (sent.error && !this.#request.requireSingleTxn) this.#aim.lost(bytes);
    if (!sent.applied) {
      this.lastError = sent.error;
      if (sent.error?.reason === "no-space") this.tally.outOfSpace(sent.error);
      return false;
    }
    if (!sent.error) this.#aim.passed(bytes);
    this.#deletes.note(deletes);
    this.#kept(kept);
    this.tally.committed(sent.revision, sent.clusterId);
    for (const [index, op] of ops.entries()) {
      const succeeded = sent.results?.[index]?.succeeded === true;
      this.tally.did(op, succeeded, this.#changes.get(op.key)?.released.length ?? 0);
      this.#changes.delete(op.key);
      if (op.action === "put" && !succeeded) again.add(op.key);
    }
    return true;
  }
}

function unmeasured<T>(_phase: string, work: Promise<T>): Promise<T> {
  return work;
}
