import { buildTxn, EtcdError } from "../etcd/mod.ts";
import type { Intent } from "../keycache/mod.ts";
import type { StoreContext } from "./context.ts";
import { ContentionError } from "./errors.ts";
import { FenceError } from "./fence_error.ts";
import { type FenceVerdict, judgeFence, mayTakeOver } from "./fence_verdict.ts";
import { checkCluster } from "./home_cluster.ts";
import { type Observation, observe } from "./observe.ts";

/** What recovery found and did. */
export interface Recovery {
  /**
   * - `in-step`: nothing was pending
   * - `applied`: the pending Txn had been applied, its outcome is in the cache now
   * - `fenced-off`: it had not, and no longer can be
   * - `reset`: etcd is empty or older than the cache; all mods are unknown
   * - `adopted`: a lost or rolled-back cache took over the fence
   */
  readonly verdict: "in-step" | "applied" | "fenced-off" | "reset" | "adopted";
  /** For `applied`: the outcome of each entry of the intent. */
  readonly succeeded: readonly boolean[];
  /** etcd's revision when the fence was read, decimal. */
  readonly revision: string;
  /** etcd's cluster id, decimal. */
  readonly clusterId: string;
}

const MAX_ATTEMPTS = 8;
/** Pauses before the fence is read again while etcd does not answer; a leader change takes 1 s. */
const PAUSES_MS = [250, 500, 1_000];

/**
 * Brings cache and etcd to agreement before anything new is written: settles or fences off a
 * pending Txn, notices an etcd that was reset or restored, and refuses to go on when the fence is
 * not this cache's.
 *
 * @param context both sides
 * @param options `adopt`: take over a fence that another life, or a later state of this one, wrote;
 * `allow`: throws if there must be no going on with what was found; nothing was written then
 * @throws {FenceError} if the fence is not this cache's, and `adopt` is not set or this life has
 * taken over a fence before
 * @throws {OtherClusterError} if it is another etcd than the one that this cache is about
 * @throws {EtcdError} if etcd does not answer; what is pending stays pending
 */
export async function recover(
  context: StoreContext,
  options: {
    adopt?: boolean;
    allow?: (verdict: FenceVerdict, clusterId: string) => void;
  } = {},
): Promise<Recovery> {
  const { cache } = context;
  const { life, fenceKey } = cache.identity;
  let refusal: EtcdError | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const intent = cache.intent;
    const seen = await observePatiently(context, intent);
    const verdict = judgeFence(seen.fence, life, cache.fence, intent?.header);
    options.allow?.(verdict, seen.clusterId);
    await checkCluster(context, seen);
    const done = (kind: Recovery["verdict"], succeeded: readonly boolean[] = []): Recovery => ({
      verdict: kind,
      succeeded,
      revision: seen.revision,
      clusterId: seen.clusterId,
    });
    const seq = intent ? intent.header.seq + 1 : cache.fence.seq;
    // What was expected so far may come back with a restore, and must be known as older.
    const beyond = seq + 1;
    switch (verdict.kind) {
      case "in-step":
        return done("in-step");
      case "applied": {
        const succeeded = outcomeOf(intent, seen);
        // A bump may have been sent as well.
        const overtaken = overtakenIn(intent, seen);
        await cache.settle(succeeded, seen.fenceMod, { seq: beyond, overtaken });
        return done("applied", succeeded);
      }
      case "not-applied":
        // Refused before (out of space, say), and rightly so: the fence has not moved since.
        if (refusal?.reason === "no-space") throw refusal;
        if (intent) refusal = await killPendingTxn(context, intent);
        break;
      case "fenced-off":
        await cache.giveUp({ expected: seen.fence, seq });
        return done("fenced-off");
      case "reset":
        await cache.giveUp({
          expected: seen.fence,
          seq: beyond,
          newEpoch: true,
          ...(verdict.seq === undefined ? {} : { redoDeletesAfter: verdict.seq }),
        });
        return done("reset");
      case "rolled-back":
      case "other-life":
        if (!options.adopt || !mayTakeOver(verdict, cache.fence)) {
          throw new FenceError(verdict.kind, fenceKey, { life, verdict, state: cache.fence });
        }
        await cache.giveUp({
          expected: seen.fence,
          seq: verdict.kind === "rolled-back" ? Math.max(beyond, verdict.holder?.seq ?? 0) : beyond,
          newEpoch: true,
          adopting: true,
          tookOver: verdict.holder ?? { life: "", seq: 0 },
        });
        return done("adopted");
    }
  }
  throw refusal ?? new ContentionError(`the pending Txn of ${fenceKey} could not be settled`);
}

/** Reads fence and the pending keys; waits out a short absence of etcd, but no longer. */
async function observePatiently(
  context: StoreContext,
  intent: Intent | undefined,
): Promise<Observation> {
  const keys = (intent?.entries ?? []).filter((entry) => entry.action !== "keep");
  for (const pauseMs of [...PAUSES_MS, undefined]) {
    try {
      return await observe(context, keys.map((entry) => entry.key));
    } catch (error) {
      const passing = error instanceof EtcdError &&
        (error.reason === "unreachable" || error.reason === "unavailable");
      if (!passing || pauseMs === undefined) throw error;
      await context.clock.sleep(pauseMs);
    }
  }
  throw new Error("unreachable");
}

/**
 * An applied Txn wrote a key if and only if the key's mod is the fence's, and deleted one if the
 * key is gone; every other guard failed.
 */
function outcomeOf(intent: Intent | undefined, seen: Observation): boolean[] {
  return (intent?.entries ?? []).map(({ action, key }) => {
    if (action === "put") return seen.mods.get(key) === seen.fenceMod;
    return action === "keep" || !seen.mods.has(key);
  });
}

/** What an applied Txn may have put though another's hand is seen there now: it came later. */
function overtakenIn(intent: Intent | undefined, { mods, fenceMod }: Observation): Set<string> {
  const overtaken = new Set<string>();
  for (const { action, key } of intent?.entries ?? []) {
    const mod = mods.get(key);
    if (action === "put" && (mod === undefined || BigInt(mod) > BigInt(fenceMod))) {
      overtaken.add(key);
    }
  }
  return overtaken;
}

/**
 * Moves the fence from under the pending Txn; whether that worked is read from the fence.
 *
 * @returns why it may not have
 */
async function killPendingTxn(
  context: StoreContext,
  { header }: Intent,
): Promise<EtcdError | undefined> {
  const fence = {
    key: context.cache.identity.fenceKey,
    expected: header.expected,
    next: header.bump,
  };
  try {
    await context.etcd.txn(buildTxn(fence, [], context.maxTxnOps));
  } catch (error) {
    if (!(error instanceof EtcdError) || error.outcome === "not-applied") throw error;
    return error;
  }
}
