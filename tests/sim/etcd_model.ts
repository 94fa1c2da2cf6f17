import type {
  IKeyValue,
  IRangeRequest,
  IRangeResponse,
  IResponseHeader,
  ITxnRequest,
  ITxnResponse,
} from "etcd3";
import { toEtcdError } from "../../lib/etcd/classify.ts";
import type {
  Etcd,
  KeyWatch,
  RangesResponse,
  WatchEvent,
  WatchRequest,
} from "../../lib/etcd/mod.ts";
import {
  checkForm,
  checkKey,
  checkOverlaps,
  costsSpace,
  raftSize,
  txnSize,
} from "./etcd_model_limits.ts";
import { answerRange, keyValue } from "./etcd_model_range.ts";
import { Refusal } from "./etcd_model_refusals.ts";
import { isWrite } from "./etcd_model_request.ts";
import { RevisionStore, type StoreSnapshot } from "./etcd_model_store.ts";
import { runTxn } from "./etcd_model_txn.ts";
import { type EtcdTraits, traitsOf } from "./etcd_model_version.ts";
import { EtcdModelWatches } from "./etcd_model_watch.ts";

/** What an etcd is started with. */
export interface EtcdModelOptions {
  /** Where its errors say that it is. */
  endpoint?: string;
  /** Which etcd it answers like, where they differ; by default a recent one. */
  version?: string;
  /** As in the header of each answer, like the next two. */
  clusterId?: string;
  memberId?: string;
  raftTerm?: string;
  /** `--max-txn-ops` */
  maxTxnOps?: number;
  /** `--max-request-bytes` */
  maxRequestBytes?: number;
}

/**
 * How the space quota stands.
 *
 * - `free`: there is space
 * - `full`: a Txn with a put at its root (in older etcds, any Txn) is refused before anything else
 *   is looked at
 * - `filling`: the next such Txn is applied, and yet answered as if refused; from then on it is
 *   `full`. So it goes if the quota is crossed between etcd's two looks at it.
 */
export type SpaceState = "free" | "full" | "filling";

/** What grpc lets through beyond `--max-request-bytes`, before etcd says no by itself. */
const GRPC_OVERHEAD_BYTES = 512 * 1024;

/**
 * An etcd in memory for the simulator. It answers ranges and Txns as a real one does through
 * etcd3, refusals included (tests/conformance holds it to that), at once and always alike. Each
 * call runs when it is made; who wants it late, lost or twice wraps it.
 *
 * What it leaves out: leases (a put that names one is refused, since there is none), authentication, and the limit of the client on the size of an answer.
 */
export class EtcdModel implements Etcd {
  readonly #options: Required<EtcdModelOptions>;
  readonly #traits: EtcdTraits;
  readonly #watches = new EtcdModelWatches();
  readonly #store = new RevisionStore((states, at) => this.#watches.committed(states, at));
  #space: SpaceState = "free";

