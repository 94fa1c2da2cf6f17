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
 * that this node knows under the same keys. Where it may not see others' fences, an object that is
 * the same has to stand in for them.
 *
 * @param question which etcd, and whose
 * @throws {EtcdError} if etcd fails
 */
export async function judgeAnew(question: AnewQuestion): Promise<AnewVerdict> {
  if (await isVacant(question)) return { isOurs: true, why: "" };
  const fences = await fencesIn(question);
  const objects = fences === "none" ? "unknown" : await compareObjects(question);
  if (objects === "others") {
    return {
      isOurs: false,
      why: "others wrote to it, other objects under the same keys (by their uids)",
    };
  }
  const isOurs = objects === "same" || fences === "found";
  return { isOurs, why: isOurs ? "" : "others wrote to it" };
}

/** An apiserver that went on beside it has filled a new etcd before any importer comes. */
async function isVacant({ etcd, cache }: AnewQuestion): Promise<boolean> {
  for await (const kvs of pagesUnder(etcd, `${cache.identity.prefix}/`, PAGE)) {
    if (kvs.some((kv) => versionOf(kv.mod_revision, kv.value).resourceVersion !== "")) return false;
  }
  return true;
}

/**
 * Whether an edgekeyd has filled it: a node puts its fence in the same Txn as its first keys. A role
 * may let a node read its own fence alone.
 */
async function fencesIn({ etcd }: AnewQuestion): Promise<"found" | "none" | "unreadable"> {
  try {
    const { kvs } = await etcd.range({ ...FENCES, limit: PAGE.limit });
    const isFence = kvs.some(({ key, value }) =>
      FENCE.test(key.toString()) && holderOf(value.toString())
    );
    return isFence ? "found" : "none";
  } catch (error) {
    if (error instanceof EtcdError && error.reason === "permission-denied") return "unreadable";
    throw error;
  }
}

/**
 * Compares by uid what stands there with what this node knows under the same keys. An object that was
 * made anew in the cloud has another one: one that is the same is enough.
 */
async function compareObjects(
  { etcd, cache: { rows } }: AnewQuestion,
): Promise<"same" | "others" | "unknown"> {
  const known = [...rows.values()].filter(({ uid }) => uid !== "");
  const step = Math.max(1, Math.ceil(known.length / SAMPLE));
  let others = 0;
  for (let at = 0; at < known.length; at += step) {
    const { key = "", uid = "" } = known[at] ?? {};
    const { kvs: [found] } = await etcd.range({ key: Buffer.from(key) });
    const there = found ? versionOf(found.mod_revision, found.value).uid : "";
    if (there === uid) return "same";
    if (there !== "") others++;
  }
  return others > 0 ? "others" : "unknown";
}
