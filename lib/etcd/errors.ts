import { EdgekeydError } from "../errors.ts";

/**
 * Why an etcd call failed, as far as anyone can act on it.
 *
 * - `unreachable`: no connection was established, nothing was sent
 * - `timeout`: the deadline passed
 * - `unavailable`: the call was cut off or the cluster had no leader
 * - `learner`: this member only learns what the cluster holds, and serves nobody
 * - `not-etcd`: what answers is no etcd, or one that can't do what is needed
 * - `two-clusters`: the endpoints belong to different clusters
 * - `tls`: the handshake failed (certificates)
 * - `unauthenticated`: user name, password or token refused
 * - `permission-denied`: the role may not do this
 * - `too-large`: the request exceeds `--max-request-bytes`
 * - `too-many-ops`: the request exceeds `--max-txn-ops`
 * - `invalid`: etcd refused the request as malformed
 * - `no-space`: the backend quota is exceeded (NOSPACE)
 * - `corrupt`: the members of the cluster differ (CORRUPT)
 * - `compacted`: the revision that was asked for is gone
 * - `answer-too-large`: the answer exceeds what this client accepts
 * - `bad-answer`: what came is no answer of an etcd to what was asked
 * - `unknown`: anything else
 */
export const ETCD_ERROR_REASONS = [
  "unreachable",
  "timeout",
  "unavailable",
  "learner",
  "not-etcd",
  "two-clusters",
  "tls",
  "unauthenticated",
  "permission-denied",
  "too-large",
  "too-many-ops",
  "invalid",
  "no-space",
  "corrupt",
  "compacted",
  "answer-too-large",
  "bad-answer",
  "unknown",
] as const;

/** One of {@linkcode ETCD_ERROR_REASONS}. */
export type EtcdErrorReason = typeof ETCD_ERROR_REASONS[number];

/** Reasons after which a Txn is known not to have been applied. */
const DEFINITE: ReadonlySet<EtcdErrorReason> = new Set([
  "unreachable",
  "learner",
  "not-etcd",
  "two-clusters",
  "tls",
  "unauthenticated",
  "permission-denied",
  "too-large",
  "too-many-ops",
  "invalid",
  "corrupt",
  "compacted",
]);

/** A failed etcd call. */
export class EtcdError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "EtcdError";
  /** What a caller acts on. */
  readonly reason: EtcdErrorReason;

  /**
   * Makes it; its code is `Etcd`.
   *
   * @param reason what to act on
   * @param message what, which endpoint, what to do; one line
   * @param options the error of the client underneath
   */
  constructor(reason: EtcdErrorReason, message: string, options?: ErrorOptions) {
    super("Etcd", message, options);
    this.reason = reason;
  }

  /** `not-applied` if it is certain that a Txn left no trace, else `in-doubt`. */
  get outcome(): "not-applied" | "in-doubt" {
    return DEFINITE.has(this.reason) ? "not-applied" : "in-doubt";
  }
}
