import type { ITxnRequest } from "etcd3";
import { contentHash } from "../../../lib/k8s/mod.ts";
import { MAX_RESOURCE_VERSION, type Version, versionIn } from "../cloud.ts";
import type { KeyChange } from "../etcd_ledger.ts";
import type { StoredKey } from "../etcd_model_store.ts";
import type { DiskOwner } from "../kv_disk.ts";
import { fenceValue } from "../txn_shape.ts";
import { broken, type Checker, type Lineage, type World, type Write } from "../world.ts";
import { isHeldUp } from "./held_up.ts";

/**
 * What etcd holds for a key that is ours is the freshest version that a present owner holds, in
 * that one's present bytes: the highest resourceVersion, of equal ones the better API version. A
 * lower one than what is there is put only at a full look at which no owner holds that any more, or
 * if the key's only owner itself went back.
 */
export class TheValue implements Checker {
  readonly name = "the value";
  readonly #world: () => World;

  constructor(world: () => World) {
    this.#world = world;
  }

  etcdChanged(changes: readonly KeyChange[], write: Write, request?: ITxnRequest): void {
    if (write.by !== "agent" || !request) return;
    const { lineage, operation: { kind } } = write;
    // What was given up and applies all the same goes by what was known then.
    if (fenceValue(request) !== lineage.disk.header?.next) return;
    for (const { key, before, after } of changes) {
      const held = before && versionIn(before.value);
      const put = after && versionIn(after.value);
      if (!before || !held || !put || rvOf(put) > rvOf(held)) continue;
      const owners = lineage.disk.entries.find((entry) => entry.key === key)?.owners ?? [];
      if (rvOf(put) === rvOf(held)) {
        this.#isBetter(lineage, key, owners, after, before);
        continue;
      }
      if (!owners.some((owner) => isSame(owner, put))) {
        broken(this, `${lineage.name} puts an older copy at ${key}, which no owner holds`);
      }
      if (owners.some((owner) => isSame(owner, held))) {
        broken(
          this,
          `${lineage.name} puts an older copy at ${key}, while an owner holds what is there`,
        );
      }
      const isFull = kind === "reconcile" || kind === "adopt" ||
        // An operator took the component away: its deletes run ahead of no other's.
        kind === "delete-component";
      if (!isFull && !wentBack(lineage, key, owners, held)) {
        broken(this, `${lineage.name} puts an older copy at ${key} in a ${kind}`);
      }
    }
  }

  /** At an equal version, what an owner holds is replaced by a better API version alone. */
  #isBetter(
    { name }: Lineage,
    key: string,
    owners: readonly DiskOwner[],
    put: StoredKey,
    held: StoredKey,
  ): void {
    const [of, than] = [put, held].map((stored) => {
      const hash = contentHash(stored.value);
      return owners.filter((owner) => owner.hash === hash);
    });
    const isHeld = than?.some((one) => !of?.some(({ gvr }) => isBetterVersion(gvr, one.gvr)));
    if (isHeld) broken(this, `${name} replaces what an owner holds at ${key} by one as fresh`);
  }

  atRest(): void {
    const { etcd, lineages } = this.#world();
    for (const lineage of lineages) {
      if (!lineage.live) continue;
      this.#ownersAreFiles(lineage);
      for (const key of lineage.disk.rowKeys) {
        const stored = etcd.get(key);
        if (stored && !isHeldUp(this.#world(), lineage, key)) {
          this.#isFreshest(lineage, key, stored);
        }
      }
    }
  }

  /** What is noted of a file's bytes is what they are. */
  #ownersAreFiles({ node, disk, name }: Lineage): void {
    const files = node.files();
    for (const { key, component, gvr, version } of files) {
      const twins = files.filter((one) =>
        one.key === key && one.component === component && one.gvr === gvr
      );
      // Of files in both layouts the fresher one counts, of equal ones either.
      const isBest = twins.every((one) =>
        one.version && (!version || rvOf(one.version) <= rvOf(version))
      );
      const owner = disk.row(key)?.owners.find((one) =>
        one.component === component && one.gvr === gvr && !one.fromApi
      );
      if (!version || !owner || !isBest) continue;
      if (isHeldUp(this.#world(), { node, disk } as Lineage, key)) continue;
      const same = twins.filter((one) => one.version && rvOf(one.version) === rvOf(version));
      if (!same.some(({ bytes }) => owner.hash === contentHash(bytes))) {
        broken(this, `${name} takes ${component}'s file of ${key} for other bytes than it has`);
      }
    }
  }

  #isFreshest(lineage: Lineage, key: string, stored: StoredKey): void {
    const { name, disk, node, adoptedTick } = lineage;
    const row = disk.row(key);
    if (!row?.ours || row.owners.length === 0) return;
    // Nobody can see what a bad file holds: a lower version of it waits, another owner's does not.
    const files = node.files();
    const isBad = (owner: DiskOwner) =>
      files.some((file) =>
        file.key === key && !file.version && owner.component === file.component &&
        owner.gvr === file.gvr
      );
    const good = row.owners.filter((owner) => !isBad(owner));
    const best = bestOf(row.owners);
    const held = versionIn(stored.value);
    // What was adopted may be another node's, and what only etcd had of the API's may be lost.
    if (!held || best.some((owner) => owner.fromApi)) return;
    const highest = BigInt(best[0]?.resourceVersion ?? 0);
    if (best.some(isBad) && rvOf(held) > highest) return;
    const isAdopted = row.adopted && adoptedTick >= 0;
    if (isAdopted && rvOf(held) > highest && rvOf(held) <= MAX_RESOURCE_VERSION) return;
    const hash = contentHash(stored.value);
    if ([...best, ...bestOf(good)].some((owner) => owner.hash === hash)) return;
    const [first] = best;
    broken(
      this,
      `${name} has at ${key} ${held.uid}@${held.resourceVersion}, and not what ` +
        `${first?.component} holds: ${first?.uid}@${first?.resourceVersion}`,
    );
  }
}

/**
 * Tells whether of two versions of a resource, both GA, one is better: the higher one.
 *
 * @param gvr one
 * @param than the other
 */
export function isBetterVersion(gvr: string, than: string): boolean {
  const [one = 0, other = 0] = [gvr, than].map((text) => Number(/\.v(\d+)\./.exec(text)?.[1]));
  return one > other;
}

/** Those of the owners any of which may be put. */
function bestOf(owners: readonly DiskOwner[]): readonly DiskOwner[] {
  return owners.filter((owner) =>
    owners.every((other) => {
      const order = BigInt(owner.resourceVersion) - BigInt(other.resourceVersion);
      return order > 0n || (order === 0n && !isBetterVersion(other.gvr, owner.gvr));
    })
  );
}

/** The only owner held what is there, as far as was noted, and holds another version now. */
function wentBack(
  { disk }: Lineage,
  key: string,
  owners: readonly DiskOwner[],
  held: Version,
): boolean {
  const [owner, ...others] = owners;
  const [before, ...more] = disk.row(key)?.owners ?? [];
  return owner !== undefined && before !== undefined && others.length + more.length === 0 &&
    owner.component === before.component && owner.gvr === before.gvr && isSame(before, held);
}

function isSame(a: Version, b: Version): boolean {
  return a.uid === b.uid && a.resourceVersion === b.resourceVersion;
}

function rvOf({ resourceVersion }: Version): bigint {
  return BigInt(resourceVersion);
}
