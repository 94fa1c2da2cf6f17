/** A small seeded generator of pseudo-random numbers (mulberry32): the same seed, the same throws. */
export class Dice {
  #state: number;

  /** @param seed what the throws follow from */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** @returns an integer from 0 up to, not including, `bound` */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * bound);
  }

  /** @returns true in `percent` of 100 cases */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** @returns one of a list that is not empty */
  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }

  /** @returns the list in another order */
  shuffle<T>(list: readonly T[]): T[] {
    const left = [...list];
    const shuffled: T[] = [];
    while (left.length > 0) shuffled.push(...left.splice(this.below(left.length), 1));
    return shuffled;
  }
}
