/**
 * The one source of chance of a run: sfc32, seeded by its number. The same seed gives the same
 * draws on every machine.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any whole number */
  constructor(seed: number) {
    this.#a = 0x9e3779b9 ^ seed;
    this.#b = Math.imul(seed, 0x85ebca6b) ^ 0x243f6a88;
    this.#c = Math.floor(seed / 2 ** 32) ^ 0xb7e15162;
    for (let i = 0; i < 15; i++) this.uint32();
  }

  /** @returns 32 random bits */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** @returns a whole number from 0 up to, not including, `end` */
  below(end: number): number {
    return Math.floor(this.uint32() / 2 ** 32 * end);
  }

  /** @returns a whole number from `first` to `last`, both included */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  /** @returns true with the given probability; one of 0 draws nothing */
  chance(probability: number): boolean {
    return probability > 0 && this.uint32() / 2 ** 32 < probability;
  }

  /** @returns one of the list, which must not be empty */
  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error("pick() from nothing");
    return item;
  }

  /** @returns one of the names, each as often as its weight says */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const names = Object.keys(weights) as K[];
    let left = this.uint32() / 2 ** 32 * names.reduce((sum, name) => sum + (weights[name] ?? 0), 0);
    for (const name of names) {
      left -= weights[name] ?? 0;
      if (left < 0) return name;
    }
    return this.pick(names);
  }

  /** @returns 128 random bits in hexadecimal */
  hex(): string {
    return Array.from({ length: 4 }, () => this.uint32().toString(16).padStart(8, "0")).join("");
  }
}
