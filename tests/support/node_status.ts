import type { NodeStatus } from "../../lib/agent/mod.ts";

/** The status of a daemon that holds three keys of kubelet's, and of which nothing is to be told. */
export const QUIET: NodeStatus = {
  daemon: true,
  state: "in-step",
  nodeName: "n1",
  prefix: "/registry",
  stateDir: "/state",
  settings: {},
  notReady: [],
  conditions: [],
  etcd: { state: "reachable", endpoints: ["http://e"], revision: "7", clusterId: "1" },
  keys: 3,
  components: [{
    component: "kubelet",
    resources: [{ gvr: "pods.v1.core", keys: 2 }, { gvr: "nodes.v1.core", keys: 1 }],
    conflicts: 0,
    invalid: 0,
    heldBack: 0,
  }],
  dirtyGroups: 0,
  pendingKeys: 0,
  othersKeys: 0,
  conflicts: [],
  invalid: [],
  heldBack: [],
};
