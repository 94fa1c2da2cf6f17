import { EdgekeydError } from "../errors.ts";
import { STOP_FIRST } from "../own_commands.ts";
import type { Etcd } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { type AnewVerdict, judgeAnew } from "./made_anew.ts";
import type { Observation } from "./observe.ts";

/** Which etcd cluster a node wrote to, as far as that is remembered. */
export interface HomeCluster {
  /** Its id, decimal; undefined if none is on record. */
  readonly clusterId: string | undefined;
  /** Where etcd is asked now. */
  readonly endpoints: string;
  /** Where the cluster on record answered; undefined if that is not known. */
  readonly endpointsBefore: string | undefined;
  /** None of the endpoints is one of those. */
  readonly isElsewhere: boolean;
  /** The file that remembers it. */
  readonly settings: string;
  /** Told the id (decimal) of a cluster that answers, once it is known that this node belongs there. */
  met(clusterId: string): void;
}

/** The etcd that answers is another than the one that a node wrote to. */
export class OtherClusterError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "OtherClusterError";

  /**
   * Makes it; its code is `OtherCluster`.
   *
   * @param found the cluster that answers, decimal
   * @param home the one that should
   * @param why what speaks against its being that one, made anew; empty: its address
   */
  constructor(found: string, home: HomeCluster, why: string) {
    const { clusterId, endpoints, endpointsBefore, isElsewhere, settings } = home;
    const at = endpointsBefore === undefined ? "" : ` at ${endpointsBefore}`;
    const others = why === "" ? "" : `, and ${why}`;
    const cure = isElsewhere
      ? "Set --etcd-servers back (left out, it is as remembered). If this node is to move there, " +
        `${STOP_FIRST}, run \`edgekeyd retire\`, which leaves the one before, then ` +
        "`edgekeyd --reconcile --rejoin` with the new --etcd-servers, and start it with these; if the " +
        `one before is gone for good, remove ${settings} in place of the first`
      : "If another pool's etcd answers there now, set --etcd-servers right; if this pool's was " +
        `made anew, and others were faster to fill it, ${STOP_FIRST}, remove ${settings}, and ` +
        "start it again with --etcd-servers";
    super(
      "OtherCluster",
      `the etcd at ${endpoints} (cluster ${found}) is not the one that this node wrote to ` +
        `(cluster ${clusterId}${at})${others}; nothing was done. ${cure}`,
    );
  }
}

/** What is needed to tell whether a cluster is a node's own. */
export interface ClusterQuestion {
  /** Which etcd. */
  readonly etcd: Etcd;
  /** What the node has put, and where its fence stands. */
  readonly cache: ComponentKeyCache;
  /** What is on record; undefined: nobody cares which it is. */
  readonly home?: HomeCluster | undefined;
}

/**
 * Compares the cluster that answers with the one on record, before anything is written. Another one
 * is this node's, too, if it holds its fence (a restored snapshot), if this node left nothing behind
 * in the one before, or if it was made anew behind an endpoint of before: see
 * {@linkcode judgeAnew}.
 *
 * @param question both sides, and what is on record
 * @param seen what the fence's key was found to hold, and in which cluster
 * @throws {OtherClusterError} if it is none of these
 * @throws {EtcdError} if etcd fails
 */
export async function checkCluster(
  question: ClusterQuestion,
  seen: Pick<Observation, "clusterId" | "fence">,
): Promise<void> {
  const { cache, home } = question;
  if (!home) return;
  const isOther = home.clusterId !== undefined && home.clusterId !== seen.clusterId;
  if (isOther && !leftNothing(cache) && !isOwn(cache, seen)) {
    const { isOurs, why } = home.isElsewhere
      ? ELSEWHERE
      : seen.fence === null
      ? await judgeAnew(question)
      : NAMESAKE;
    if (!isOurs) throw new OtherClusterError(seen.clusterId, home, why);
  }
  home.met(seen.clusterId);
}

const ELSEWHERE: AnewVerdict = { isOurs: false, why: "" };
const NAMESAKE: AnewVerdict = {
  isOurs: false,
  why: "others wrote to it, an edgekeyd with this node's name among them",
};

function leftNothing({ rows, fence, intent }: ComponentKeyCache): boolean {
  return rows.size === 0 && fence.expected === null && intent === undefined;
}

function isOwn(
  { identity: { life } }: ComponentKeyCache,
  { fence }: Pick<Observation, "fence">,
): boolean {
  return fence?.startsWith(`${life}/`) ?? false;
}
