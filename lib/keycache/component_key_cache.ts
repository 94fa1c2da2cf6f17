import { bringUp } from "./bring_up.ts";
import { burialOf } from "./burial.ts";
import { type DeleteWindow, windowsNotAhead } from "./delete_window.ts";
import type { FenceState } from "./fence_state.ts";
import { giveBirth } from "./give_birth.ts";
import type { CacheOptions, Identity } from "./identity.ts";
import type { Intent, IntentEntry, IntentHeader } from "./intent.ts";
import { packIntent } from "./intent_records.ts";
import type { CachedFile, KeyIndex } from "./key_index.ts";
import type { KeyRow, Owner } from "./key_row.ts";
import { DENO_KV_LIMITS, type KvStore } from "./kv_store.ts";
import { KvWriter } from "./kv_writer.ts";
import { lettingGo } from "./letting_go.ts";
import { type GiveUp, outcomeOfApplied, outcomeOfGivenUp } from "./outcome.ts";
import { Memory } from "./memory.ts";
import { readRecords, type StoredCache } from "./read_records.ts";
import {
  chunkKey,
  componentKey,
  INTENT_HEADER,
  intentRemoval,
  mutationsOf,
  STATE,
} from "./records.ts";
import { seal } from "./sealed.ts";
import type { Tombstone } from "./tombstone.ts";

/**
 * The persistent map object key ↔ owners. Memory holds the indexes, the database the truth:
 * memory changes only after the database has, and after a failed write the cache must be loaded
 * again.
 */
export class ComponentKeyCache {
  /** What it was born for. */
  readonly identity: Identity;
  /** What the last pass came to. */
  readonly memory: Memory;
  readonly #store: KvStore;
  readonly #writer: KvWriter;
  readonly #nowMs: () => number;
  readonly #index: KeyIndex;
  readonly #tombstones: Map<string, Tombstone>;
  readonly #windows: Map<string, DeleteWindow>;
  readonly #components: Set<string>;
  #state: FenceState;
  #intent: Intent | undefined;

