import assert from "node:assert/strict";
import type { Etcd3, IRangeRequest, IRangeResponse, ITxnRequest, ITxnResponse } from "etcd3";
import { CallFailure } from "../../lib/etcd/call_failure.ts";
import { toEtcdError } from "../../lib/etcd/classify.ts";
import { connectUnchecked } from "../../lib/etcd/connect.ts";
import { type Etcd, EtcdError, type RangesResponse } from "../../lib/etcd/mod.ts";
import { EtcdModel } from "../sim/etcd_model.ts";
import { type EtcdTraits, traitsOf } from "../sim/etcd_model_version.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";
import { show } from "./show.ts";

/** The limits that both sides are started with. */
export interface Limits {
  maxTxnOps?: number;
  maxRequestBytes?: number;
  /** The real side's only; the model is told with `setNoSpace`. */
  quotaBackendBytes?: number;
}

/** How a request ended. */
export type Outcome<T> =
  | { readonly answer: T }
  | { readonly reason: EtcdError["reason"]; readonly message: string };

/**
 * A fresh etcd and a fresh model that get the same requests in the same order and must give the
 * same answers, to the last header and word: both count their revisions from 1, so that nothing
 * has to be translated.
 */
export class Lockstep implements AsyncDisposable {
  readonly model: EtcdModel;
  /** The agent's own client of the real one. */
  readonly real: Etcd;
  /** Another client of it, for what the agent does not do. */
  readonly raw: Etcd3;
  readonly traits: EtcdTraits;
  readonly #endpoint: string;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    model: EtcdModel,
    real: Etcd,
    raw: Etcd3,
    traits: EtcdTraits,
    endpoint: string,
    resources: AsyncDisposableStack,
  ) {
    this.model = model;
    this.real = real;
    this.raw = raw;
    this.traits = traits;
    this.#endpoint = endpoint;
    this.#resources = resources;
  }

  /** Starts both. */
  static async start(limits: Limits = {}): Promise<Lockstep> {
    await using stack = new AsyncDisposableStack();
    const { maxTxnOps, maxRequestBytes, quotaBackendBytes } = limits;
    const { endpoint } = stack.use(
      await startEtcd({
        args: [
          ...(maxTxnOps ? [`--max-txn-ops=${maxTxnOps}`] : []),
          ...(maxRequestBytes ? [`--max-request-bytes=${maxRequestBytes}`] : []),
          ...(quotaBackendBytes ? [`--quota-backend-bytes=${quotaBackendBytes}`] : []),
        ],
      }),
    );
    const raw = stack.adopt(rawEtcd(endpoint), (client) => client.close());
    const real = stack.adopt(
      await connectUnchecked({ endpoints: [endpoint], timeoutMs: 10_000 }),
      (client) => client.close(),
    );
    const { header, version } = await raw.maintenance.status();
    const model = new EtcdModel({
      endpoint,
      version,
      clusterId: header.cluster_id,
      memberId: header.member_id,
      raftTerm: header.raft_term,
      ...(maxTxnOps ? { maxTxnOps } : {}),
      ...(maxRequestBytes ? { maxRequestBytes } : {}),
    });
    return new Lockstep(model, real, raw, traitsOf(version), endpoint, stack.move());
  }

  /**
   * Sends a Txn to both.
   *
   * @param note where in the test, for the message if they differ
   * @returns what both said
   */
  async txn(request: ITxnRequest, note?: string): Promise<Outcome<ITxnResponse>> {
    const real = await outcome(this.real.txn(request));
    return alike(real, await outcome(this.model.txn(request)), request, note);
  }

  /** Sends a range to both. @returns what both said */
  async range(request: IRangeRequest, note?: string): Promise<Outcome<IRangeResponse>> {
    const real = await outcome(this.real.range(request));
    return alike(real, await outcome(this.model.range(request)), request, note);
  }

  /** Sends several ranges at once to both. @returns what both said */
  async rangeAll(
    requests: readonly IRangeRequest[],
    note?: string,
  ): Promise<Outcome<RangesResponse>> {
    const real = await outcome(this.real.rangeAll(requests));
    return alike(real, await outcome(this.model.rangeAll(requests)), requests, note);
  }

  /** Compacts both. @returns what both said */
  async compact(revision: number, note?: string): Promise<Outcome<void>> {
    const real = await outcome(this.#compactReal(revision));
    const model = await outcome(Promise.try(() => this.model.compact(revision)));
    return alike(real, model, { compact: revision }, note);
  }

  /** Stops both. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }

  async #compactReal(revision: number): Promise<void> {
    try {
      await this.raw.kv.compact({ revision });
    } catch (error) {
      const [, code, details] = /^(\d+) [A-Z_]+: (.*)$/.exec(String(Object(error).message)) ?? [];
      if (code === undefined || details === undefined) throw error;
      throw toEtcdError(new CallFailure({ code: Number(code), details }), {
        endpoint: this.#endpoint,
      });
    }
  }
}

/** @returns how a call ended; what is no EtcdError is a fault of the test, and thrown on */
export async function outcome<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { answer: await call };
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    return { reason: error.reason, message: error.message };
  }
}

/**
 * Fails unless both ended alike, showing the request and both ends.
 *
 * @returns how it ended
 */
export function alike<T>(
  real: Outcome<T>,
  model: Outcome<T>,
  request: unknown,
  note = "",
): Outcome<T> {
  try {
    assert.deepStrictEqual(model, real);
  } catch {
    assert.fail(
      `${note}\nrequest ${show(request)}\netcd    ${show(real)}\nmodel   ${show(model)}`,
    );
  }
  return model;
}
