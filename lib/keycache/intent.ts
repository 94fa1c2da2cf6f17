import { decodeWindow, type DeleteWindow, encodeWindow } from "./delete_window.ts";
import { KeyCacheError } from "./errors.ts";
import { decodeRow, encodeRow, isCount, isRevision, type KeyRow } from "./key_row.ts";

/**
 * What a Txn is about to do to one key, written down before it is sent.
 *
 * - `put`, `delete`: if the key's mod revision is `guardMod` ("0": absent)
 * - `keep`: nothing in etcd; only the row changes
 */
export interface IntentEntry {
  /** What is done to the key. */
  readonly action: "put" | "delete" | "keep";
  /** The object key. */
  readonly key: string;
  /** Expected mod revision, decimal; "0" for `keep`. */
  readonly guardMod: string;
  /** The row to write if the operation succeeds, its `mod` still open; null to remove it. */
  readonly after: KeyRow | null;
  /**
   * The version of ours that it replaces or removes, should the row no longer say it before it is
   * settled; empty if there is none.
   */
  readonly uid: string;
  /** The resourceVersion of that version; empty if there is none. */
  readonly resourceVersion: string;
}

/** The record that makes an intent count: without it nothing was sent. */
export interface IntentHeader {
  /** Value that the fence must hold; null: the fence must not exist. */
  readonly expected: string | null;
  /** Value that the Txn writes into the fence. */
  readonly next: string;
  /** Value of the empty batch that kills the Txn if it was not applied. */
  readonly bump: string;
  /** Sequence number of `next`; `bump` has the one after it. */
  readonly seq: number;
  /** How many entries it has. */
  readonly entries: number;
  /** Over how many records they are spread. */
  readonly chunks: number;
  /** CRC-32 over all chunks, in order. */
  readonly digest: number;
}

/** A batch that was written down and whose outcome is not yet in the cache. */
export interface Intent {
  /** What the Txn makes of the fence. */
  readonly header: IntentHeader;
  /** What it does, each key once. */
  readonly entries: readonly IntentEntry[];
  /** Delete windows by component, to be noted if its Txn is applied, whoever finds that out. */
  readonly windows: ReadonlyMap<string, DeleteWindow>;
}

/** Marks a delete window among the entries, which begin with a number. */
const WINDOW = "window";
const ACTIONS: readonly IntentEntry["action"][] = ["put", "delete", "keep"];

/** Packs one entry for storage. */
export function encodeEntry(entry: IntentEntry, epoch: number): unknown {
  return [
    ACTIONS.indexOf(entry.action),
    entry.key,
    entry.guardMod,
    entry.after && encodeRow(entry.after, epoch),
    entry.uid,
    entry.resourceVersion,
  ];
}

/**
 * Reads what {@linkcode encodeEntry} wrote.
 *
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodeEntry(value: unknown, epoch: number): IntentEntry {
  if (Array.isArray(value) && value.length >= 6) {
    const [kind, key, guardMod, after, uid, resourceVersion]: unknown[] = value;
    const action = typeof kind === "number" ? ACTIONS[kind] : undefined;
    if (
      action && typeof key === "string" && (guardMod === "0" || isRevision(guardMod)) &&
      typeof uid === "string" && typeof resourceVersion === "string"
    ) {
      return {
        action,
        key,
        guardMod,
        after: after === null ? null : decodeRow(key, after, epoch),
        uid,
        resourceVersion,
      };
    }
  }
  throw new KeyCacheError("damaged", "the pending intent in the component-key cache is damaged");
}

/** Packs a delete window for storage among the entries. */
export function encodeIntentWindow(component: string, window: DeleteWindow): unknown {
  return [WINDOW, component, encodeWindow(window)];
}

/**
 * Reads what {@linkcode encodeIntentWindow} wrote.
 *
 * @returns component and window; undefined if it is an entry
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodeIntentWindow(value: unknown): [string, DeleteWindow] | undefined {
  if (!Array.isArray(value) || value[0] !== WINDOW) return undefined;
  const [, component, window]: unknown[] = value;
  if (value.length >= 3 && typeof component === "string") return [component, decodeWindow(window)];
  throw new KeyCacheError("damaged", "the pending intent in the component-key cache is damaged");
}

/** Reads an intent's header as it was stored. */
export function decodeHeader(value: unknown): IntentHeader {
  if (typeof value === "object" && value !== null) {
    const { expected, next, bump, seq, entries, chunks, digest } = value as Record<string, unknown>;
    if (
      (expected === null || typeof expected === "string") && typeof next === "string" &&
      typeof bump === "string" && isCount(seq) && isCount(entries) && isCount(chunks) &&
      isCount(digest)
    ) return { expected, next, bump, seq, entries, chunks, digest };
  }
  throw new KeyCacheError("damaged", "the pending intent in the component-key cache is damaged");
}
