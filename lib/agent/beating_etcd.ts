import type { Etcd } from "../etcd/mod.ts";

/**
 * Tells of each call of a client that has ended, whatever came of it: for the loop's own calls
 * alone, each of which is progress.
 *
 * @param etcd the client
 * @param beat told after each call
 */
export function beatingEtcd(etcd: Etcd, beat: () => void): Etcd {
  return {
    range: (request) => etcd.range(request).finally(beat),
    rangeAll: (requests) => etcd.rangeAll(requests).finally(beat),
    txn: (request, bytes) => etcd.txn(request, bytes).finally(beat),
    hasNoSpaceAlarm: () => etcd.hasNoSpaceAlarm().finally(beat),
    watch: (request, told) => etcd.watch(request, told),
    leases: etcd.leases,
    close: () => etcd.close(),
  };
}
