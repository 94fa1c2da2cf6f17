/**
 * A Txn of so many bytes takes a second of its deadline on the slowest uplink that there may be:
 * that its answer was lost says nothing about its size.
 */
const SMALL_BYTES = 64 * 1024;
/** Txns in a row that have to pass before larger ones are tried again; each failure doubles it. */
const FIRST_PATIENCE = 2;

/**
 * How large the Txns are that a request is cut into. One that was too large for etcd, or too slow
 * for its deadline, halves them; those that pass let them grow again.
 */
export class TxnAim {
  #bytes = Infinity;
  /** etcd refused more than this as too large, which it always will. */
  #ceiling = Infinity;
  #passed = 0;
  #patience = FIRST_PATIENCE;

  /** What a Txn of several operations keeps to, in bytes; Infinity: what one request may have. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * etcd refused a Txn as too large.
   *
   * @param bytes its size
   */
  refused(bytes: number): void {
    this.#ceiling = Math.min(this.#bytes, Math.floor(bytes / 2));
    this.#bytes = this.#ceiling;
    this.#passed = 0;
  }

  /**
   * The answer to a Txn was lost.
   *
   * @param bytes its size
   */
  lost(bytes: number): void {
    this.#passed = 0;
    if (bytes <= SMALL_BYTES) return;
    this.#bytes = Math.min(this.#bytes, Math.max(SMALL_BYTES, Math.floor(bytes / 2)));
    this.#patience *= 2;
  }

  /**
   * A Txn was answered.
   *
   * @param bytes its size; one far below the aim says nothing about a larger one
   */
  passed(bytes: number): void {
    if (this.#bytes >= this.#ceiling || bytes * 2 < this.#bytes) return;
    this.#passed++;
    if (this.#passed < this.#patience) return;
    this.#passed = 0;
    this.#bytes = Math.min(this.#ceiling, this.#bytes * 2);
  }
}
