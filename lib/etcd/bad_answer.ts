import { EtcdError } from "./errors.ts";

/**
 * The error for an answer that no etcd gives.
 *
 * @param what was asked for, as `a range`
 * @returns a `bad-answer`, which leaves a Txn in doubt
 */
export function badAnswer(what: string): EtcdError {
  return new EtcdError(
    "bad-answer",
    `the answer to ${what} makes no sense: check that --etcd-servers names etcd itself, or a ` +
      "proxy that passes its answers on as they are",
  );
}
