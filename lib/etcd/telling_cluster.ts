import type { Etcd } from "./etcd.ts";

/**
 * Tells which cluster answers, before what it says counts. No Txn is sent before something was
 * read, so that it is enough to look at these answers.
 *
 * @param etcd gives the answers
 * @param told called with the cluster's id (decimal) at each answer to a range; what it throws, the
 * range throws
 * @returns the same etcd
 */
export function tellingCluster(etcd: Etcd, told: (clusterId: string) => void): Etcd {
  return {
    async range(request) {
      const answer = await etcd.range(request);
      told(answer.header.cluster_id);
      return answer;
    },
    txn: (request, bytes) => etcd.txn(request, bytes),
    hasNoSpaceAlarm: () => etcd.hasNoSpaceAlarm(),
    close: () => etcd.close(),
  };
}
