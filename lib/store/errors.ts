import { EdgekeydError } from "../errors.ts";

/** The fence says that this cache must not write; see {@linkcode judgeFence}. */
export class FenceError extends EdgekeydError {
  override name = "FenceError";
  readonly verdict: "rolled-back" | "other-life";

  /**
   * @param verdict what the fence says
   * @param fenceKey where the fence is
   */
  constructor(verdict: "rolled-back" | "other-life", fenceKey: string) {
    const what = verdict === "rolled-back"
      ? "the state directory is older than etcd (it was rolled back)"
      : "another state directory wrote to etcd under this node name: it was lost, or another " +
        "agent uses the name";
    super(
      "Fence",
      `${what} (fence ${fenceKey}); stop the other agent if there is one, then run ` +
        "`edgekeyd --reconcile --adopt` to take over what the fs cache holds",
    );
    this.verdict = verdict;
  }
}

/** A group needs more than one Txn and the caller asked for one. */
export class SingleTxnError extends EdgekeydError {
  override name = "SingleTxnError";

  /** @param group the group that does not fit, as `component/gvr` */
  constructor(group: string) {
    super(
      "TooLarge",
      `${group} does not fit one Txn and --require-single-txn is set; nothing was written. Raise ` +
        "--etcd-max-request-bytes or --etcd-max-txn-ops here and in etcd, or drop the flag",
    );
  }
}

/** etcd or the cache kept changing under an operation until it gave up. */
export class ContentionError extends EdgekeydError {
  override name = "ContentionError";

  /** @param what what was given up */
  constructor(what: string) {
    super("Contention", `${what}: etcd kept changing meanwhile; run it again`);
  }
}
