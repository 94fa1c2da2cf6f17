import { KeyCacheError } from "./errors.ts";
import { cutIntoAtomics, type KvKey, type KvMutation, type KvStore } from "./kv_store.ts";

/**
 * Writes changes of any size to a database. After a failure nothing more is written: what is there
 * is not known any more.
 */
export class KvWriter {
  readonly #store: KvStore;
  /** Why nothing can be written. */
  #refusal: string | undefined;

  /**
   * @param store the database
   * @param forbidden why nothing may be written; undefined if it may
   */
  constructor(store: KvStore, forbidden?: string) {
    this.#store = store;
    this.#refusal = forbidden;
  }

  /**
   * Writes mutations in as many atomics as they take.
   *
   * @param mutations each made when its turn comes
   * @param last what must stand together in the last atomic
   * @param absent a key that must not exist
   * @throws {KeyCacheError} if nothing may be written any more, or what the database throws
   */
  async write(
    mutations: Iterable<KvMutation>,
    last: readonly KvMutation[],
    absent?: KvKey,
  ): Promise<void> {
    if (this.#refusal !== undefined) throw new KeyCacheError("io", this.#refusal);
    try {
      let committing = Promise.resolve();
      for (const atomic of cutIntoAtomics(mutations, last, this.#store.limits)) {
        await committing;
        committing = this.#store.commit(atomic, absent);
      }
      await committing;
    } catch (error) {
      this.#refusal = "the component-key cache must be loaded again after a failure";
      throw error;
    }
  }
}
