import type { KeyInterval, ModelKey } from "./etcd_model_request.ts";

/** One key as it stood at one revision. */
export interface StoredKey {
  readonly key: ModelKey;
  readonly value: Buffer;
  readonly create: number;
  readonly mod: number;
  readonly version: number;
}

/** What one revision did to one key; `stored` is undefined if it deleted the key. */
interface Change {
  readonly mod: number;
  readonly stored: StoredKey | undefined;
}

/** One key as a revision left it; `stored` is undefined if it deleted the key. */
export interface KeyState {
  readonly key: ModelKey;
  readonly stored: StoredKey | undefined;
}

/** All that an etcd holds, frozen: what a store gave out, and can be put back to. */
export interface StoreSnapshot {
  readonly revision: number;
  readonly compacted: number;
  readonly history: ReadonlyMap<ModelKey, readonly Change[]>;
}

/** A fresh etcd: revision 1, nothing compacted (etcd itself says -1 for that). */
const EMPTY: StoreSnapshot = { revision: 1, compacted: -1, history: new Map() };

/**
 * The revisions of all keys. Writes go to the next revision and are seen by reads at once; `commit`
 * makes it the current one, if there was a write. Histories are never changed in place, so that a
 * snapshot costs one shallow copy.
 */
export class RevisionStore {
  #revision = EMPTY.revision;
  #compacted = EMPTY.compacted;
  #history = new Map<ModelKey, readonly Change[]>();
  /** The keys of `#history`, in order. */
  #keys: ModelKey[] = [];
  /** What the next revision has done so far. */
  #written: KeyState[] = [];

  readonly #committed: (states: readonly KeyState[], revision: number) => void;

  /** @param committed told of each revision, and what it did */
  constructor(committed: (states: readonly KeyState[], revision: number) => void) {
    this.#committed = committed;
  }

  /** The last revision that was committed. */
  get revision(): number {
    return this.#revision;
  }

  /** The revision that a read in an open Txn sees: the next one as soon as it has written. */
  get current(): number {
    return this.#written.length > 0 ? this.#revision + 1 : this.#revision;
  }

  /** The oldest revision that can still be read, or -1 while there was no compaction. */
  get compacted(): number {
    return this.#compacted;
  }

  /** @returns the keys of an interval that are there at a revision, in order */
  range({ begin, end }: KeyInterval, revision = this.current): StoredKey[] {
    const found: StoredKey[] = [];
    for (let i = this.#position(begin); i < this.#keys.length; i++) {
      const key = this.#keys[i];
      if (key === undefined || (end === undefined ? key !== begin : end !== "" && key >= end)) {
        break;
      }
      const stored = this.#history.get(key)?.findLast((change) => change.mod <= revision)?.stored;
      if (stored) found.push(stored);
    }
    return found;
  }

  /** Puts one key at the next revision. */
  put(key: ModelKey, value: Uint8Array): void {
    const [before] = this.range({ begin: key, end: undefined });
    const mod = this.#revision + 1;
    this.#write(key, {
      key,
      value: Buffer.from(value),
      create: before?.create ?? mod,
      mod,
      version: (before?.version ?? 0) + 1,
    });
  }

  /** Deletes at the next revision what an interval holds. @returns the number of keys deleted */
  delete(interval: KeyInterval): number {
    const found = this.range(interval);
    for (const { key } of found) this.#write(key, undefined);
    return found.length;
  }

  /** Ends a Txn: what was written becomes the current revision. */
  commit(): void {
    const written = this.#written;
    if (written.length === 0) return;
    this.#revision = this.current;
    this.#written = [];
    this.#committed(written, this.#revision);
  }

  /** Forgets what no read at `revision` or later can see. */
  compact(revision: number): void {
    this.#compacted = revision;
    for (const [key, changes] of this.#history) {
      const last = changes.findLastIndex((change) => change.mod <= revision);
      const kept = changes.slice(Math.max(last, 0)).filter((change) =>
        change.stored !== undefined || change.mod > revision
      );
      if (kept.length > 0) this.#history.set(key, kept);
      else this.#history.delete(key);
    }
    this.#keys = this.#keys.filter((key) => this.#history.has(key));
  }

  /** @returns everything, as it is now */
  snapshot(): StoreSnapshot {
    return {
      revision: this.#revision,
      compacted: this.#compacted,
      history: new Map(this.#history),
    };
  }

  /** Puts everything back to a snapshot, by default to that of a fresh etcd. */
  restore(snapshot: StoreSnapshot = EMPTY): void {
    this.#revision = snapshot.revision;
    this.#compacted = snapshot.compacted;
    this.#history = new Map(snapshot.history);
    this.#keys = [...this.#history.keys()].sort();
    this.#written = [];
  }

  #write(key: ModelKey, stored: StoredKey | undefined): void {
    const mod = this.#revision + 1;
    const changes = this.#history.get(key);
    if (!changes) this.#keys.splice(this.#position(key), 0, key);
    this.#history.set(key, [...changes ?? [], { mod, stored }]);
    this.#written.push({ key, stored });
  }

  /** Where in `#keys` a key stands, or would stand. */
  #position(key: ModelKey): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
