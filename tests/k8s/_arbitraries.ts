import fc from "fast-check";
import type { Gvr, ObjectName } from "../../lib/k8s/mod.ts";

/** A DNS-1035 label, as resources and versions are. */
export const label: fc.Arbitrary<string> = fc.stringMatching(/^[a-z]([-a-z0-9]{0,12}[a-z0-9])?$/);

/** A group that a CustomResourceDefinition may name. */
export const customGroup: fc.Arbitrary<string> = fc.stringMatching(
  /^[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?){1,3}$/,
);

/** The built-in groups that leave no trace in a key, the core group as "". */
export const BUILTIN_GROUPS = [
  "",
  "admissionregistration.k8s.io",
  "apps",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "extensions",
  "flowcontrol.apiserver.k8s.io",
  "internal.apiserver.k8s.io",
  "lifecycle.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
  "storagemigration.k8s.io",
];

/** Any group, version and resource that there can be. */
export const gvr: fc.Arbitrary<Gvr> = fc.record({
  group: fc.oneof(fc.constantFrom(...BUILTIN_GROUPS), customGroup),
  version: label,
  resource: fc.oneof(
    label,
    fc.constantFrom("nodes", "services", "endpoints", "ingresses", "replicationcontrollers"),
  ),
}, { noNullPrototype: true });

/** Whatever Kubernetes allows as a path segment. */
export const segment: fc.Arbitrary<string> = fc.oneof(
  label,
  fc.constantFrom("system:node", "specs", "endpoints", "a,b", "a;b#c", "..a", "tmp_x", "名前"),
  fc.string({ minLength: 1, maxLength: 12 }).filter((text) =>
    text !== "." && text !== ".." && !/[/%]/.test(text)
  ),
);

/** Namespace and name; no namespace for one in three. */
export const objectName: fc.Arbitrary<ObjectName> = fc.record({
  namespace: fc.oneof({ arbitrary: fc.constant(""), weight: 1 }, { arbitrary: segment, weight: 2 }),
  name: segment,
}, { noNullPrototype: true });
