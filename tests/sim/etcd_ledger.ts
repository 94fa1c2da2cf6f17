import type { ITxnRequest, ITxnResponse } from "etcd3";
import { EtcdModel, type EtcdModelOptions } from "./etcd_model.ts";
import type { StoredKey } from "./etcd_model_store.ts";

/** What one revision did to one key. */
export interface KeyChange {
  readonly key: string;
  readonly before: StoredKey | undefined;
  readonly after: StoredKey | undefined;
}

/**
 * The etcd of a run, which remembers who wrote what. A key's state is known by its object, which
 * an etcd that is restored holds again: revisions alone would be used twice.
 *
 * @template W what is known of a write
 */
export class EtcdLedger<W> {
  readonly model: EtcdModel;
  readonly #writes = new WeakMap<StoredKey, W>();
  readonly #deletions = new Map<string, W>();
  readonly #onChange: (changes: readonly KeyChange[], write: W, request?: ITxnRequest) => void;

  /**
   * @param options of the etcd
   * @param onChange told of every change, at once
   */
  constructor(
    options: EtcdModelOptions,
    onChange: (changes: readonly KeyChange[], write: W, request?: ITxnRequest) => void,
  ) {
    this.model = new EtcdModel(options);
    this.#onChange = onChange;
  }

  /** Runs a Txn; the model does so before it returns, even if it refuses to answer. */
  txn(request: ITxnRequest, write: W): Promise<ITxnResponse> {
    const before = this.model.revision;
    const answer = this.model.txn(request);
    try {
      this.#record(before, write, request);
    } catch (error) {
      answer.catch(() => {});
      throw error;
    }
    return answer;
  }

  /** Somebody else puts a key. */
  put(key: string, value: Uint8Array, write: W): void {
    const before = this.model.revision;
    this.model.put(key, value);
    this.#record(before, write);
  }

  /** Somebody else deletes a key. */
  delete(key: string, write: W): void {
    const before = this.model.revision;
    this.model.delete(key);
    this.#record(before, write);
  }

  /** Every key as it is now. */
  current(): Map<string, StoredKey> {
    const now = new Map<string, StoredKey>();
    for (const [key, changes] of this.model.snapshot().history) {
      const stored = changes.at(-1)?.stored;
      if (stored) now.set(key, stored);
    }
    return now;
  }

  /** One key as it is now. */
  get(key: string): StoredKey | undefined {
    return this.model.snapshot().history.get(key)?.at(-1)?.stored;
  }

  /** Every state of a key that has not been compacted. */
  history(key: string): StoredKey[] {
    const changes = this.model.snapshot().history.get(key) ?? [];
    return changes.flatMap(({ stored }) => stored ?? []);
  }

  /** Who wrote a state of a key. */
  writeOf(stored: StoredKey): W | undefined {
    return this.#writes.get(stored);
  }

  /** Keys that were there and are not, and who deleted them. */
  deletions(): ReadonlyMap<string, W> {
    return this.#deletions;
  }

  /** Who deleted a key, if it is not there. */
  deletionOf(key: string): W | undefined {
    return this.#deletions.get(key);
  }

  #record(before: number, write: W, request?: ITxnRequest): void {
    const { revision } = this.model;
    if (revision === before) return;
    const changes: KeyChange[] = [];
    for (const [key, states] of this.model.snapshot().history) {
      const last = states.at(-1);
      if (last?.mod !== revision) continue;
      if (last.stored) {
        this.#writes.set(last.stored, write);
        this.#deletions.delete(key);
      } else {
        this.#deletions.set(key, write);
      }
      // A key that is put and deleted at one revision does not occur.
      changes.push({ key, before: states.at(-2)?.stored, after: last.stored });
    }
    this.#onChange(changes, write, request);
  }
}
