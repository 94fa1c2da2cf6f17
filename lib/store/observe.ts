import { Buffer } from "node:buffer";
import { type Etcd, EtcdError, type KeyValue, type VacantSpan } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { halved, KEYS_A_PAGE, restartingIfCompacted } from "./pages.ts";
import { askedTogether, questionsOf, replyTo, requestOf } from "./questions.ts";

/** The fence as etcd held it at one revision. */
export interface FenceReading {
  /** The fence's value; null if it does not exist. */
  readonly fence: string | null;
  /** The fence's mod revision; "0" if it does not exist. */
  readonly fenceMod: string;
  /** The revision that it was read at, decimal. */
  readonly revision: string;
  /** etcd's cluster id, decimal. */
  readonly clusterId: string;
}

/** What etcd held at one revision. */
export interface Observation extends FenceReading {
  /** Mod revisions by key; a key that was asked for and is not here does not exist. */
  readonly mods: ReadonlyMap<string, string>;
  /** Spans from one key that was asked for to another, in which there is nothing at all. */
  readonly vacant: readonly VacantSpan[];
}

/** What is needed to look at etcd. */
export interface Observer {
  /** Where. */
  readonly etcd: Etcd;
  /** Says where the fence is, and the keys' prefix. */
  readonly cache: Pick<ComponentKeyCache, "identity">;
  /** etcd's `--max-txn-ops`. */
  readonly maxTxnOps: number;
}

/**
 * Reads the fence.
 *
 * @param etcd where
 * @param fenceKey its key
 * @throws {EtcdError} if etcd fails
 */
export async function readFence(etcd: Etcd, fenceKey: string): Promise<FenceReading> {
  const { header, kvs } = await etcd.range({ key: Buffer.from(fenceKey) });
  return {
    ...fenceOf(kvs),
    revision: header.revision,
    clusterId: header.cluster_id,
  };
}

/**
 * Reads fence and mod revisions, keys only, at one revision. Others' keys are passed over: no more
 * are read than eight for each key that is asked for, however many there are.
 *
 * @param context both sides
 * @param keys what to look for
 * @throws {EtcdError} if etcd fails, or compacts faster than it can be read
 */
export async function observe(
  context: Observer,
  keys: Iterable<string>,
): Promise<Observation> {
  const wanted = new Set(keys);
  return await restartingIfCompacted(() => observeOnce(context, wanted));
}

async function observeOnce(
  { etcd, cache, maxTxnOps }: Observer,
  keys: ReadonlySet<string>,
): Promise<Observation> {
  const { fenceKey, prefix } = cache.identity;
  const seen = await readFence(etcd, fenceKey);
  const { revision } = seen;
  const mods = new Map<string, string>();
  const vacant: VacantSpan[] = [];
  const questions = questionsOf(keys, prefix);
  for (let maxKeys = KEYS_A_PAGE; questions.length > 0;) {
    // The fence takes the place of one.
    const asked = questions.splice(0, askedTogether(questions, maxTxnOps - 1, maxKeys));
    const requests = [
      { key: Buffer.from(fenceKey) },
      ...asked.map((question) => requestOf(question, maxKeys)),
    ];
    try {
      const { header, answers } = await etcd.rangeAll(
        requests.map((one) => ({ ...one, revision })),
      );
      const [fence, ...others] = answers;
      // An etcd that was restored meanwhile, and has grown again, answers from another past.
      const isSame = header.cluster_id === seen.clusterId &&
        isSameFence(seen, fenceOf(fence?.kvs ?? []));
      if (!isSame) {
        throw new EtcdError("compacted", "etcd was restored to an older state while it was read");
      }
      for (const [index, question] of asked.entries()) {
        const answer = others[index];
        if (!answer) continue;
        const reply = replyTo(question, answer);
        for (const [key, mod] of reply.mods) mods.set(key, mod);
        vacant.push(...reply.vacant);
        for (const further of reply.further) questions.push(further);
      }
    } catch (error) {
      maxKeys = halved(maxKeys, error);
      questions.unshift(...asked);
    }
  }
  return { ...seen, mods, vacant };
}

function fenceOf([fence]: readonly KeyValue[]): Pick<FenceReading, "fence" | "fenceMod"> {
  return fence
    ? { fence: fence.value.toString(), fenceMod: fence.mod_revision }
    : { fence: null, fenceMod: "0" };
}

function isSameFence(
  one: Pick<FenceReading, "fence" | "fenceMod">,
  other: Pick<FenceReading, "fence" | "fenceMod">,
): boolean {
  return one.fence === other.fence && one.fenceMod === other.fenceMod;
}
