import { deepStrictEqual } from "node:assert/strict";
import { isApiserversOwn } from "../../lib/k8s/mod.ts";

const RBAC = "v1.rbac.authorization.k8s.io";
const FLOW = "v1.flowcontrol.apiserver.k8s.io";

/** By GVR, keys that kube-apiserver 1.32 or 1.34 made in an empty etcd, at least one of each kind. */
const MADE: Readonly<Record<string, readonly string[]>> = {
  "services.v1.core": ["services/specs/default/kubernetes"],
  "endpoints.v1.core": ["services/endpoints/default/kubernetes"],
  "endpointslices.v1.discovery.k8s.io": ["endpointslices/default/kubernetes"],
  "namespaces.v1.core": ["default", "kube-node-lease", "kube-public", "kube-system"]
    .map((name) => `namespaces/${name}`),
  "configmaps.v1.core": [
    "configmaps/kube-system/kube-apiserver-legacy-service-account-token-tracking",
  ],
  [`clusterroles.${RBAC}`]: [
    "clusterroles/admin",
    "clusterroles/view",
    "clusterroles/system:aggregate-to-view",
    "clusterroles/system:certificates.k8s.io:legacy-unknown-approver",
    "clusterroles/system:controller:selinux-warning-controller",
    "clusterroles/system:node",
  ],
  [`clusterrolebindings.${RBAC}`]: [
    "clusterrolebindings/cluster-admin",
    "clusterrolebindings/system:controller:job-controller",
    "clusterrolebindings/system:public-info-viewer",
  ],
  [`roles.${RBAC}`]: [
    "roles/kube-public/system:controller:bootstrap-signer",
    "roles/kube-system/extension-apiserver-authentication-reader",
    "roles/kube-system/system::leader-locking-kube-scheduler",
  ],
  [`rolebindings.${RBAC}`]: [
    "rolebindings/kube-system/system::extension-apiserver-authentication-reader",
    "rolebindings/kube-system/system:controller:token-cleaner",
  ],
  "priorityclasses.v1.scheduling.k8s.io": ["priorityclasses/system-node-critical"],
  [`flowschemas.${FLOW}`]: ["flowschemas/exempt"],
  [`prioritylevelconfigurations.${FLOW}`]: ["prioritylevelconfigurations/node-high"],
  "leases.v1.coordination.k8s.io": ["leases/kube-system/apiserver-wlv32tlttr4jl3gtroqexyxapa"],
  "servicecidrs.v1.networking.k8s.io": ["servicecidrs/kubernetes"],
  "ipaddresses.v1.networking.k8s.io": ["ipaddresses/10.0.0.1"],
  "apiservices.v1.apiregistration.k8s.io": [
    "apiregistration.k8s.io/apiservices/v1.",
    "apiregistration.k8s.io/apiservices/v1.apps",
  ],
};

/** Others of the same resources, and of the same names. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  "services.v1.core": [
    "services/specs/default/web",
    "services/specs/shop/kubernetes",
    "services/specs/kube-system/kube-dns",
  ],
  "endpoints.v1.core": ["services/endpoints/shop/kubernetes"],
  "namespaces.v1.core": ["namespaces/shop"],
  "configmaps.v1.core": ["configmaps/kube-system/coredns", "configmaps/default/kube-root-ca.crt"],
  "pods.v1.core": ["pods/default/kubernetes"],
  [`clusterroles.${RBAC}`]: ["clusterroles/system:coredns", "clusterroles/viewer"],
  [`roles.${RBAC}`]: ["roles/shop/system:controller:bootstrap-signer"],
  "apiservices.v1.apiregistration.k8s.io": [
    "apiregistration.k8s.io/apiservices/v1beta1.metrics.k8s.io",
  ],
  "namespaces.v1.example.com": ["example.com/namespaces/default"],
  "not a gvr": ["namespaces/default"],
};

Deno.test("isApiserversOwn() knows what every kube-apiserver makes itself, under any prefix", () => {
  for (const prefix of ["/registry", "/pool/a/registry"]) {
    const answers = (made: Readonly<Record<string, readonly string[]>>) =>
      Object.entries(made).flatMap(([gvr, keys]) =>
        keys.map((key) => [key, isApiserversOwn(gvr, `${prefix}/${key}`)])
      );
    deepStrictEqual(answers(MADE).filter(([, own]) => !own), []);
    deepStrictEqual(answers(OTHERS).filter(([, own]) => own), []);
  }
});
