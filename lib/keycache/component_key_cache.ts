import { bringUp } from "./bring_up.ts";
import { CacheContents } from "./cache_contents.ts";
import { changeOf, type Wanted, writesOf } from "./change.ts";
import { type DeleteWindow, windowsNotAhead } from "./delete_window.ts";
import type { FenceState } from "./fence_state.ts";
import { giveBirth } from "./give_birth.ts";
import type { CacheOptions } from "./identity.ts";
import type { Intent, IntentEntry, IntentHeader } from "./intent.ts";
import { packIntent } from "./intent_records.ts";
import type { KeyRow } from "./key_row.ts";
import { type ListFact, type ListFacts, listKey } from "./list_facts.ts";
import { DENO_KV_LIMITS, type KvStore } from "./kv_store.ts";
import { KvWriter } from "./kv_writer.ts";
import { type GiveUp, outcomeOfApplied, outcomeOfGivenUp } from "./outcome.ts";
import { Memory } from "./memory.ts";
import { readRecords, type StoredCache } from "./read_records.ts";
import { chunkKey, INTENT_HEADER, intentRemoval } from "./records.ts";
import { seal } from "./sealed.ts";

/**
 * The persistent map object key ↔ owners. Memory holds the indexes, the database the truth:
 * memory changes only after the database has, and after a failed write the cache must be loaded
 * again.
 */
export class ComponentKeyCache extends CacheContents {
  /** What the last pass came to. */
  readonly memory: Memory;
  readonly #store: KvStore;
  readonly #writer: KvWriter;
  readonly #nowMs: () => number;
  readonly #lists: ListFacts;

  private constructor(
    store: KvStore,
    stored: StoredCache,
    nowMs: () => number,
    forbidden?: string,
  ) {
    super(stored);
    this.#store = store;
    this.#writer = new KvWriter(store, forbidden);
    this.#nowMs = nowMs;
    this.#lists = stored.lists;
    this.memory = new Memory(this.#writer, stored.past);
  }

  /**
   * Loads the cache from its database, or gives birth to it in an empty one. A database of an
   * earlier schema is brought up to the current one first.
   *
   * @param store the database, which nobody else has open
   * @param options whose cache it should be
   * @returns the cache
   * @throws {KeyCacheError} `mismatch`, `newer-schema`, `damaged`, or what the database throws
   */
  static async load(store: KvStore, options: CacheOptions): Promise<ComponentKeyCache> {
    const stored = await readRecords(store, options);
    const ready = stored
      ? await bringUp(store, stored, options.nowMs())
      : await giveBirth(store, options);
    return new ComponentKeyCache(store, ready, options.nowMs);
  }

  /**
   * Loads the cache to look at it: nothing is written, whatever state or schema its database is in,
   * and the cache can't be changed.
   *
   * @param store the database
   * @param options whose cache it should be
   * @returns the cache; undefined if there is none yet
   * @throws {KeyCacheError} `mismatch`, `newer-schema`, `damaged`, or what the database throws
   */
  static async peek(
    store: KvStore,
    options: CacheOptions,
  ): Promise<ComponentKeyCache | undefined> {
    const stored = await readRecords(store, options);
    if (!stored) return undefined;
    const forbidden = "the component-key cache was opened to look at it only";
    const windows = windowsNotAhead(stored.windows, options.nowMs());
    return new ComponentKeyCache(store, { ...stored, windows }, options.nowMs, forbidden);
  }

  /**
   * Writes down a batch before its Txn is sent.
   *
   * @param entries what it does, key by key
   * @param random makes 128 random bits as text
   * @param windows delete windows that change if it is applied
   * @returns the intent; it is pending from now on
   * @throws {KeyCacheError} if another intent is pending (the database decides, not memory)
   */
  async begin(
    entries: readonly IntentEntry[],
    random: () => string,
    windows: ReadonlyMap<string, DeleteWindow> = new Map(),
  ): Promise<Intent> {
    const { expected, epoch } = this.fence;
    const seq = this.fence.seq + 1;
    const { life } = this.identity;
    const { maxValueBytes } = this.#store.limits ?? DENO_KV_LIMITS;
    const { chunks, sums } = packIntent(entries, windows, epoch, maxValueBytes);
    const header: IntentHeader = {
      expected,
      next: `${life}/${seq}/${random()}`,
      bump: `${life}/${seq + 1}/${random()}`,
      seq,
      ...sums,
    };
    await this.#writer.write(
      chunks.map((value, index) => ({ set: chunkKey(index), value })),
      [{ set: INTENT_HEADER, value: seal(INTENT_HEADER, header) }],
      INTENT_HEADER,
    );
    const intent = { header, entries, windows };
    this.pend(intent);
    return intent;
  }

