import type { IResponseHeader } from "etcd3";
import {
  EtcdError,
  type KeyWatch,
  type WatchEvent,
  type WatchRequest,
} from "../../lib/etcd/mod.ts";
import type { KeyState } from "./etcd_model_store.ts";

interface Watcher {
  readonly request: WatchRequest;
  readonly told: (event: WatchEvent) => void;
  end(failure: EtcdError | undefined): void;
}

/** The watches on an etcd model: each is told of a revision as it is committed. */
export class EtcdModelWatches {
  readonly #watchers = new Set<Watcher>();

  /** Begins one. */
  begin(
    request: WatchRequest,
    told: (event: WatchEvent) => void,
    header: IResponseHeader,
  ): KeyWatch {
    const { promise, resolve } = Promise.withResolvers<EtcdError | undefined>();
    const watcher: Watcher = {
      request,
      told,
      end: (failure) => {
        this.#watchers.delete(watcher);
        resolve(failure);
      },
    };
    this.#watchers.add(watcher);
    return { header, ended: promise, close: () => watcher.end(undefined) };
  }

  /** Tells of what one revision did, a moment later. */
  committed(states: readonly KeyState[], revision: number): void {
    for (const watcher of this.#watchers) {
      const { request } = watcher;
      const told = (event: WatchEvent) => {
        queueMicrotask(() => this.#watchers.has(watcher) && watcher.told(event));
      };
      for (const { key: modelKey, stored } of states) {
        const key = Buffer.from(modelKey, "latin1").toString();
        const isDeletedUnder = !stored && key.startsWith(request.deletedUnder);
        if (key !== request.key && !isDeletedUnder) continue;
        told({
          kind: stored ? "put" : "delete",
          key,
          value: stored?.value.toString() ?? "",
          modRevision: String(revision),
        });
      }
    }
  }

  /** The etcd is another from now on: whoever watched has lost it. */
  endAll(): void {
    for (const watcher of this.#watchers) {
      watcher.end(new EtcdError("unavailable", "the connection broke"));
    }
  }
}
