import type { PastFailure } from "../keycache/mod.ts";
import { ago } from "./ago.ts";
import type { Facts } from "./conditions/mod.ts";

/** What was just looked at of what a pass can fail with. */
export type Seen = Pick<Facts, "failure" | "fence" | "rootFailure">;

/**
 * What the last pass failed with, in words: when that was, and whether it still is so, as far as a
 * look can tell.
 *
 * @param past what is remembered
 * @param seen what was looked at now
 * @param nowMs wall clock
 */
export function lastFailureOf(
  past: PastFailure | undefined,
  seen: Seen,
  nowMs: number,
): Facts["lastFailure"] {
  if (!past) return undefined;
  const { code, message, atMs } = past;
  const when = atMs === undefined ? [] : [`that was ${ago(atMs, nowMs)}`];
  const now = whatIsOver(past, seen);
  const aside = [...when, ...(now === undefined ? [] : [`${now}, so that a new pass is due`])];
  const words = `the last pass failed: ${message}`;
  return { code, words: aside.length > 0 ? `${words} (${aside.join("; ")})` : words };
}

/** What says that the cause is over; undefined if it is not, or nobody can tell but a pass. */
function whatIsOver({ code, isAway }: PastFailure, seen: Seen): string | undefined {
  const etcdAnswers = seen.failure === undefined;
  switch (code) {
    case "Etcd":
      return isAway && etcdAnswers ? "etcd answers now" : undefined;
    case "EtcdConfig":
      return etcdAnswers ? "etcd takes its credentials now" : undefined;
    case "OtherCluster":
      return etcdAnswers ? "the right etcd answers now" : undefined;
    case "Fence":
      return seen.fence?.kind === "in-step" ? "the fence is this node's now" : undefined;
    case "CacheRoot":
      return seen.rootFailure === undefined ? "the cache directory can be read now" : undefined;
    default:
      return undefined;
  }
}
