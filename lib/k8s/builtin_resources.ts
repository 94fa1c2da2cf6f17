/**
 * One built-in resource: its plural name, kind and scope, the versions that it was stored or served
 * in, and, where it differs from the plural name, what its key holds instead.
 */
export type BuiltinRow = readonly [
  resource: string,
  kind: string,
  scope: "namespaced" | "cluster",
  versions: string,
  path?: string,
];

/**
 * Every built-in group (the core group as "") and every resource that kube-apiserver keeps in etcd
 * in any release from 1.28 to 1.38. Keys and versions are those of Kubernetes' own storage-path
 * test data of each release, kinds and scopes what running apiservers say; where a path differs is
 * in its `pkg/kubeapiserver/default_storage_factory_builder.go`. `scripts/check_resources.ts` holds
 * this against a running apiserver. What has no versions is only the key of an older release:
 * nothing since 1.28 serves it.
 */
export const BUILTIN_TABLE: Readonly<Record<string, readonly BuiltinRow[]>> = {
  "": [
    ["configmaps", "ConfigMap", "namespaced", "v1"],
    ["endpoints", "Endpoints", "namespaced", "v1", "services/endpoints"],
    ["events", "Event", "namespaced", "v1"],
    ["limitranges", "LimitRange", "namespaced", "v1"],
    ["namespaces", "Namespace", "cluster", "v1"],
    ["nodes", "Node", "cluster", "v1", "minions"],
    ["persistentvolumeclaims", "PersistentVolumeClaim", "namespaced", "v1"],
    ["persistentvolumes", "PersistentVolume", "cluster", "v1"],
    ["pods", "Pod", "namespaced", "v1"],
    ["podtemplates", "PodTemplate", "namespaced", "v1"],
    ["replicationcontrollers", "ReplicationController", "namespaced", "v1", "controllers"],
    ["resourcequotas", "ResourceQuota", "namespaced", "v1"],
    ["secrets", "Secret", "namespaced", "v1"],
    ["serviceaccounts", "ServiceAccount", "namespaced", "v1"],
    ["services", "Service", "namespaced", "v1", "services/specs"],
  ],
  "admissionregistration.k8s.io": [
    ["mutatingadmissionpolicies", "MutatingAdmissionPolicy", "cluster", "v1 v1alpha1 v1beta1"],
    [
      "mutatingadmissionpolicybindings",
      "MutatingAdmissionPolicyBinding",
      "cluster",
      "v1 v1alpha1 v1beta1",
    ],
    ["mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "cluster", "v1"],
    ["validatingadmissionpolicies", "ValidatingAdmissionPolicy", "cluster", "v1 v1alpha1 v1beta1"],
    [
      "validatingadmissionpolicybindings",
      "ValidatingAdmissionPolicyBinding",
      "cluster",
      "v1 v1alpha1 v1beta1",
    ],
    ["validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "cluster", "v1"],
  ],
  "apiextensions.k8s.io": [
    ["customresourcedefinitions", "CustomResourceDefinition", "cluster", "v1"],
  ],
  "apiregistration.k8s.io": [
    ["apiservices", "APIService", "cluster", "v1"],
  ],
  apps: [
    ["controllerrevisions", "ControllerRevision", "namespaced", "v1"],
    ["daemonsets", "DaemonSet", "namespaced", "v1"],
    ["deployments", "Deployment", "namespaced", "v1"],
    ["replicasets", "ReplicaSet", "namespaced", "v1"],
    ["statefulsets", "StatefulSet", "namespaced", "v1"],
  ],
  "authentication.k8s.io": [],
  "authorization.k8s.io": [],
  autoscaling: [
    ["horizontalpodautoscalers", "HorizontalPodAutoscaler", "namespaced", "v1 v2"],
  ],
  batch: [
    ["cronjobs", "CronJob", "namespaced", "v1"],
    ["jobs", "Job", "namespaced", "v1"],
  ],
  "certificates.k8s.io": [
    ["certificatesigningrequests", "CertificateSigningRequest", "cluster", "v1"],
    ["clustertrustbundles", "ClusterTrustBundle", "cluster", "v1 v1alpha1 v1beta1"],
    ["podcertificaterequests", "PodCertificateRequest", "namespaced", "v1 v1alpha1 v1beta1"],
  ],
  "coordination.k8s.io": [
    ["leasecandidates", "LeaseCandidate", "namespaced", "v1alpha1 v1alpha2 v1beta1"],
    ["leases", "Lease", "namespaced", "v1"],
  ],
  "discovery.k8s.io": [
    ["endpointslices", "EndpointSlice", "namespaced", "v1"],
  ],
  "events.k8s.io": [
    ["events", "Event", "namespaced", "v1"],
  ],
  extensions: [
    ["ingresses", "Ingress", "namespaced", "", "ingress"],
    ["podsecuritypolicies", "PodSecurityPolicy", "cluster", "", "podsecuritypolicy"],
  ],
  "flowcontrol.apiserver.k8s.io": [
    ["flowschemas", "FlowSchema", "cluster", "v1 v1alpha1 v1beta1 v1beta2 v1beta3"],
    [
      "prioritylevelconfigurations",
      "PriorityLevelConfiguration",
      "cluster",
      "v1 v1alpha1 v1beta1 v1beta2 v1beta3",
    ],
  ],
  "internal.apiserver.k8s.io": [
    ["storageversions", "StorageVersion", "cluster", "v1alpha1"],
  ],
  "lifecycle.k8s.io": [
    ["evictionrequests", "EvictionRequest", "namespaced", "v1alpha1"],
    ["evictions", "Eviction", "namespaced", "v1alpha1"],
  ],
  "networking.k8s.io": [
    ["clustercidrs", "ClusterCIDR", "cluster", "v1alpha1"],
    ["ingressclasses", "IngressClass", "cluster", "v1"],
    ["ingresses", "Ingress", "namespaced", "v1", "ingress"],
    ["ipaddresses", "IPAddress", "cluster", "v1 v1alpha1 v1beta1"],
    ["networkpolicies", "NetworkPolicy", "namespaced", "v1"],
    ["servicecidrs", "ServiceCIDR", "cluster", "v1 v1alpha1 v1beta1"],
  ],
  "node.k8s.io": [
    ["runtimeclasses", "RuntimeClass", "cluster", "v1"],
  ],
  policy: [
    ["poddisruptionbudgets", "PodDisruptionBudget", "namespaced", "v1"],
    ["podsecuritypolicies", "PodSecurityPolicy", "cluster", "", "podsecuritypolicy"],
  ],
  "rbac.authorization.k8s.io": [
    ["clusterrolebindings", "ClusterRoleBinding", "cluster", "v1"],
    ["clusterroles", "ClusterRole", "cluster", "v1"],
    ["rolebindings", "RoleBinding", "namespaced", "v1"],
    ["roles", "Role", "namespaced", "v1"],
  ],
  "resource.k8s.io": [
    ["deviceclasses", "DeviceClass", "cluster", "v1 v1alpha3 v1beta1 v1beta2"],
    ["devicetaintrules", "DeviceTaintRule", "cluster", "v1 v1alpha3 v1beta2"],
    ["podschedulingcontexts", "PodSchedulingContext", "namespaced", "v1alpha2 v1alpha3"],
    ["resourceclaimparameters", "ResourceClaimParameters", "namespaced", "v1alpha2"],
    ["resourceclaims", "ResourceClaim", "namespaced", "v1 v1alpha2 v1alpha3 v1beta1 v1beta2"],
    [
      "resourceclaimtemplates",
      "ResourceClaimTemplate",
      "namespaced",
      "v1 v1alpha2 v1alpha3 v1beta1 v1beta2",
    ],
    ["resourceclasses", "ResourceClass", "cluster", "v1alpha2"],
    ["resourceclassparameters", "ResourceClassParameters", "namespaced", "v1alpha2"],
    ["resourcepoolstatusrequests", "ResourcePoolStatusRequest", "cluster", "v1alpha3"],
    ["resourceslices", "ResourceSlice", "cluster", "v1 v1alpha2 v1alpha3 v1beta1 v1beta2"],
  ],
  "scheduling.k8s.io": [
    ["compositepodgroups", "CompositePodGroup", "namespaced", "v1alpha3 v1beta1"],
    ["podgroups", "PodGroup", "namespaced", "v1alpha2 v1alpha3 v1beta1"],
    ["priorityclasses", "PriorityClass", "cluster", "v1"],
    ["workloads", "Workload", "namespaced", "v1alpha1 v1alpha2 v1alpha3 v1beta1"],
  ],
  "storage.k8s.io": [
    ["csidrivers", "CSIDriver", "cluster", "v1"],
    ["csinodes", "CSINode", "cluster", "v1"],
    ["csistoragecapacities", "CSIStorageCapacity", "namespaced", "v1 v1alpha1 v1beta1"],
    ["storageclasses", "StorageClass", "cluster", "v1"],
    ["volumeattachments", "VolumeAttachment", "cluster", "v1"],
    ["volumeattributesclasses", "VolumeAttributesClass", "cluster", "v1 v1alpha1 v1beta1"],
  ],
  "storagemigration.k8s.io": [
    ["storageversionmigrations", "StorageVersionMigration", "cluster", "v1 v1alpha1 v1beta1"],
  ],
};
