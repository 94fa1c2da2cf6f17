import { burialOf } from "./burial.ts";
import { decodeWindow, type DeleteWindow } from "./delete_window.ts";
import { KeyCacheError } from "./errors.ts";
import { decodeState, type FenceState } from "./fence_state.ts";
import { checkIdentity, fenceKeyOf, type Identity, SCHEMA_VERSION } from "./identity.ts";
import type { Intent, IntentEntry, IntentHeader } from "./intent.ts";
import { type IntentRecord, packIntent, unpackIntent } from "./intent_records.ts";
import { type CachedFile, KeyIndex } from "./key_index.ts";
import { decodeRow, type KeyRow, type Owner } from "./key_row.ts";
import {
  cutIntoAtomics,
  DENO_KV_LIMITS,
  type KvKey,
  type KvMutation,
  type KvStore,
} from "./kv_store.ts";
import { type GiveUp, outcomeOfApplied, outcomeOfGivenUp } from "./outcome.ts";
import { chunkKey, IDENTITY, INTENT_HEADER, mutationsOf, STATE } from "./records.ts";
import { seal, unseal } from "./sealed.ts";
import { decodeTombstone, type Tombstone } from "./tombstone.ts";

/** What a run wants the cache to be for. */
export interface CacheOptions {
  readonly nodeName: string;
  readonly prefix: string;
  /** A random id, used if the cache is born now. */
  readonly newLife: () => string;
  readonly nowMs: () => number;
}

/**
 * The persistent map object key ↔ owners. Memory holds the indexes, the database the truth:
 * memory changes only after the database has, and after a failed write the cache must be loaded
 * again.
 */
export class ComponentKeyCache {
  readonly identity: Identity;
  readonly #store: KvStore;
  readonly #nowMs: () => number;
  readonly #index: KeyIndex;
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #windows = new Map<string, DeleteWindow>();
  #state: FenceState;
  #intent: Intent | undefined;
  #broken = false;

  private constructor(store: KvStore, identity: Identity, state: FenceState, nowMs: () => number) {
    this.#store = store;
    this.identity = identity;
    this.#state = state;
    this.#nowMs = nowMs;
    this.#index = new KeyIndex(identity.prefix);
  }

  /**
   * Loads the cache from its database, or gives birth to it in an empty one.
   *
   * @param store the database
   * @param options whose cache it should be
   * @throws {KeyCacheError} `mismatch`, `newer-schema`, `damaged`, or what the database throws
   */
  static async load(store: KvStore, options: CacheOptions): Promise<ComponentKeyCache> {
    const head = await readHead(store);
    if (head.identity === undefined && (await isEmpty(store))) {
      const identity: Identity = {
        schema: SCHEMA_VERSION,
        life: options.newLife(),
        nodeName: options.nodeName,
        prefix: options.prefix,
        fenceKey: fenceKeyOf(options.nodeName),
      };
      const state: FenceState = { expected: null, seq: 0, epoch: 1, adopting: false };
      await store.commit([
        { set: IDENTITY, value: seal(IDENTITY, identity) },
        { set: STATE, value: seal(STATE, state) },
      ]);
      return new ComponentKeyCache(store, identity, state, options.nowMs);
    }
    const identity = checkIdentity(head.identity, options);
    const cache = new ComponentKeyCache(store, identity, decodeState(head.state), options.nowMs);
    await cache.#read();
    return cache;
  }

  get fence(): FenceState {
    return this.#state;
  }

  /** The batch whose outcome is not yet known, if there is one. */
  get intent(): Intent | undefined {
    return this.#intent;
  }

  get rows(): ReadonlyMap<string, KeyRow> {
    return this.#index.rows;
  }

  get tombstones(): ReadonlyMap<string, Tombstone> {
    return this.#tombstones;
  }

