import { EtcdError } from "../etcd/mod.ts";
import { type FenceSight, OtherClusterError } from "../store/mod.ts";
import type { AgentClock } from "./agent_clock.ts";
import { askedAgain } from "./asked_again.ts";
import type { Facts } from "./conditions/mod.ts";
import type { Setup } from "./status.ts";

/** etcd is asked for no longer than this when somebody wants to know how fast it is. */
const MEASURE_MS = 2_000;

/** etcd has not answered in time: what it would say is not known yet. */
export const LATE = "late";

/** In how many ms etcd answered; undefined if it failed, or nobody can ask it yet. */
export type Measured = number | typeof LATE | undefined;

/** Told what an answer says beside how long it took, whether or not somebody still waits. */
export interface MeasureActs {
  /** What the fence is, as judgeFence tells it. */
  fenceSeen(kind: string): void;
  /** etcd failed, or is another than this node's. */
  failed(error: EtcdError | OtherClusterError): void;
}

/**
 * Measures how fast etcd answers.
 *
 * @param clock the time
 * @param lookAtFence what is asked; undefined: nobody can ask yet
 * @param acts told what it says
 */
export async function measureEtcd(
  clock: AgentClock,
  lookAtFence: () => Promise<FenceSight | undefined>,
  acts: MeasureActs,
): Promise<Measured> {
  const { promise: late, resolve } = Promise.withResolvers<typeof LATE>();
  const callOff = clock.alarm(MEASURE_MS, () => resolve(LATE));
  try {
    return await Promise.race([answered(clock, lookAtFence, acts), late]);
  } finally {
    callOff();
  }
}

/**
 * What holds while etcd has not answered in time.
 *
 * @param setup names its endpoints
 */
export function lateFacts({ endpoints }: Setup): Pick<Facts, "etcd" | "failure"> {
  const message =
    `etcd at ${endpoints.join()} has not answered for ${MEASURE_MS / 1_000} s; it is ` +
    "stopped, overloaded, or the network drops packets";
  return { etcd: "away", failure: { code: "Etcd", message } };
}

async function answered(
  clock: AgentClock,
  lookAtFence: () => Promise<FenceSight | undefined>,
  acts: MeasureActs,
): Promise<number | undefined> {
  try {
    let askedAtMs = clock.monotonicMs();
    const seen = await askedAgain(() => {
      askedAtMs = clock.monotonicMs();
      return lookAtFence();
    });
    if (seen?.kind) acts.fenceSeen(seen.kind);
    return seen && clock.monotonicMs() - askedAtMs;
  } catch (error) {
    if (!(error instanceof EtcdError || error instanceof OtherClusterError)) throw error;
    acts.failed(error);
    return undefined;
  }
}
