import { burialOf, type Known } from "./burial.ts";
import { type DeleteWindow, windowsNotAhead } from "./delete_window.ts";
import type { FenceState } from "./fence_state.ts";
import type { Intent, IntentEntry } from "./intent.ts";
import type { KeyRow } from "./key_row.ts";
import type { KvMutation } from "./kv_store.ts";
import { lettingGo } from "./letting_go.ts";
import { componentKey, intentRemoval, mutationsOf, STATE } from "./records.ts";
import { seal } from "./sealed.ts";
import type { Tombstone } from "./tombstone.ts";

/** What is to become of a cache. */
export interface Wanted {
  /** By object key; null removes one. */
  readonly rows: ReadonlyMap<string, KeyRow | null>;
  /**
   * Sequence number of the fence from which on etcd does not hold what the rows no longer say: of
   * that stays a tombstone, since an etcd that is restored to an older state has it again.
   */
  readonly buriedAt: number;
  /** Where the fence stands then. */
  readonly fence: FenceState;
  /**
   * Entries whose puts may have been in etcd, whatever the rows say: they leave a tombstone too.
   *
   * @default none
   */
  readonly put?: readonly IntentEntry[];
  /**
   * Delete windows by component.
   *
   * @default none changes
   */
  readonly windows?: ReadonlyMap<string, DeleteWindow>;
}

/** What a cache is before a change. */
export interface Before extends Known {
  readonly fence: FenceState;
  readonly intent: Intent | undefined;
  /** Components that are remembered to have let go of a key. */
  readonly remembered: ReadonlySet<string>;
}

/** All that changes in a cache, worked out. */
export interface Change {
  /** By object key; null removes one. */
  readonly rows: ReadonlyMap<string, KeyRow | null>;
  /** Where the fence stands then. */
  readonly fence: FenceState;
  /** New tombstones by object key, and those that say more. */
  readonly tombstones: ReadonlyMap<string, Tombstone>;
  /** Keys whose tombstones go. */
  readonly forgotten: readonly string[];
  /** Components that are to be remembered from now on. */
  readonly components: ReadonlySet<string>;
  /** By component. */
  readonly windows: ReadonlyMap<string, DeleteWindow>;
}

/**
 * Works out all that changes.
 *
 * @param before what is
 * @param wanted what is to be
 * @param nowMs wall clock, ms since the epoch: an intent may be of a process whose clock was ahead
 */
export function changeOf(
  before: Before,
  { rows, buriedAt, fence, put = [], windows = new Map() }: Wanted,
  nowMs: number,
): Change {
  return {
    rows,
    fence,
    ...burialOf(before, rows, put, buriedAt),
    components: lettingGo(before.rows, rows, before.remembered),
    windows: windowsNotAhead(windows, nowMs),
  };
}

/** What is written for a change. */
export interface ChangeWrites {
  /** These first, in order: a change may tear between them. */
  readonly first: Iterable<KvMutation>;
  /** These at once, at the end. */
  readonly last: readonly KvMutation[];
}

/**
 * What is written for a change, which also ends the pending intent.
 *
 * @param before what is
 * @param change what is to be written
 * @returns undefined if there is nothing to write
 */
export function writesOf(before: Before, change: Change): ChangeWrites | undefined {
  const { rows, fence, tombstones, forgotten, components, windows } = change;
  const last = intentRemoval(before.intent?.header);
  for (const at of Array.from(components, componentKey)) {
    last.push({ set: at, value: seal(at, {}) });
  }
  if (fence !== before.fence) last.push({ set: STATE, value: seal(STATE, fence) });
  const count = rows.size + forgotten.length + tombstones.size + windows.size + last.length;
  if (count === 0) return undefined;
  const first = mutationsOf(rows, forgotten, tombstones.values(), windows, fence.epoch);
  return { first, last };
}
