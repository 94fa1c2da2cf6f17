import { objectKey } from "../k8s/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { TakeOver } from "../reconcile/mod.ts";
import type { ApplyResult, ObjectPlace } from "../store/mod.ts";
import type { Log } from "./log.ts";

/** Which operation somebody asked the API for, and what it is about. */
export interface AskedWrite {
  /** The route's id. */
  readonly operation: string;
  /** The component that it is about. */
  readonly component?: string;
  /** The one object that it is about. */
  readonly object?: Pick<ObjectPlace, "gvr" | "namespace" | "name">;
}

const MESSAGE = "changed through the API";

/**
 * Logs what writing operations changed, as {@linkcode PassLog} does for passes: one line each,
 * none if nothing changed.
 */
export class WriteLog {
  readonly #log: Log;

  /** @param log where to */
  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Tells of an operation once it is done, by the difference to what was before.
   *
   * @param asked what was asked for
   * @param cache as it is before
   * @returns takes what was done; what failed on its way may have changed something too
   */
  before(asked: AskedWrite, cache: ComponentKeyCache): (applied: ApplyResult) => void {
    const before = keysOf(cache, asked);
    return ({ created, updated, deleted, released, txns, revision }) => {
      // A key that another holds already is taken up, too, without a word to etcd.
      const keys = keysOf(cache, asked);
      if (created + updated + deleted + released === 0 && keys === before) return;
      const { operation, component, object } = asked;
      const key = object && objectKey(cache.identity.prefix, object.gvr, object);
      const counts = { created, updated, deleted, released, keys, txns, revision };
      this.#log("info", MESSAGE, { operation, component, key, ...counts });
    };
  }

  /**
   * Tells of keys that were taken over: in the cache alone.
   *
   * @param asked what was asked for
   * @param done what came of it
   */
  tookOver({ operation }: AskedWrite, { taken, held, absent, left }: TakeOver): void {
    if (taken === 0) return;
    this.#log("info", MESSAGE, { operation, taken, held, absent, left: left.length });
  }
}

/** How many keys the component holds, if the operation is about one. */
function keysOf(cache: ComponentKeyCache, { component }: AskedWrite): number | undefined {
  if (component === undefined) return undefined;
  let keys = 0;
  for (const group of cache.byOwner.get(component)?.values() ?? []) keys += group.size;
  return keys;
}
