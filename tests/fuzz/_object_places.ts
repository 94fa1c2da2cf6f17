/** The directories below a component that valid objects stand in, and where their keys go. */
export const PLACES: readonly {
  readonly directory: string;
  readonly apiVersion: string;
  readonly keys: string;
  readonly namespaced: boolean;
  /** Its objects may have any name that can stand in a path. */
  readonly anyName?: true;
}[] = [
  { directory: "pods.v1.core", apiVersion: "v1", keys: "pods", namespaced: true },
  { directory: "pods", apiVersion: "v1", keys: "pods", namespaced: true },
  { directory: "services.v1.core", apiVersion: "v1", keys: "services/specs", namespaced: true },
  { directory: "nodes.v1.core", apiVersion: "v1", keys: "minions", namespaced: false },
  { directory: "namespaces.v1.core", apiVersion: "v1", keys: "namespaces", namespaced: false },
  {
    directory: "ingresses.v1.networking.k8s.io",
    apiVersion: "networking.k8s.io/v1",
    keys: "ingress",
    namespaced: true,
  },
  {
    directory: "clusterroles.v1.rbac.authorization.k8s.io",
    apiVersion: "rbac.authorization.k8s.io/v1",
    keys: "clusterroles",
    namespaced: false,
    anyName: true,
  },
  {
    directory: "roles.v1.rbac.authorization.k8s.io",
    apiVersion: "rbac.authorization.k8s.io/v1",
    keys: "roles",
    namespaced: true,
    anyName: true,
  },
  {
    directory: "widgets.v1.example.com",
    apiVersion: "example.com/v1",
    keys: "example.com/widgets",
    namespaced: true,
  },
  {
    directory: "events.v1.core",
    apiVersion: "v1",
    keys: "events",
    namespaced: true,
    anyName: true,
  },
  { directory: "events", apiVersion: "v1", keys: "events", namespaced: true, anyName: true },
  {
    directory: "events.v1.events.k8s.io",
    apiVersion: "events.k8s.io/v1",
    keys: "events",
    namespaced: true,
    anyName: true,
  },
];

export const COMPONENTS = ["kubelet", "kube-proxy", "a:b#c;d,e"];
export const NAMESPACES = ["default", "kube-system", "0", "constructor"];
export const NAMES = ["web-0", "a.b", "constructor", "to-string", "x".repeat(63)];
export const ANY_NAMES = [
  ...NAMES,
  "system:node",
  "a,b",
  "x#y;z",
  "名前",
  "\u{1f680}",
  "\uff5e",
  "__proto__",
];
