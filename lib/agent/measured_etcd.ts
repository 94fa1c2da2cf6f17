import { type Etcd, EtcdError } from "../etcd/mod.ts";

/** What is learned of the calls to etcd. */
export interface EtcdMeter {
  /**
   * A Txn ended.
   *
   * @param outcome what became of the Txn; `compare-failed`: it was answered, and wrote nothing
   * @param seconds how long it took
   * @param bytes its size as it was reckoned; undefined if nobody did
   */
  txn(outcome: TxnOutcome, seconds: number, bytes: number | undefined): void;
  /**
   * A range read, or several in one call, ended.
   *
   * @param seconds how long it took
   */
  range(seconds: number): void;
  /**
   * A call failed.
   *
   * @param call which
   * @param reason an EtcdError's, or `unknown`
   */
  failed(call: EtcdCall, reason: string): void;
}

/** What became of a Txn. */
export const TXN_OUTCOMES = ["applied", "compare-failed", "not-applied", "in-doubt"] as const;

/** One of {@linkcode TXN_OUTCOMES}. */
export type TxnOutcome = typeof TXN_OUTCOMES[number];

/** The calls that are made. */
export const ETCD_CALLS = ["txn", "range", "alarms", "watch"] as const;

/** One of {@linkcode ETCD_CALLS}. */
export type EtcdCall = typeof ETCD_CALLS[number];

/**
 * Measures each call of a client.
 *
 * @param etcd the client
 * @param meter takes the measurements
 * @param monotonicMs a clock that only runs forward
 */
export function measuredEtcd(etcd: Etcd, meter: EtcdMeter, monotonicMs: () => number): Etcd {
  async function measure<T>(
    call: EtcdCall,
    send: () => Promise<T>,
    ended: (answer: T | undefined, seconds: number, error: unknown) => void,
  ): Promise<T> {
    const startMs = monotonicMs();
    const seconds = () => (monotonicMs() - startMs) / 1_000;
    try {
      const answer = await send();
      ended(answer, seconds(), undefined);
      return answer;
    } catch (error) {
      ended(undefined, seconds(), error);
      meter.failed(call, error instanceof EtcdError ? error.reason : "unknown");
      throw error;
    }
  }
  return {
    range: (request) =>
      measure("range", () => etcd.range(request), (_, seconds) => meter.range(seconds)),
    rangeAll: (requests) =>
      measure("range", () => etcd.rangeAll(requests), (_, seconds) => meter.range(seconds)),
    txn: (request, bytes) =>
      measure("txn", () => etcd.txn(request, bytes), (answer, seconds, error) => {
        const answered = answer?.succeeded ? "applied" : "compare-failed";
        const failed = error instanceof EtcdError ? error.outcome : "in-doubt";
        meter.txn(answer ? answered : failed, seconds, bytes);
      }),
    hasNoSpaceAlarm: () => measure("alarms", () => etcd.hasNoSpaceAlarm(), () => {}),
    watch: async (request, told) => {
      const watch = await measure("watch", () => etcd.watch(request, told), () => {});
      watch.ended.then((failure) => failure && meter.failed("watch", failure.reason));
      return watch;
    },
    leases: etcd.leases,
    close: () => etcd.close(),
  };
}