  /** @param options by default those of an etcd of one member with no flags */
  constructor(options: EtcdModelOptions = {}) {
    this.#options = {
      endpoint: "http://127.0.0.1:2379",
      version: "3.6.6",
      clusterId: "14841639068965178418",
      memberId: "10276657743932975437",
      raftTerm: "2",
      maxTxnOps: 128,
      maxRequestBytes: 1.5 * 1024 * 1024,
      ...options,
    };
    this.#traits = traitsOf(this.#options.version);
  }

  range(request: IRangeRequest): Promise<IRangeResponse> {
    return Promise.try(() =>
      this.#said(() => {
        checkKey(request);
        return { ...answerRange(this.#store, request, false), header: this.#header() };
      })
    );
  }

  async rangeAll(requests: readonly IRangeRequest[]): Promise<RangesResponse> {
    const { header, responses } = await this.txn({
      success: requests.map((request) => ({ request_range: request })),
    });
    return { header, answers: responses.map((one) => one.response_range) };
  }

  txn(request: ITxnRequest): Promise<ITxnResponse> {
    return Promise.try(() => this.#said(() => this.#txn(request)));
  }

  hasNoSpaceAlarm(): Promise<boolean> {
    return Promise.resolve(this.#space === "full");
  }

  watch(request: WatchRequest, told: (event: WatchEvent) => void): Promise<KeyWatch> {
    return Promise.resolve(this.#watches.begin(request, told, this.#header()));
  }

  /** Does nothing: the model stands for the server, which outlives its clients. */
  close(): void {}

  /** The current revision. */
  get revision(): number {
    return this.#store.revision;
  }

  /** @returns every key that is there now, in order */
  dump(): IKeyValue[] {
    return this.#store.range({ begin: "", end: "" }).map((stored) => keyValue(stored));
  }

  /** A foreign writer puts a key. @returns its mod revision */
  put(key: string, value: string | Uint8Array): number {
    this.#store.put(Buffer.from(key).toString("latin1"), Buffer.from(value));
    this.#store.commit();
    return this.revision;
  }

  /** A foreign writer deletes a key. @returns whether it was there */
  delete(key: string): boolean {
    const begin = Buffer.from(key).toString("latin1");
    const deleted = this.#store.delete({ begin, end: undefined });
    this.#store.commit();
    return deleted > 0;
  }

  /**
   * Compacts the history.
   *
   * @param revision the oldest one that stays readable
   * @throws {EtcdError} if it is compacted already, or in the future
   */
  compact(revision: number): void {
    this.#said(() => {
      if (revision <= this.#store.compacted) throw new Refusal("compacted");
      if (revision > this.revision) throw new Refusal("futureRevision");
      this.#store.compact(revision);
    });
  }

  /** @returns all data as it is now, as `etcdctl snapshot save` would keep it */
  snapshot(): StoreSnapshot {
    return this.#store.snapshot();
  }

  /** Goes back to a snapshot, its revision included; the same cluster id. */
  restore(snapshot: StoreSnapshot): void {
    this.#store.restore(snapshot);
    this.#watches.endAll();
  }

  /** Empties it, as if its data directory were wiped; the same cluster id, revision 1. */
  reset(): void {
    this.#store.restore();
    this.#watches.endAll();
    this.#space = "free";
  }

  /** Whoever watched has lost it, as if etcd had been started anew. */
  cutWatches(): void {
    this.#watches.endAll();
  }

  /** Sets how the space quota stands. */
  setNoSpace(state: SpaceState): void {
    this.#space = state;
  }

  /** Runs a call, and makes of a refusal what the client makes of it. */
  #said<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw toEtcdError(error, { endpoint: this.#options.endpoint });
    }
  }

  #header(): IResponseHeader {
    return {
      cluster_id: this.#options.clusterId,
      member_id: this.#options.memberId,
      revision: String(this.revision),
      raft_term: this.#options.raftTerm,
    };
  }

  #txn(request: ITxnRequest): ITxnResponse {
    const { maxRequestBytes, maxTxnOps, memberId } = this.#options;
    const size = txnSize(request);
    const received = maxRequestBytes + GRPC_OVERHEAD_BYTES;
    if (size > received) throw new Refusal("farTooLarge", ` (${size} vs. ${received})`);
    const needsSpace = this.#traits.quotaStopsEveryTxn || costsSpace(request);
    if (this.#space === "full" && needsSpace) throw new Refusal("noSpace");
    checkForm(request, maxTxnOps);
    checkOverlaps(request.success);
    checkOverlaps(request.failure);
    if (isWrite(request) && raftSize(size, memberId) > maxRequestBytes) {
      throw new Refusal("tooLarge");
    }

    const answer = runTxn(this.#store, request, this.#traits.checksPutsFirst);
    if (this.#space === "filling" && needsSpace) {
      this.#space = "full";
      throw new Refusal("noSpace");
    }
    return { ...answer, header: this.#header() };
  }
}
