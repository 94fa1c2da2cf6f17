import { contentHash } from "../../../lib/k8s/mod.ts";
import { versionIn } from "../cloud.ts";
import type { StoredKey } from "../etcd_model_store.ts";
import type { DiskOwner } from "../kv_disk.ts";
import type { HeldFile } from "../node_model.ts";
import type { Lineage, World } from "../world.ts";
import { isBetterVersion } from "./the_value.ts";

/**
 * Tells whether what is to be put at a key is a bad file's: whatever else happens to the key, in the
 * cache too, waits for it. An older copy is not put in its stead.
 *
 * @param world all there is
 * @param lineage whose cache
 * @param key the object key
 */
export function isHeldUp({ etcd }: World, { node, disk }: Lineage, key: string): boolean {
  const files = node.files().filter((file) => file.key === key);
  const stored = etcd.get(key);
  // An apiserver's value is left alone, so that nothing is to be put.
  if (stored && !versionIn(stored.value)) return false;
  const ofOwner = ({ component, gvr }: DiskOwner) =>
    files.filter((file) => file.component === component && file.gvr === gvr);
  // Whose file is gone is about to let go, and keeps nothing there.
  const owners = (disk.row(key)?.owners ?? [])
    .filter((owner) => owner.fromApi || ofOwner(owner).length > 0);
  return owners.some((owner) => {
    const isBad = ofOwner(owner).some(({ version }) => !version);
    return isBad && !isThere(owner, owners, stored) &&
      !files.some((file) => comesBefore(file, owner, stored));
  });
}

/** A good file that is put, or whose bytes are, in spite of what the owner's held last. */
function comesBefore(
  { version, gvr, bytes }: HeldFile,
  owner: DiskOwner,
  stored: StoredKey | undefined,
): boolean {
  if (!version) return false;
  const order = BigInt(version.resourceVersion) - BigInt(owner.resourceVersion);
  if (order !== 0n) return order > 0n;
  return isBetterVersion(gvr, owner.gvr) ||
    (version.uid === owner.uid && (!stored || contentHash(bytes) === owner.hash));
}

/** What etcd holds stays as far as the owner is concerned. */
function isThere(
  owner: DiskOwner,
  owners: readonly DiskOwner[],
  stored: StoredKey | undefined,
): boolean {
  const version = stored && versionIn(stored.value);
  if (!stored || version?.uid !== owner.uid) return false;
  const order = BigInt(version.resourceVersion) - BigInt(owner.resourceVersion);
  const hash = contentHash(stored.value);
  return order > 0n || (order === 0n && owners.some((one) => one.hash === hash));
}
