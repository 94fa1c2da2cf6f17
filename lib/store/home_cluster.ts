import { EdgekeydError } from "../errors.ts";
import type { Etcd } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import type { Observation } from "./observe.ts";
import { pagesUnder } from "./pages.ts";
import { versionOf } from "./value_version.ts";

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
   */
  constructor(found: string, home: HomeCluster) {
    const { clusterId, endpoints, endpointsBefore, isElsewhere, settings } = home;
    const at = endpointsBefore === undefined ? "" : ` at ${endpointsBefore}`;
    const others = isElsewhere ? "" : ", and others wrote to it";
    const cure = isElsewhere
      ? "Set --etcd-servers back (left out, it is as remembered), or run `edgekeyd retire` there " +
        "first, and come with --rejoin; if that etcd is gone for good,"
      : "If another pool's etcd answers there now, set --etcd-servers right; if this pool's was " +
        "made anew, and others were faster to fill it,";
    super(
      "OtherCluster",
      `the etcd at ${endpoints} (cluster ${found}) is not the one that this node wrote to ` +
        `(cluster ${clusterId}${at})${others}; nothing was done. ${cure} remove ${settings} and ` +
        "start this again with --etcd-servers",
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
 * in the one before, or if it was made anew behind an endpoint of before and no importer has written
 * to it.
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
    const isAnew = !home.isElsewhere && seen.fence === null && await isVacant(question);
    if (!isAnew) throw new OtherClusterError(seen.clusterId, home);
  }
  home.met(seen.clusterId);
}

function leftNothing({ rows, fence, intent }: ComponentKeyCache): boolean {
  return rows.size === 0 && fence.expected === null && intent === undefined;
}

function isOwn(
  { identity: { life } }: ComponentKeyCache,
  { fence }: Pick<Observation, "fence">,
): boolean {
  return fence?.startsWith(`${life}/`) ?? false;
}

/** Values a page; one that shows an importer ends it. */
const PAGE = { limit: 200, keysOnly: false };

/** An apiserver that went on beside it has filled a new etcd before any importer comes. */
async function isVacant({ etcd, cache }: ClusterQuestion): Promise<boolean> {
  for await (const kvs of pagesUnder(etcd, `${cache.identity.prefix}/`, PAGE)) {
    if (kvs.some((kv) => versionOf(kv.mod_revision, kv.value).resourceVersion !== "")) return false;
  }
  return true;
}
