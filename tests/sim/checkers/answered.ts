import { EdgekeydError } from "../../../lib/errors.ts";
import { KeyCacheError } from "../../../lib/keycache/mod.ts";
import { UnknownOutcomeError } from "../../../lib/store/mod.ts";
import { versionIn } from "../cloud.ts";
import { broken, type Checker, isBy, type Lineage, type Operation, type World } from "../world.ts";

/**
 * What is answered is so: what was answered as done is in etcd at that moment, unless another wrote
 * since; of what was answered as failed nothing is left that a later pass would bring about.
 */
export class Answered implements Checker {
  readonly name = "8 answered";
  readonly #world: () => World;
  /** Keys that were recorded as the operation wants them, or may come to be without it. */
  readonly #before = new Map<Operation, ReadonlySet<string>>();

  constructor(world: () => World) {
    this.#world = world;
  }

  operationBegins(operation: Operation): void {
    // A delete of before, which an etcd that came back older undid, is made again for its own sake.
    const { keys = new Set(), lineage } = operation;
    const buried = [...keys].filter((key) => lineage.disk.hasTombstone(key));
    this.#before.set(operation, wantedIn(operation).union(new Set(buried)));
  }

  operationEnded(operation: Operation, failure: Error | undefined): void {
    const before = this.#before.get(operation) ?? new Set();
    this.#before.delete(operation);
    if (failure === undefined) return this.#isDone(operation);
    const { name, disk } = operation.lineage;
    // While a Txn is pending, or if the cache itself failed, nobody was told that it failed; and of
    // one that an etcd which went back may hold, nothing may be forgotten.
    const isSure = failure instanceof EdgekeydError && !(failure instanceof KeyCacheError) &&
      !(failure instanceof UnknownOutcomeError) &&
      disk.header === undefined && this.#world().replacedTick < operation.startTick;
    if (!isSure) return;
    for (const key of wantedIn(operation).difference(before)) {
      broken(
        this,
        `${name}: ${operation.kind} of ${key} failed, and the cache is as if it had not`,
      );
    }
  }

  #isDone(operation: Operation): void {
    const { kind, keys = [], lineage, version, component, gvr } = operation;
    for (const key of keys) {
      const stored = this.#world().etcd.get(key);
      if (this.#wasChanged(operation, key)) continue;
      const row = lineage.disk.row(key);
      const isHeld = row?.owners.some((owner) =>
        owner.component === component && owner.gvr === gvr
      ) ?? false;
      // What another's file is to give may have to wait for it, and is told as a conflict.
      const isOfApi = row?.owners.every(({ fromApi }) => fromApi) ?? true;
      const is = stored && versionIn(stored.value);
      // What others hold, or another importer put, stays if it is as fresh.
      const isAsFresh = is !== undefined && version !== undefined &&
        BigInt(is.resourceVersion) >= BigInt(version.resourceVersion);
      const isIn = kind === "create-object" || kind === "update-object";
      const isOut = kind === "delete-unclaimed" ||
        (kind === "delete-object" && (row?.owners.length ?? 0) === 0 &&
          isBy(stored && this.#world().etcd.writeOf(stored), lineage));
      const isWrong = (isIn && !(isAsFresh && isHeld)) ||
        (kind === "replace-list" && !stored && isOfApi) ||
        (isOut && stored) ||
        (kind === "delete-object" && isHeld);
      if (isWrong) {
        broken(this, `${lineage.name}: ${kind} of ${key} is done, and etcd says otherwise`);
      }
    }
  }

  /** Another wrote to the key since the operation began, or etcd is another. */
  #wasChanged({ lineage, startTick }: Operation, key: string): boolean {
    const { etcd, replacedTick } = this.#world();
    const stored = etcd.get(key);
    const write = stored ? etcd.writeOf(stored) : etcd.deletionOf(key);
    return replacedTick >= startTick ||
      (write !== undefined && write.tick >= startTick && !isBy(write, lineage));
  }
}

/** Keys whose records are as the operation wants them, so that a pass would go by that. */
function wantedIn({ kind, keys = new Set(), component, gvr, lineage }: Operation): Set<string> {
  const isWanted = ({ disk }: Lineage, key: string): boolean => {
    const row = disk.row(key);
    const isHeld = row?.owners.some((owner) =>
      owner.fromApi && owner.component === component && owner.gvr === gvr
    );
    if (kind === "create-object") return isHeld === true;
    return kind === "delete-unclaimed" && row?.ours === true && row.owners.length === 0;
  };
  return new Set([...keys].filter((key) => isWanted(lineage, key)));
}
