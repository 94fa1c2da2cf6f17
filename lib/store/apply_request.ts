import type { KeyRow, Owner } from "../keycache/mod.ts";
import type { BytesOf } from "./batch.ts";
import type { DecisionRules } from "./decide.ts";
import type { NotedDeletes } from "./delete_tally.ts";
import type { OwnershipChange } from "./ownership.ts";
import type { SingleTxnGroups } from "./pack.ts";

/** What is to be brought about. */
export interface ApplyRequest {
  /** How owners change, by object key. */
  readonly changes: ReadonlyMap<string, OwnershipChange>;
  /** Look at every other row too, and heal what drifted in etcd. */
  readonly full: boolean;
  /**
   * Keys to look at in etcd beside those that change, where not every row is looked at.
   *
   * @default {none}
   */
  readonly besides?: ReadonlySet<string>;
  /**
   * Tells whether a key's put is left for now where etcd does not hold this node's own: another node
   * that holds the key may be about to put the same.
   *
   * @default {nothing is left}
   */
  readonly yields?: (key: string) => boolean;
  /**
   * Record what needs nothing in etcd with the last Txn, or not at all: for an operation that is
   * answered as done or as failed. Else it is recorded at once.
   */
  readonly asOne: boolean;
  /**
   * Look in etcd for all that is taken up before it is planned, also where the cache has it so
   * already. A Txn that is sent in any case needs no such look: its compares tell.
   *
   * @default {asOne: what needs no Txn is answered as done, too}
   */
  readonly sure?: boolean;
  /** How values of others are judged. */
  readonly rules: DecisionRules;
  /** Refuse to split these groups over several Txns. */
  readonly requireSingleTxn: SingleTxnGroups;
  /** Fetches what is put. */
  readonly bytesOf: BytesOf;
  /**
   * Tells whether owners of a key were all seen at a full look, and nothing was moving there: then
   * a version lower than what etcd holds may be put.
   *
   * @default {never}
   */
  readonly settled?: (key: string, owners: readonly Owner[]) => boolean;
  /**
   * Tells whether an owner's file is there and not bad, as far as it was looked at: else another
   * owner's is put.
   *
   * @default {always}
   */
  readonly readable?: (key: string, owner: Owner) => boolean;
  /**
   * Rows of keys that are to go though no component here holds them. The cache knows nothing of
   * them but while their Txn is pending: what failed is not made up for by a later pass.
   *
   * @default {none}
   */
  readonly unclaimed?: ReadonlyMap<string, KeyRow>;
  /**
   * What to note of the deletes as they are made, by component.
   *
   * @default {nothing}
   */
  readonly windows?: ReadonlyMap<string, NotedDeletes>;
  /** Called as operations are done: how many of how many. */
  readonly progress?: (done: number, total: number) => void;
  /**
   * Measures the time of a phase.
   *
   * @default {nobody does}
   */
  readonly timed?: <T>(phase: "plan" | "commit", work: Promise<T>) => Promise<T>;
}
