import type { Gvr } from "./gvr.ts";
import type { ObjectName } from "./object_key.ts";

/**
 * Resources, as `<resource>.<group>`, whose names need only be a segment of a path in some release
 * since 1.28 (Kubernetes, `pkg/apis/<group>/validation` and the strategies in `pkg/registry`), or of
 * which that was not looked up. All other objects are DNS-1123 subdomains, custom ones too.
 */
const FREELY_NAMED: ReadonlySet<string> = new Set([
  "events.",
  "podtemplates.",
  "apiservices.apiregistration.k8s.io",
  "certificatesigningrequests.certificates.k8s.io",
  "clustertrustbundles.certificates.k8s.io",
  "podcertificaterequests.certificates.k8s.io",
  "events.events.k8s.io",
  "storageversions.internal.apiserver.k8s.io",
  "evictionrequests.lifecycle.k8s.io",
  "evictions.lifecycle.k8s.io",
  "clustercidrs.networking.k8s.io",
  "ipaddresses.networking.k8s.io",
  "poddisruptionbudgets.policy",
  "clusterrolebindings.rbac.authorization.k8s.io",
  "clusterroles.rbac.authorization.k8s.io",
  "rolebindings.rbac.authorization.k8s.io",
  "roles.rbac.authorization.k8s.io",
  "devicetaintrules.resource.k8s.io",
  "podschedulingcontexts.resource.k8s.io",
  "resourceclaimparameters.resource.k8s.io",
  "resourceclasses.resource.k8s.io",
  "resourceclassparameters.resource.k8s.io",
  "resourcepoolstatusrequests.resource.k8s.io",
  "compositepodgroups.scheduling.k8s.io",
  "podgroups.scheduling.k8s.io",
  "workloads.scheduling.k8s.io",
]);

/** Those that become a part of a DNS name. */
const LABELS: ReadonlySet<string> = new Set(["namespaces.", "services."]);

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_MAX_CHARS = 253;

/**
 * Says why every apiserver refuses the namespace or the name of an object.
 *
 * @param gvr what it is
 * @param object what it says of itself; the namespace is empty if it has none
 * @returns the reason, or undefined if some apiserver takes it
 */
export function refusedName(gvr: Gvr, { namespace, name }: ObjectName): string | undefined {
  if (namespace !== "" && !LABEL.test(namespace)) return "metadata.namespace is no DNS-1123 label";
  const resource = `${gvr.resource}.${gvr.group}`;
  if (FREELY_NAMED.has(resource)) return undefined;
  if (LABELS.has(resource)) {
    return LABEL.test(name) ? undefined : "metadata.name is no DNS-1123 label";
  }
  if (name.length <= SUBDOMAIN_MAX_CHARS && SUBDOMAIN.test(name)) return undefined;
  return "metadata.name is no DNS-1123 subdomain";
}
