import { builtinResource, isBuiltinGroup } from "./builtin_lookup.ts";
import { parseGvr } from "./gvr.ts";

/** Tells by its name (`<namespace>/<name>` if it has a namespace) whether an object is one of them. */
type Names = (name: string) => boolean;

/** Cluster roles and their bindings, of the bootstrap policy; and those of each controller. */
const CLUSTER_ROLES = among([
  ...["cluster-admin", "admin", "edit", "view"],
  ...[
    "auth-delegator",
    "basic-user",
    "cluster-trust-bundle-discovery",
    "discovery",
    "heapster",
    "kube-aggregator",
    "kube-controller-manager",
    "kube-dns",
    "kube-scheduler",
    "kubelet-api-admin",
    "monitoring",
    "node",
    "node-bootstrapper",
    "node-problem-detector",
    "node-proxier",
    "persistent-volume-provisioner",
    "public-info-viewer",
    "service-account-issuer-discovery",
    "volume-scheduler",
  ].map((name) => `system:${name}`),
], ["system:aggregate-to-", "system:certificates.k8s.io:", "system:controller:"]);

const ROLES = among([
  "kube-system/extension-apiserver-authentication-reader",
  "kube-system/system::extension-apiserver-authentication-reader",
  "kube-system/system::leader-locking-kube-controller-manager",
  "kube-system/system::leader-locking-kube-scheduler",
], ["kube-public/system:controller:", "kube-system/system:controller:"]);

const DEFAULT_SERVICE = among(["default/kubernetes"]);

/**
 * What every kube-apiserver makes by itself, at its start or soon after, by `<resource>.<group>`:
 * as 1.32 and 1.34 left it in an empty etcd, and for other releases Kubernetes'
 * `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` and `pkg/controlplane`.
 */
const OWN: ReadonlyMap<string, Names> = new Map([
  ["services.", DEFAULT_SERVICE],
  ["endpoints.", DEFAULT_SERVICE],
  ["endpointslices.discovery.k8s.io", DEFAULT_SERVICE],
  ["namespaces.", among(["default", "kube-node-lease", "kube-public", "kube-system"])],
  [
    "configmaps.",
    among([
      "kube-system/extension-apiserver-authentication",
      "kube-system/kube-apiserver-legacy-service-account-token-tracking",
    ]),
  ],
  ["clusterroles.rbac.authorization.k8s.io", CLUSTER_ROLES],
  ["clusterrolebindings.rbac.authorization.k8s.io", CLUSTER_ROLES],
  ["roles.rbac.authorization.k8s.io", ROLES],
  ["rolebindings.rbac.authorization.k8s.io", ROLES],
  [
    "priorityclasses.scheduling.k8s.io",
    among(["system-cluster-critical", "system-node-critical"]),
  ],
  [
    "flowschemas.flowcontrol.apiserver.k8s.io",
    among([
      "catch-all",
      "endpoint-controller",
      "exempt",
      "global-default",
      "kube-controller-manager",
      "kube-scheduler",
      "kube-system-service-accounts",
      "probes",
      "service-accounts",
      "system-leader-election",
      "system-node-high",
      "system-nodes",
      "workload-leader-election",
    ]),
  ],
  [
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
    among([
      "catch-all",
      "exempt",
      "global-default",
      "leader-election",
      "node-high",
      "system",
      "workload-high",
      "workload-low",
    ]),
  ],
  // By which an apiserver says that it lives.
  ["leases.coordination.k8s.io", among([], ["kube-system/apiserver-"])],
  ["servicecidrs.networking.k8s.io", among(["kubernetes"])],
  // One for each address of a Service: an apiserver makes what is missing.
  ["ipaddresses.networking.k8s.io", () => true],
  // One for each group and version that it serves, named `<version>.<group>`.
  [
    "apiservices.apiregistration.k8s.io",
    (name) => isBuiltinGroup(name.slice(name.indexOf(".") + 1)),
  ],
]);

/**
 * Tells whether an object is one that every kube-apiserver makes itself, and keeps as it wants it:
 * the Service `default/kubernetes`, the first namespaces, its own roles.
 *
 * @param gvr its resource, as in `services.v1.core`
 * @param key its object key
 * @returns true if it is
 */
export function isApiserversOwn(gvr: string, key: string): boolean {
  const parsed = parseGvr(gvr);
  if (!parsed) return false;
  const { group, resource } = parsed;
  const segments = builtinResource(group, resource)?.namespaced ? 2 : 1;
  const name = key.split("/").slice(-segments).join("/");
  return OWN.get(`${resource}.${group}`)?.(name) ?? false;
}

function among(names: readonly string[], prefixes: readonly string[] = []): Names {
  const set = new Set(names);
  return (name) => set.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}
