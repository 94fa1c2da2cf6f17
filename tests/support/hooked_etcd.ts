import assert from "node:assert/strict";
import type { IRangeRequest, IRangeResponse, ITxnRequest, ITxnResponse } from "etcd3";
import {
  type Etcd,
  EtcdError,
  type KeyWatch,
  type RangesResponse,
  type WatchEvent,
  type WatchRequest,
} from "../../lib/etcd/mod.ts";

/** What happens to one Txn instead of being sent and answered. */
export type TxnHook = (
  send: () => Promise<ITxnResponse>,
  request: ITxnRequest,
) => Promise<ITxnResponse>;

/** What happens to one read of values instead of being sent and answered. */
export type ValuesHook = (
  send: () => Promise<RangesResponse>,
  requests: readonly IRangeRequest[],
) => Promise<RangesResponse>;

/** The Txn is applied, and its answer lost. */
export const loseAnswer: TxnHook = async (send) => {
  await send();
  throw new EtcdError("unavailable", "the answer was lost");
};

/** The Txn is lost on its way; nobody can tell that from a lost answer. */
export const loseRequest: TxnHook = () => {
  throw new EtcdError("unavailable", "the request was lost");
};

/** No connection was established: nothing was sent, for certain. */
export const unreachable = (): Promise<never> => {
  throw new EtcdError("unreachable", "nobody listens");
};

/** The process dies before the Txn is sent. */
export const dieBefore: TxnHook = () => {
  throw new Error("died before the Txn");
};

/** The process dies once the Txn is applied. */
export const dieAfter: TxnHook = async (send) => {
  await send();
  throw new Error("died after the Txn");
};

/** A Txn that is still on its way while its sender has given up waiting. */
export interface DelayedTxn {
  readonly hook: TxnHook;
  /** Lets it arrive at last. */
  arrive(): Promise<ITxnResponse>;
}

/** The Txn hangs in the network; its sender sees a time-out. */
export function delay(): DelayedTxn {
  let arrive: (() => Promise<ITxnResponse>) | undefined;
  return {
    hook(send) {
      arrive = send;
      throw new EtcdError("timeout", "no answer in time");
    },
    arrive() {
      if (!arrive) throw new Error("nothing was sent");
      return arrive();
    },
  };
}

/**
 * A real etcd on which the next Txns fail as a test says. Each Txn is held to `--max-txn-ops`, as
 * this client was told it is, whatever the etcd behind it takes.
 */
export class HookedEtcd implements Etcd {
  readonly #etcd: Etcd;
  readonly #maxTxnOps: number;
  readonly #hooks: TxnHook[] = [];
  readonly #valuesHooks: ValuesHook[] = [];
  /** All Txns that were sent or meant to be. */
  readonly txns: ITxnRequest[] = [];
  /** Sizes of those Txns, as they were reckoned. */
  readonly txnBytes: number[] = [];
  /** All ranges that were read. */
  readonly ranges: IRangeRequest[] = [];

  constructor(etcd: Etcd, maxTxnOps: number) {
    this.#etcd = etcd;
    this.#maxTxnOps = maxTxnOps;
  }

  /** What happens to the next Txns, one hook each; those after them go through. */
  next(...hooks: TxnHook[]): void {
    this.#hooks.push(...hooks);
  }

  /** What happens to the next reads of values that are no Txn of the fence's, one hook each. */
  nextValues(...hooks: ValuesHook[]): void {
    this.#valuesHooks.push(...hooks);
  }

  range(request: IRangeRequest): Promise<IRangeResponse> {
    this.ranges.push(request);
    return this.#etcd.range(request);
  }

  rangeAll(requests: readonly IRangeRequest[]): Promise<RangesResponse> {
    assert.ok(requests.length <= this.#maxTxnOps, `${requests.length} ranges in one Txn`);
    this.ranges.push(...requests);
    const send = () => this.#etcd.rangeAll(requests);
    const areValues = requests.every((request) => !request.keys_only);
    return areValues ? this.#valuesHooks.shift()?.(send, requests) ?? send() : send();
  }

  async txn(request: ITxnRequest, bytes?: number): Promise<ITxnResponse> {
    this.txns.push(request);
    this.txnBytes.push(bytes ?? 0);
    assert.ok(pathOps(request) <= this.#maxTxnOps, `${pathOps(request)} operations down a path`);
    const send = () => this.#etcd.txn(request, bytes);
    return await (this.#hooks.shift()?.(send, request) ?? send());
  }

  hasNoSpaceAlarm(): Promise<boolean> {
    return this.#etcd.hasNoSpaceAlarm();
  }

  watch(request: WatchRequest, told: (event: WatchEvent) => void): Promise<KeyWatch> {
    return this.#etcd.watch(request, told);
  }

  close(): void {}
}

/**
 * What etcd holds against `--max-txn-ops`: max(compares, successes, failures), summed down the
 * longest path of nested Txns.
 */
export function pathOps({ compare = [], success = [], failure = [] }: ITxnRequest): number {
  const below = [...success, ...failure].map((op) => op.request_txn ? pathOps(op.request_txn) : 0);
  return Math.max(compare.length, success.length, failure.length) + Math.max(0, ...below);
}