  /** Recent deletes by component. */
  get windows(): ReadonlyMap<string, DeleteWindow> {
    return this.#windows;
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
   * Owners that stand on the same file as {@linkcode file} says another does: in the older layout
   * a file can turn into another group's object, and so into one with another key. At most one of
   * them is right.
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
    await this.#write(
      chunks.map((value, index) => ({ set: chunkKey(index), value })),
      [{ set: INTENT_HEADER, value: seal(INTENT_HEADER, header) }],
      INTENT_HEADER,
    );
    this.#intent = { header, entries, windows };
    return this.#intent;
  }

  /** Forgets the pending intent: it is certain that its Txn never reached etcd. */
  async dropUnsent(): Promise<void> {
    await this.#write([], this.#removeIntent());
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
   * The rows that {@linkcode ComponentKeyCache.giveUp} writes; a new epoch also makes every mod
   * unknown.
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

  #removeIntent(): KvMutation[] {
    const chunks = this.#intent?.header.chunks ?? 0;
    const mutations: KvMutation[] = Array.from(
      { length: chunks },
      (_, index) => ({ delete: chunkKey(index) }),
    );
    if (this.#intent) mutations.push({ delete: INTENT_HEADER });
    return mutations;
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
    const at = { seq: buriedAt, atMs: this.#nowMs() };
    const known = { rows: this.rows, tombstones: this.#tombstones };
    const { tombstones, forgotten } = burialOf(known, rows, put, at);
    const last = this.#removeIntent();
    if (state !== this.#state) last.push({ set: STATE, value: seal(STATE, state) });
    const count = rows.size + forgotten.length + tombstones.size + windows.size + last.length;
    if (count === 0) return;
    const mutations = mutationsOf(rows, forgotten, tombstones.values(), windows, state.epoch);
    await this.#write(mutations, last);

    this.#state = state;
    this.#intent = undefined;
    for (const key of forgotten) this.#tombstones.delete(key);
    for (const [key, tombstone] of tombstones) {
      // The oldest come first.
      this.#tombstones.delete(key);
      this.#tombstones.set(key, tombstone);
    }
    for (const [component, window] of windows) this.#windows.set(component, window);
    for (const [key, row] of rows) this.#index.set(key, row);
  }

  async #write(
    mutations: Iterable<KvMutation>,
    last: readonly KvMutation[],
    absent?: KvKey,
  ): Promise<void> {
    if (this.#broken) {
      throw new KeyCacheError("io", "the component-key cache must be loaded again after a failure");
    }
    try {
      let committing = Promise.resolve();
      for (const atomic of cutIntoAtomics(mutations, last, this.#store.limits)) {
        await committing;
        committing = this.#store.commit(atomic, absent);
      }
      await committing;
    } catch (error) {
      this.#broken = true;
      throw error;
    }
  }

  /** Reads every record there is: one that nobody knows was written under another key. */
  async #read(): Promise<void> {
    const { epoch } = this.#state;
    const tombstones: Tombstone[] = [];
    const intent: IntentRecord[] = [];
    for await (const { key, value } of this.#store.list([])) {
      const [kind, name = ""] = key;
      switch (kind) {
        case "head":
          break;
        case "row":
          this.#index.set(this.#ownKey(name), decodeRow(name, unseal(key, value), epoch));
          break;
        case "tombstone":
          tombstones.push(decodeTombstone(this.#ownKey(name), unseal(key, value)));
          break;
        case "window":
          this.#windows.set(name, decodeWindow(unseal(key, value)));
          break;
        case "intent":
          intent.push({ key, value });
          break;
        default:
          throw new KeyCacheError("damaged", "an unknown record in the component-key cache");
      }
    }
    tombstones.sort((a, b) => a.seq - b.seq);
    for (const tombstone of tombstones) this.#tombstones.set(tombstone.key, tombstone);
    await this.#readIntent(intent);
  }

  /** Whatever a record says, nothing outside of the prefix is ever written. */
  #ownKey(key: string): string {
    if (key.startsWith(`${this.identity.prefix}/`)) return key;
    throw new KeyCacheError("damaged", `the component-key cache holds a key of others: ${key}`);
  }

  async #readIntent(records: readonly IntentRecord[]): Promise<void> {
    const intent = unpackIntent(records, this.#state.epoch);
    if (!intent && records.length > 0) {
      // Torn before its header was written: its Txn was never sent.
      await this.#write(records.map(({ key }) => ({ delete: key })), []);
    }
    for (const { key } of intent?.entries ?? []) this.#ownKey(key);
    this.#intent = intent;
  }
}

async function readHead(store: KvStore): Promise<{ identity?: unknown; state?: unknown }> {
  const head: { identity?: unknown; state?: unknown } = {};
  for await (const { key, value } of store.list(["head"])) {
    if (key[1] === IDENTITY[1]) head.identity = unseal(key, value);
    else if (key[1] === STATE[1]) head.state = unseal(key, value);
    else throw new KeyCacheError("damaged", "an unknown record in the component-key cache");
  }
  return head;
}

async function isEmpty(store: KvStore): Promise<boolean> {
  for await (const _ of store.list([])) return false;
  return true;
}
