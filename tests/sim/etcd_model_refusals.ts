import { CallFailure } from "../../lib/etcd/call_failure.ts";

/** Every refusal of etcd that the model knows, in etcd's own code and words. */
const REFUSALS = {
  emptyKey: [3, "etcdserver: key is not provided"],
  keyNotFound: [3, "etcdserver: key not found"],
  valueProvided: [3, "etcdserver: value is provided"],
  leaseProvided: [3, "etcdserver: lease is provided"],
  duplicateKey: [3, "etcdserver: duplicate key given in txn request"],
  tooManyOps: [3, "etcdserver: too many operations in txn request"],
  tooLarge: [3, "etcdserver: request is too large"],
  leaseNotFound: [5, "etcdserver: requested lease not found"],
  farTooLarge: [8, "grpc: received message larger than max"],
  noSpace: [8, "etcdserver: mvcc: database space exceeded"],
  futureRevision: [11, "etcdserver: mvcc: required revision is a future revision"],
  compacted: [11, "etcdserver: mvcc: required revision has been compacted"],
} as const satisfies Record<string, readonly [code: number, details: string]>;

/** A refusal on its way: what etcd's server would put into the status of the call. */
export class Refusal extends CallFailure {
  override name = "Refusal";

  /**
   * @param refusal which one
   * @param more what etcd adds to its words
   */
  constructor(refusal: keyof typeof REFUSALS, more = "") {
    const [code, details] = REFUSALS[refusal];
    super({ code, details: details + more });
  }
}
