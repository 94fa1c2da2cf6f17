import { decodeWindow, type DeleteWindow } from "./delete_window.ts";
import { KeyCacheError } from "./errors.ts";
import { decodeState, type FenceState } from "./fence_state.ts";
import { type CacheOptions, checkIdentity, type Identity } from "./identity.ts";
import type { Intent } from "./intent.ts";
import { type IntentRecord, unpackIntent } from "./intent_records.ts";
import { KeyIndex } from "./key_index.ts";
import { decodeRow } from "./key_row.ts";
import { ListFacts } from "./list_facts.ts";
import type { KvKey, KvStore } from "./kv_store.ts";
import { decodePast, type Past } from "./past.ts";
import { IDENTITY, STATE } from "./records.ts";
import { isOutdated, unseal } from "./sealed.ts";
import { decodeTombstone, type Tombstone } from "./tombstone.ts";

/** What a database holds of a cache. */
export interface StoredCache {
  readonly identity: Identity;
  readonly state: FenceState;
  readonly index: KeyIndex;
  /** The oldest come first. */
  readonly tombstones: Map<string, Tombstone>;
  readonly windows: Map<string, DeleteWindow>;
  /** What the last pass came to, if one is remembered. */
  readonly past: Past | undefined;
  /** Components that let go of a key at some time. */
  readonly components: Set<string>;
  /** Lists that components were given. */
  readonly lists: ListFacts;
  /** The batch whose outcome is not yet known, if there is one. */
  readonly intent: Intent | undefined;
  /** Chunks of an intent that was torn before its header was written: its Txn was never sent. */
  readonly torn: readonly KvKey[];
  /** Object keys of rows and tombstones, and components of windows, of an earlier schema. */
  readonly outdated: Record<"row" | "tombstone" | "window", readonly string[]>;
}

/**
 * Reads every record of a database: one under a key that is not its own is found so. Writes nothing.
 *
 * @param store the database
 * @param wanted whose cache it should be
 * @returns what it holds; undefined if it is empty
 * @throws {KeyCacheError} `mismatch`, `newer-schema`, `damaged`, or what the database throws
 */
export async function readRecords(
  store: KvStore,
  wanted: Pick<CacheOptions, "nodeName" | "prefix" | "defaults">,
): Promise<StoredCache | undefined> {
  const head = await readHead(store);
  if (head.identity === undefined && (await isEmpty(store))) return undefined;
  const identity = checkIdentity(head.identity, wanted, store.path);
  const state = decodeState(head.state);
  const { epoch } = state;
  const index = new KeyIndex(identity.prefix);
  const tombstones: Tombstone[] = [];
  const windows = new Map<string, DeleteWindow>();
  const components = new Set<string>();
  const lists = new ListFacts();
  const intentRecords: IntentRecord[] = [];
  const outdated = { row: [] as string[], tombstone: [] as string[], window: [] as string[] };
  let past: Past | undefined;
  for await (const { key, value } of store.list([])) {
    const [kind, name = "", gvr = "", namespace = ""] = key;
    switch (kind) {
      case "head":
        break;
      case "row":
        index.set(ownKey(identity, name), decodeRow(name, unseal(key, value), epoch));
        if (isOutdated(key, value)) outdated.row.push(name);
        break;
      case "tombstone":
        tombstones.push(decodeTombstone(ownKey(identity, name), unseal(key, value)));
        if (isOutdated(key, value)) outdated.tombstone.push(name);
        break;
      case "window":
        windows.set(name, decodeWindow(unseal(key, value)));
        if (isOutdated(key, value)) outdated.window.push(name);
        break;
      case "past":
        past = decodePast(unseal(key, value));
        break;
      case "component":
        unseal(key, value);
        components.add(name);
        break;
      case "list":
        unseal(key, value);
        lists.add({ component: name, gvr, namespace });
        break;
      case "intent":
        intentRecords.push({ key, value });
        break;
      default:
        // Of a kind that came later, if it is whole.
        unseal(key, value);
    }
  }
  tombstones.sort((a, b) => a.seq - b.seq);
  const intent = unpackIntent(intentRecords, epoch);
  for (const { key } of intent?.entries ?? []) ownKey(identity, key);
  return {
    identity,
    state,
    index,
    tombstones: new Map(tombstones.map((tombstone) => [tombstone.key, tombstone])),
    windows,
    past,
    components,
    lists,
    intent,
    torn: intent ? [] : intentRecords.map(({ key }) => key),
    outdated,
  };
}

/** Whatever a record says, nothing outside of the prefix is ever written. */
function ownKey({ prefix }: Identity, key: string): string {
  if (key.startsWith(`${prefix}/`)) return key;
  throw new KeyCacheError("damaged", `the component-key cache holds a key of others: ${key}`);
}

async function readHead(store: KvStore): Promise<{ identity?: unknown; state?: unknown }> {
  const head: { identity?: unknown; state?: unknown } = {};
  for await (const { key, value } of store.list(["head"])) {
    const content = unseal(key, value);
    if (key[1] === IDENTITY[1]) head.identity = content;
    else if (key[1] === STATE[1]) head.state = content;
  }
  return head;
}

async function isEmpty(store: KvStore): Promise<boolean> {
  for await (const _ of store.list([])) return false;
  return true;
}