  /** Forgets the pending intent: it is certain that its Txn never reached etcd. */
  async dropUnsent(): Promise<void> {
    await this.#writer.write([], intentRemoval(this.intent?.header));
    this.pend(undefined);
  }

  /**
   * Writes the outcome of the pending intent, whose Txn was applied.
   *
   * @param succeeded by entry: its guard held (true for `keep`)
   * @param revision the Txn's revision, which is every put key's mod
   * @param found if recovery found it applied. `seq`: the sequence number that the next fence goes
   * beyond; `overtaken`: keys that it may have put all the same, and another has changed since
   */
  async settle(
    succeeded: readonly boolean[],
    revision: string,
    found?: { readonly seq: number; readonly overtaken: ReadonlySet<string> },
  ): Promise<void> {
    const intent = this.#pending();
    const rows = outcomeOfApplied(intent, succeeded, revision);
    const { header, windows, entries } = intent;
    const fence = { ...this.fence, expected: header.next, seq: found?.seq ?? header.seq };
    const put = found ? entries.filter(({ key }) => found.overtaken.has(key)) : [];
    // A bump may yet put its fence over what was there before, if a restore undoes the Txn.
    const buriedAt = found ? fence.seq + 1 : header.seq;
    await this.#change({ rows, buriedAt, fence, put, windows });
  }

  /**
   * The rows that {@linkcode giveUp} writes; a new epoch also makes every mod unknown.
   */
  rowsGivenUp(
    fence: Pick<GiveUp, "newEpoch" | "redoDeletesAfter">,
  ): ReadonlyMap<string, KeyRow> {
    return outcomeOfGivenUp(this.intent, fence, this.rows, this.tombstones);
  }

  /**
   * Gives up the pending intent (if any), whose Txn was not applied and no longer can be, and
   * notes what the fence holds.
   */
  async giveUp(fence: GiveUp): Promise<void> {
    const rows = this.rowsGivenUp(fence);
    const { epoch, adopting } = this.fence;
    const next: FenceState = {
      ...this.fence,
      expected: fence.expected,
      seq: fence.seq,
      epoch: fence.newEpoch ? epoch + 1 : epoch,
      adopting: fence.adopting ?? adopting,
      ...(fence.tookOver && { tookOver: fence.tookOver }),
    };
    const put = this.intent?.entries ?? [];
    // What etcd says now it may unsay: a restore that undid the Txn can be followed by another.
    await this.#change({ rows, buriedAt: next.seq + 1, fence: next, put });
    if (fence.newEpoch) this.forgetMods();
  }

  /** Writes rows that need nothing in etcd; null removes one. */
  async keep(rows: ReadonlyMap<string, KeyRow | null>): Promise<void> {
    if (this.intent) throw new Error("keep() while an intent is pending");
    // What goes is gone from every state of etcd that a later Txn of ours leaves its mark on.
    await this.#change({ rows, buriedAt: this.fence.seq + 1, fence: this.fence });
  }

  /**
   * Notes that a component was given a list, which may be empty.
   *
   * @param fact which
   * @throws {KeyCacheError} what the database throws
   */
  async noteList(fact: ListFact): Promise<void> {
    if (this.#lists.has(fact)) return;
    const at = listKey(fact);
    await this.#writer.write([], [{ set: at, value: seal(at, {}) }]);
    this.#lists.add(fact);
  }

  /**
   * Forgets the lists that a component was given.
   *
   * @param component whose
   * @throws {KeyCacheError} what the database throws
   */
  async forgetLists(component: string): Promise<void> {
    const removals = this.#lists.of(component).map((fact) => ({ delete: listKey(fact) }));
    if (removals.length === 0) return;
    await this.#writer.write(removals, []);
    this.#lists.delete(component);
  }

  /** Ends the rebuilding of a lost cache. */
  async endAdoption(): Promise<void> {
    await this.#change({ rows: new Map(), buriedAt: 0, fence: { ...this.fence, adopting: false } });
  }

  /** Closes the database. */
  close(): void {
    this.#store.close();
  }

  #pending(): Intent {
    if (!this.intent) throw new Error("no intent is pending");
    return this.intent;
  }

  async #change(wanted: Wanted): Promise<void> {
    const change = changeOf(this, wanted, this.#nowMs());
    const writes = writesOf(this, change);
    if (!writes) return;
    await this.#writer.write(writes.first, writes.last);
    this.take(change);
  }
}
