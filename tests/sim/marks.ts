/** Everything that a set of runs must have met at least once, or it proves nothing. */
export const MARKS = [
  "crash before a call to etcd",
  "crash after a call to etcd",
  "crash before a KV commit",
  "crash after a KV commit",
  "crash while a KV commit was under way",
  "bump, then a crash before the intent was cleared",
  "intent torn between its atomics",
  "outcome torn between its atomics",
  "disk full at a KV commit",
  "KV commit reported as failed, yet there",
  "cache lost",
  "cache rolled back",
  "answer lost, Txn applied",
  "answer lost, Txn not applied",
  "guard failed and the answer lost",
  "guard failed",
  "connection refused",
  "answer to another request",
  "leader change",
  "permission denied",
  "token expired or revoked",
  "certificate not taken",
  "late Txn applied",
  "late Txn applied after a restart",
  "late Txn killed by a bump",
  "late Txn met another fence",
  "compaction between pages",
  "etcd reset to empty",
  "etcd restored to an older revision",
  "etcd restored between two pages",
  "etcd reset under a group pass or an operation whose answer was lost",
  "restore across a delete",
  "restore to a history that was undone",
  "restore regrown past the last seen revision",
  "NOSPACE",
  "no space after the Txn was applied",
  "request too large",
  "answer too large",
  "answer in more than one page",
  "foreign put: importer's, newer",
  "foreign put: importer's, older",
  "foreign put: an apiserver's",
  "foreign delete",
  "two nodes hold one key",
  "two lives on one fence",
  "refused: other life",
  "refused: rolled back",
  "adopted by the operator",
  "both owners let go at once",
  "one owner let go while another took up",
  "directory renamed or removed during the walk",
  "directory moved without a backup",
  "directory that never rests",
  "file updated during a listing",
  "directory away for a moment",
  "file overtaken within a tick of its clock",
  "file caught empty or half written",
  "backup stood in for a rewrite",
  "yurthub killed in mid-rewrite",
  "bad file",
  "directory not readable",
  "cache root gone",
  "component directory gone",
  "one component has an object in both layouts",
  "flags that leave something out",
  "deletes held back",
  "older copy in one component",
  "object made anew with another uid",
  "cloud rebuilt",
  "cloud restored from a backup",
  "resourceVersions near 2^63",
  "other content at the same resourceVersion put",
  "a better API version at the same resourceVersion put",
  "a lower resourceVersion put",
  "wall clock jumped",
  "a group pass",
  "watch lost",
  "watch missed what happened in a new directory",
  "event of etcd's late",
  "event of etcd's lost",
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
export type Mark = typeof MARKS[number];

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
