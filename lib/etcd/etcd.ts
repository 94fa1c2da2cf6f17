import type { Leases } from "./leases.ts";
import type { KeyWatch, WatchEvent, WatchRequest } from "./key_watch.ts";
import type {
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
} from "./messages.ts";

/** What several ranges hold, all at one moment. */
export interface RangesResponse {
  /** Which cluster answers, and at which revision. */
  readonly header: ResponseHeader;
  /** One for each range, in the order in which they were asked for. */
  readonly answers: readonly RangeResponse[];
}

/**
 * The narrow part of etcd's v3 API that edgekeyd uses. The real client and the in-memory model of the simulator both implement it.
 *
 * Every method makes exactly one attempt, ends within its deadline, and throws an EtcdError.
 */
export interface Etcd {
  /**
   * One linearizable range read.
   *
   * @param request key, range_end, limit, revision, keys_only
   * @returns etcd's answer, held against the request
   * @throws {EtcdError} on any failure; `compacted` if the revision is gone
   */
  range(request: RangeRequest): Promise<RangeResponse>;
  /**
   * Several linearizable range reads in one round trip, at one moment: a Txn that only reads, so
   * that nothing goes through etcd's log.
   *
   * @param requests as for {@linkcode Etcd.range}, one or more; no more than `--max-txn-ops`
   * @returns etcd's answers, held against the requests
   * @throws {EtcdError} on any failure; `compacted` if a revision is gone
   */
  rangeAll(requests: readonly RangeRequest[]): Promise<RangesResponse>;
  /**
   * One Txn, nested or not.
   *
   * @param request the Txn
   * @param bytes an upper bound of its encoded size; the deadline grows with it
   * @returns etcd's answer, held against the request
   * @throws {EtcdError} on any failure; its `outcome` tells whether it may have been applied
   */
  txn(request: TxnRequest, bytes?: number): Promise<TxnResponse>;
  /**
   * Asks whether etcd is out of space.
   *
   * @returns true while the cluster has raised its NOSPACE alarm
   * @throws {EtcdError} on any failure
   */
  hasNoSpaceAlarm(): Promise<boolean>;
  /**
   * Watches from now on. A watch that has ended is not taken up where it was: an etcd that came back
   * empty would see nothing until it is as old as the one before.
   *
   * @param request what to watch
   * @param told called with each event, in order
   * @returns the watch, once etcd has begun it
   * @throws {EtcdError} on any failure until then
   */
  watch(request: WatchRequest, told: (event: WatchEvent) => void): Promise<KeyWatch>;
  /** Leases; the simulator's model has none, since nothing that is decided goes by them. */
  readonly leases?: Leases | undefined;
  /** Frees the connections and ends the watches; no call may follow. */
  close(): void;
}
