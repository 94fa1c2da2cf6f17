/**
 * The floor that the main job is held against: what has to be done at the least, with nothing
 * around it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Etcd } from "../../../lib/etcd/mod.ts";

/** Lists and looks at every file below a directory; returns their paths. */
export function statWalk(root: string): string[] {
  const files: string[] = [];
  for (const entry of Deno.readDirSync(root)) {
    const path = `${root}/${entry.name}`;
    if (entry.isDirectory) {
      for (const file of statWalk(path)) files.push(file);
    } else {
      Deno.lstatSync(path);
      files.push(path);
    }
  }
  return files;
}

/** Reads every file below a directory. */
export function readAll(root: string): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (const entry of Deno.readDirSync(root)) {
    const path = `${root}/${entry.name}`;
    if (entry.isDirectory) { for (const value of readAll(path)) values.push(value); }
    else values.push(Deno.readFileSync(path));
  }
  return values;
}

/** One raw nested Txn of plain puts, 64 to a branch. */
export async function rawPuts(
  etcd: Etcd,
  prefix: string,
  values: readonly Uint8Array[],
): Promise<void> {
  const branches = [];
  for (let start = 0; start < values.length; start += 64) {
    const success = values.slice(start, start + 64).map((value, index) => ({
      request_put: { key: Buffer.from(`${prefix}/${start + index}`), value: Buffer.from(value) },
    }));
    branches.push({ request_txn: { compare: [], success, failure: [] } });
  }
  await etcd.txn({ compare: [], success: branches, failure: [] });
}

/** Asks for the keys below a prefix, which must be some. */
export async function keysOnly(etcd: Etcd, prefix: string): Promise<void> {
  const answer = await etcd.range({
    key: Buffer.from(`${prefix}/`),
    range_end: Buffer.from(`${prefix}0`),
    keys_only: true,
  });
  if (answer.kvs.length === 0) throw new Error("nothing to read");
}
