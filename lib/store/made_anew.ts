import { Buffer } from "node:buffer";
import { type Etcd, EtcdError } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { holderOf } from "./fence_verdict.ts";
import { pagesUnder } from "./pages.ts";
import { versionOf } from "./value_version.ts";

/** Which etcd, and what its node has put. */
export interface AnewQuestion {
  readonly etcd: Etcd;
  readonly cache: ComponentKeyCache;
}

/** What an etcd holds that took the place of the one that a node wrote to. */
export interface AnewVerdict {
  /** Nothing speaks against it being this pool's, made anew. */
  readonly isOurs: boolean;
  /** What does, if something does. */
  readonly why: string;
}

/** Values a page; one that shows an importer ends it. */
const PAGE = { limit: 200, keysOnly: false };
/** Where the fences of all nodes stand. */
const FENCES = { key: Buffer.from("/edgekeyd/"), range_end: Buffer.from("/edgekeyd0") };
const FENCE = /^\/edgekeyd\/[^/]+\/fence$/;
/** So many keys of a node tell whose objects they are, one by one. */
const SAMPLE = 32;

/**
 * Judges an etcd that answers where this node's own did, is another cluster, and does not hold its
 * fence. It is the pool's own, made anew, if no importer has written to it. It is so, too, if
 * other nodes' edgekeyds have filled it already, unless what they put are other objects than those
 * that this node knows under the same keys.
 *
 * @param question which etcd, and whose
 * @throws {EtcdError} if etcd fails
 */
export async function judgeAnew(question: AnewQuestion): Promise<AnewVerdict> {
  if (await isVacant(question)) return { isOurs: true, why: "" };
  if (!(await hasFences(question))) {
    return { isOurs: false, why: "others wrote to it" };
  }
  return await hasOtherObjects(question)
    ? {
      isOurs: false,
      why: "others wrote to it, other objects under the same keys (by their uids)",
    }
    : { isOurs: true, why: "" };
}

/** An apiserver that went on beside it has filled a new etcd before any importer comes. */
async function isVacant({ etcd, cache }: AnewQuestion): Promise<boolean> {
  for await (const kvs of pagesUnder(etcd, `${cache.identity.prefix}/`, PAGE)) {
    if (kvs.some((kv) => versionOf(kv.mod_revision, kv.value).resourceVersion !== "")) return false;
  }
  return true;
}

/** A node fills an etcd and puts its fence in one Txn. */
async function hasFences({ etcd }: AnewQuestion): Promise<boolean> {
  try {
    const { kvs } = await etcd.range({ ...FENCES, limit: PAGE.limit });
    return kvs.some(({ key, value }) => FENCE.test(key.toString()) && holderOf(value.toString()));
  } catch (error) {
    // A role may let a node read its own fence alone: then nothing can be told.
    if (error instanceof EtcdError && error.reason === "permission-denied") return false;
    throw error;
  }
}

/** An object that was made anew in the cloud has another uid: one that is the same is enough. */
async function hasOtherObjects({ etcd, cache: { rows } }: AnewQuestion): Promise<boolean> {
  const known = [...rows.values()].filter(({ uid }) => uid !== "");
  const step = Math.max(1, Math.floor(known.length / SAMPLE));
  let others = 0;
  for (let at = 0; at < known.length; at += step) {
    const { key = "", uid = "" } = known[at] ?? {};
    const { kvs: [found] } = await etcd.range({ key: Buffer.from(key) });
    const there = found ? versionOf(found.mod_revision, found.value).uid : "";
    if (there === uid) return false;
    if (there !== "") others++;
  }
  return others > 0;
}
