import type { WatchEvent } from "../etcd/mod.ts";
import type { ComponentKeyCache, Intent } from "../keycache/mod.ts";

/** Tells what others do in etcd from what this node's own Txns do. */
export class OthersWrites {
  readonly #cache: () => ComponentKeyCache;
  /** What the pending Txn deletes. */
  #own: { readonly of: Intent; readonly deletes: ReadonlySet<string> } | undefined;

  /** @param cache the component-key cache, as it is at the moment */
  constructor(cache: () => ComponentKeyCache) {
    this.#cache = cache;
  }

  /**
   * What an event of a watch is about.
   *
   * @param event what happened
   * @returns `fence`: another wrote to this node's fence; `held`: another deleted a key that should
   * be in etcd; undefined: nothing that matters here
   */
  about(event: WatchEvent): "fence" | "held" | undefined {
    const cache = this.#cache();
    if (event.key === cache.identity.fenceKey) {
      return isOwnFence(cache, event) ? undefined : "fence";
    }
    return event.kind === "delete" && this.#isHeld(cache, event) ? "held" : undefined;
  }

  #isHeld({ rows, intent }: ComponentKeyCache, { key, modRevision }: WatchEvent): boolean {
    const row = rows.get(key);
    if (!row || row.owners.length === 0) return false;
    // It was put since.
    if (row.mod !== null && BigInt(row.mod) > BigInt(modRevision)) return false;
    return intent === undefined || !this.#deletesOf(intent).has(key);
  }

  #deletesOf(intent: Intent): ReadonlySet<string> {
    if (this.#own?.of !== intent) {
      const deletes = intent.entries.filter(({ action }) => action === "delete");
      this.#own = { of: intent, deletes: new Set(deletes.map(({ key }) => key)) };
    }
    return this.#own.deletes;
  }
}

/** The fence as one of this node's own Txns leaves it, be its answer here or not. */
function isOwnFence({ fence, intent }: ComponentKeyCache, { kind, value }: WatchEvent): boolean {
  const own = [fence.expected, intent?.header.next, intent?.header.bump];
  return kind === "put" && own.includes(value);
}
