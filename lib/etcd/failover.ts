import { deadlineIn, msUntil } from "./deadline.ts";
import { EtcdError, type EtcdErrorReason } from "./errors.ts";

/** Reasons that lie with the endpoint; the others would be the same at the next. */
const ENDPOINT_FAILED: ReadonlySet<EtcdErrorReason> = new Set([
  "unreachable",
  "timeout",
  "unavailable",
  "learner",
  "not-etcd",
]);

/** Something with an address. */
interface Target {
  readonly endpoint: string;
}

/**
 * Which endpoint a call goes to: the one that answered last, or another at random when nothing
 * is known, so that a fleet spreads over the members.
 */
export class Failover<T extends Target> {
  readonly #targets: readonly T[];
  #preferred: number;

  /** @param targets one or more */
  constructor(targets: readonly T[]) {
    this.#targets = targets;
    this.#preferred = Math.floor(Math.random() * targets.length);
  }

  /** Where the next call goes first: where the last one was answered. */
  get preferred(): T | undefined {
    return this.#targets[this.#preferred];
  }

  /**
   * Tries each endpoint at most once. What is idempotent goes on to the next after any failure of
   * an endpoint, and leaves each its share of the time; anything else goes on only if nothing was
   * sent or it was refused, and gets all the time there is. A failure is remembered, so that the next call starts
   * elsewhere.
   *
   * @param deadline of all attempts together, as {@linkcode deadlineIn} counts
   * @param idempotent whether it may reach etcd twice
   * @param attempt one attempt at one endpoint, with a deadline of its own
   * @throws {EtcdError} of the last endpoint tried; its message names the others
   */
  async run<R>(
    deadline: number,
    idempotent: boolean,
    attempt: (target: T, deadline: number) => Promise<R>,
  ): Promise<R> {
    const count = this.#targets.length;
    const order = [
      ...this.#targets.slice(this.#preferred),
      ...this.#targets.slice(0, this.#preferred),
    ];
    const failed: string[] = [];
    for (const [tried, target] of order.entries()) {
      const until = idempotent ? deadlineIn(msUntil(deadline) / (count - tried)) : deadline;
      try {
        const answer = await attempt(target, until);
        this.#preferred = this.#targets.indexOf(target);
        return answer;
      } catch (error) {
        if (!(error instanceof EtcdError) || !ENDPOINT_FAILED.has(error.reason)) throw error;
        this.#preferred = (this.#targets.indexOf(target) + 1) % count;
        const last = tried === count - 1 || msUntil(deadline) <= 0;
        const mayGoOn = idempotent || error.outcome === "not-applied";
        if (last || !mayGoOn) throw alsoTried(error, failed);
        failed.push(`${target.endpoint} (${error.reason})`);
      }
    }
    throw new EtcdError("unreachable", "no etcd endpoint is configured");
  }
}

function alsoTried(error: EtcdError, others: readonly string[]): EtcdError {
  if (others.length === 0) return error;
  return new EtcdError(error.reason, `${error.message}; tried before: ${others.join(", ")}`, {
    cause: error,
  });
}