  private constructor(
    store: KvStore,
    stored: StoredCache,
    nowMs: () => number,
    forbidden?: string,
  ) {
    this.#store = store;
    this.#writer = new KvWriter(store, forbidden);
    this.#nowMs = nowMs;
    this.identity = stored.identity;
    this.#state = stored.state;
    this.#index = stored.index;
    this.#tombstones = stored.tombstones;
    this.#windows = stored.windows;
    this.#components = stored.components;
    this.#intent = stored.intent;
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

  /** What the fence holds, as far as this node knows. */
  get fence(): FenceState {
    return this.#state;
  }

  /** The batch whose outcome is not yet known, if there is one. */
  get intent(): Intent | undefined {
    return this.#intent;
  }

  /** What is known of each object key, by key. */
  get rows(): ReadonlyMap<string, KeyRow> {
    return this.#index.rows;
  }

  /** What was put and etcd no longer holds, by object key. */
  get tombstones(): ReadonlyMap<string, Tombstone> {
    return this.#tombstones;
  }

  /** Recent deletes by component. */
  get windows(): ReadonlyMap<string, DeleteWindow> {
    return this.#windows;
  }

  /** Components that hold keys, and those that are remembered to have held some. */
  get components(): ReadonlySet<string> {
    return new Set([...this.byOwner.keys(), ...this.#components, ...this.#windows.keys()]);
  }

  /** Component → gvr → its object keys, unordered. */
  get byOwner(): ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> {
    return this.#index.byOwner;
  }

  /** What is remembered of a file, by its path below the cache root. */
  file(path: string): CachedFile | undefined {
    return this.#index.files.get(path);
  }

  /**
   * Owners that stand on the same file as {@linkcode file} says another does: in the older layout a
   * file can turn into another group's object, with another key. At most one of them is right.
   */
  rivalsOf(path: string): readonly CachedFile[] {
    return this.#index.rivalsOf(path);
  }

  /** All files that owners stand on, by path below the cache root. */
  get files(): ReadonlyMap<string, CachedFile> {
    return this.#index.files;
  }

  /** Path of an owner's file below the cache root; undefined for an owner from the API. */
  pathOf(key: string, owner: Owner): string | undefined {
    return this.#index.pathOf(key, owner);
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
    const { expected, epoch } = this.#state;
    const seq = this.#state.seq + 1;
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
    this.#intent = { header, entries, windows };
    return this.#intent;
  }

  /** Forgets the pending intent: it is certain that its Txn never reached etcd. */
  async dropUnsent(): Promise<void> {
    await this.#writer.write([], intentRemoval(this.#intent?.header));
    this.#intent = undefined;
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
    const state = { ...this.#state, expected: header.next, seq: found?.seq ?? header.seq };
    const put = found ? entries.filter(({ key }) => found.overtaken.has(key)) : [];
    // A bump may yet put its fence over what was there before, if a restore undoes the Txn.
    const buriedAt = found ? state.seq + 1 : header.seq;
    await this.#change(rows, buriedAt, state, { put, windows });
  }

  /**
   * The rows that {@linkcode giveUp} writes; a new epoch also makes every mod unknown.
   */
  rowsGivenUp(
    fence: Pick<GiveUp, "newEpoch" | "redoDeletesAfter">,
  ): ReadonlyMap<string, KeyRow> {
    return outcomeOfGivenUp(this.#intent, fence, this.rows, this.#tombstones);
  }

  /**
   * Gives up the pending intent (if any), whose Txn was not applied and no longer can be, and
   * notes what the fence holds.
   */
  async giveUp(fence: GiveUp): Promise<void> {
    const rows = this.rowsGivenUp(fence);
    const { epoch } = this.#state;
    const state: FenceState = {
      expected: fence.expected,
      seq: fence.seq,
      epoch: fence.newEpoch ? epoch + 1 : epoch,
      adopting: fence.adopting ?? this.#state.adopting,
    };
    // What etcd says now it may unsay: a restore that undid the Txn can be followed by another.
    await this.#change(rows, state.seq + 1, state, { put: this.#intent?.entries ?? [] });
    if (fence.newEpoch) this.#index.forgetMods();
  }

  /** Writes rows that need nothing in etcd; null removes one. */
  async keep(rows: ReadonlyMap<string, KeyRow | null>): Promise<void> {
    if (this.#intent) throw new Error("keep() while an intent is pending");
    // What goes is gone from every state of etcd that a later Txn of ours leaves its mark on.
    await this.#change(rows, this.#state.seq + 1, this.#state);
  }

  /** Ends the rebuilding of a lost cache. */
  async endAdoption(): Promise<void> {
    await this.#change(new Map(), 0, { ...this.#state, adopting: false });
  }

  /** Closes the database. */
  close(): void {
    this.#store.close();
  }

  #pending(): Intent {
    if (!this.#intent) throw new Error("no intent is pending");
    return this.#intent;
  }

  /**
   * @param rows by object key; null removes one. A version of ours that a row no longer says leaves
   * a tombstone: an etcd that is restored to an older state has it again.
   * @param buriedAt sequence number of the fence from which on etcd does not hold it
   * @param options `put`: entries whose puts may have been in etcd, whatever the rows say: they
   * leave a tombstone too; `windows`: delete windows by component
   */
  async #change(
    rows: ReadonlyMap<string, KeyRow | null>,
    buriedAt: number,
    state: FenceState,
    { put = [], windows = new Map() }: {
      readonly put?: readonly IntentEntry[];
      readonly windows?: ReadonlyMap<string, DeleteWindow>;
    } = {},
  ): Promise<void> {
    const known = { rows: this.rows, tombstones: this.#tombstones };
    const { tombstones, forgotten } = burialOf(known, rows, put, buriedAt);
    const last = intentRemoval(this.#intent?.header);
    const components = lettingGo(this.rows, rows, this.#components);
    for (const at of Array.from(components, componentKey)) {
      last.push({ set: at, value: seal(at, {}) });
    }
    if (state !== this.#state) last.push({ set: STATE, value: seal(STATE, state) });
    const count = rows.size + forgotten.length + tombstones.size + windows.size + last.length;
    if (count === 0) return;
    // An intent may be of a process whose clock was ahead.
    const present = windowsNotAhead(windows, this.#nowMs());
    const mutations = mutationsOf(rows, forgotten, tombstones.values(), present, state.epoch);
    await this.#writer.write(mutations, last);

    this.#state = state;
    this.#intent = undefined;
    for (const key of forgotten) this.#tombstones.delete(key);
    for (const [key, tombstone] of tombstones) {
      // The oldest come first.
      this.#tombstones.delete(key);
      this.#tombstones.set(key, tombstone);
    }
    for (const name of components) this.#components.add(name);
    for (const [component, window] of present) this.#windows.set(component, window);
    for (const [key, row] of rows) this.#index.set(key, row);
  }
}
