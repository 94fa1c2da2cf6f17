import { NOTHING_DONE } from "../reconcile/mod.ts";
import type { Answers, SchemaName } from "./schemas.ts";

const KEY = "/registry/configmaps/shop/settings";
const RESOURCES = [{ gvr: "configmaps.v1.core", keys: 1 }];
const SYNCED_MS = 1_767_225_600_000;

/**
 * A ConfigMap of a version.
 *
 * @param resourceVersion of the cloud
 */
export function configMap(resourceVersion: string): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: "settings",
      namespace: "shop",
      uid: "3f1c2a5e-9a51-4a58-8d0c-0c8a9a3f5b21",
      resourceVersion,
    },
    data: { "interval": "10s" },
  };
}

/**
 * A Node, which is in no namespace, of a version.
 *
 * @param resourceVersion of the cloud
 */
export function clusterNode(resourceVersion: string): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: "edge-7",
      uid: "a0d4b1c2-6a0e-4f5c-9f43-5e1f7c2b9d10",
      resourceVersion,
    },
  };
}

/** Schemas of which each place in the document has examples of its own. */
type OwnExamples = "Error" | "Object";

/** One of what each schema describes, for the OpenAPI document. */
export const EXAMPLES: { readonly [Name in Exclude<SchemaName, OwnExamples>]: Answers[Name] } = {
  Health: { alive: true },
  Readiness: { ready: true, reasons: [], warnings: [] },
  Status: {
    daemon: true,
    state: "in-step",
    nodeName: "edge-7",
    prefix: "/registry",
    stateDir: "/var/lib/edgekeyd",
    settings: { "etcd-servers": "https://10.0.0.1:2379" },
    notReady: [],
    conditions: [],
    etcd: {
      state: "reachable",
      endpoints: ["https://10.0.0.1:2379"],
      revision: "2024",
      clusterId: "14841639068965178418",
      latencyMs: 1.25,
    },
    keys: 1,
    components: [{
      component: "sensor-agent",
      resources: RESOURCES,
      conflicts: 0,
      invalid: 0,
      heldBack: 0,
      lastSyncMs: SYNCED_MS,
    }],
    dirtyGroups: 0,
    pendingKeys: 0,
    othersKeys: 0,
    conflicts: [],
    invalid: [],
    heldBack: [],
    halfRewritten: [],
    lastSuccessMs: SYNCED_MS,
  },
  Reconciled: {
    report: {
      ...NOTHING_DONE,
      created: 11,
      txns: 1,
      revision: "2024",
      clusterId: "14841639068965178418",
      durationMs: 102,
      phasesMs: { recover: 50, scan: 6, plan: 23, commit: 23 },
    },
    notes: [],
    busy: [],
  },
  Verification: { keys: 1, drift: [], revision: "2024" },
  Owners: [{
    component: "sensor-agent",
    gvr: "configmaps.v1.core",
    uid: "3f1c2a5e-9a51-4a58-8d0c-0c8a9a3f5b21",
    resourceVersion: "4711",
    source: "api",
  }],
  ObjectKey: { key: KEY, namespace: "shop", name: "settings" },
  ObjectKeys: [{ key: KEY, namespace: "shop", name: "settings" }],
  Keys: [KEY],
  Components: [{ component: "sensor-agent", resources: RESOURCES }],
  Resources: RESOURCES,
  Written: {
    created: 1,
    updated: 0,
    joined: 0,
    deleted: 0,
    released: 0,
    conflicts: [],
    txns: 1,
    staged: false,
    revision: "2025",
  },
  TakeOver: { taken: 1, held: 0, absent: 0, left: [] },
  ObjectList: {
    apiVersion: "v1",
    kind: "ConfigMapList",
    metadata: { resourceVersion: "4713" },
    items: [configMap("4713")],
  },
};
