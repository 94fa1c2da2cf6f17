/**
 * Bins in the order in which they were opened, each with the room that it has left. The first one
 * with enough room is found in as many steps as their number has binary digits.
 */
export class FirstFit {
  /** A binary tree: node `n` has the most room of `2n` and `2n + 1`, the bins are its leaves. */
  readonly #most: Float64Array;
  readonly #leaves: number;
  #bins = 0;

  /** @param mostBins how many bins there can be at the most */
  constructor(mostBins: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, mostBins)));
    this.#most = new Float64Array(2 * this.#leaves).fill(-Infinity);
  }

  /**
   * Finds the first bin with enough room.
   *
   * @param room what is needed
   * @returns its index; that of a bin to be opened if there is none
   */
  find(room: number): number {
    if (this.#roomOf(1) < room) return this.#bins;
    let node = 1;
    while (node < this.#leaves) node = this.#roomOf(2 * node) >= room ? 2 * node : 2 * node + 1;
    return node - this.#leaves;
  }

  /**
   * Says what room a bin has left.
   *
   * @param bin its index; the next free one opens it
   * @param room what is left
   */
  set(bin: number, room: number): void {
    this.#bins = Math.max(this.#bins, bin + 1);
    let node = bin + this.#leaves;
    this.#most[node] = room;
    for (node >>= 1; node > 0; node >>= 1) {
      this.#most[node] = Math.max(this.#roomOf(2 * node), this.#roomOf(2 * node + 1));
    }
  }

  #roomOf(node: number): number {
    return this.#most[node] ?? -Infinity;
  }
}
