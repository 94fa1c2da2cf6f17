import { FAULT_MARKS, type FaultMark } from "./weather.ts";

/** What is no fault, and yet has to be met. */
const OTHER_MARKS = [
  "guard failed",
  "request too large",
  "answer too large",
  "answer in more than one page",
  "two nodes hold one key",
  "refused: other life",
  "refused: rolled back",
  "adopted by the operator",
  "both owners let go at once",
  "one owner let go while another took up",
  "directory moved without a backup",
  "directory that never rests",
  "bad file",
  "component directory gone",
  "one component has an object in both layouts",
  "deletes held back",
  "object made anew with another uid",
  "resourceVersions near 2^63",
  "other content at the same resourceVersion put",
  "a better API version at the same resourceVersion put",
  "a lower resourceVersion put",
  "a group pass",
  "watch missed what happened in a new directory",
  "deleted key put back",
  "emptied etcd filled beside a daemon",
  "replace a list through the API",
  "replace one namespace through the API",
  "create an object through the API",
  "update an object through the API",
  "delete an object through the API",
  "take over recorded keys",
  "delete unclaimed keys",
  "delete a component by name",
  "retire",
  "verify",
  "dry run",
  "no agent came to rest at once",
] as const;

/** The name of a mark. */
export type Mark = FaultMark | typeof OTHER_MARKS[number];

/** Everything that a set of runs must have met at least once, or it proves nothing. */
const MARKS: readonly Mark[] = [...FAULT_MARKS, ...OTHER_MARKS];

/** How often each mark was met. */
export class Marks {
  readonly #counts = new Map<Mark, number>(MARKS.map((mark) => [mark, 0]));

  /** Notes that a mark was met. */
  hit(mark: Mark): void {
    this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + 1);
  }

  /** Adds what another run met. */
  add(counts: readonly (readonly [Mark, number])[]): void {
    for (const [mark, count] of counts) {
      this.#counts.set(mark, (this.#counts.get(mark) ?? 0) + count);
    }
  }

  /** Each mark with its count, in the order in which they are listed. */
  get counts(): readonly (readonly [Mark, number])[] {
    return [...this.#counts];
  }

  /** Marks that were never met. */
  get missing(): readonly Mark[] {
    return this.counts.filter(([, count]) => count === 0).map(([mark]) => mark);
  }
}
