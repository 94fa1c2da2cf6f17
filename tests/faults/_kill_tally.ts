import { deepStrictEqual, ok } from "node:assert/strict";
import { say } from "../support/say.ts";

/** Counts kills by what they met. */
export class KillTally {
  readonly #counts = new Map<string, number>();

  /** A kill met its aim. */
  note(kind: string): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  /** All of them. */
  get kills(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Prints the counts. */
  say(title: string): void {
    const counts = [...this.#counts].sort().map((entry) => entry.join(" "));
    say(`${title}: ${this.kills} kills: ${counts.join(", ")}`);
  }

  /**
   * Fails if there were too few, or if one kind was never met.
   *
   * @param kills at the least
   * @param kinds each of them
   */
  expect(kills: number, kinds: readonly string[]): void {
    ok(this.kills >= kills, `${this.kills} kills`);
    deepStrictEqual(kinds.filter((kind) => !this.#counts.has(kind)), [], "never met");
  }
}
