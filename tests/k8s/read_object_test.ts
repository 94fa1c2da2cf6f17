import { deepStrictEqual, doesNotThrow, fail, match, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  builtinResource,
  builtinResources,
  checkObject,
  InvalidObjectError,
  type ObjectMeta,
  parseGvr,
  parseObjectMeta,
  readObject,
} from "../../lib/k8s/mod.ts";

const encoder = new TextEncoder();
const META = '"name":"a","namespace":"default","uid":"u","resourceVersion":"7"';
const POD = `{"kind":"Pod","apiVersion":"v1","metadata":{${META}}}`;

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof InvalidObjectError) return error.message;
    throw error;
  }
  return "";
}

const read = (text: string) => readObject(encoder.encode(text));

Deno.test("readObject() reads what parseObjectMeta() does, of every object that Go reads the same", () => {
  const more = fc.dictionary(
    fc.string().filter((key) => !/^(kind|apiversion|metadata)$/iu.test(key)),
    fc.jsonValue(),
    { noNullPrototype: true },
  );
  fc.assert(fc.property(more, more, fc.nat(2), (top, inner, indent) => {
    const object = {
      ...top,
      kind: "Pod",
      apiVersion: "v1",
      metadata: { ...inner, name: "a", namespace: "b", uid: "u", resourceVersion: "7" },
    };
    const bytes = encoder.encode(JSON.stringify(object, undefined, indent));
    deepStrictEqual(readObject(bytes), parseObjectMeta(bytes));
  }));
});

Deno.test("readObject() refuses what Go and JavaScript read in two ways, without quoting it", () => {
  const rows: [text: string, reason: RegExp][] = [
    [POD.replace("{", '{"kind":"Secret",'), /twice in its top level/],
    [POD.replace("{", '{"k\\u0069nd":"Pod",'), /twice in its top level/],
    [POD.replace("{", '{"metadata":{"name":"secret"},'), /twice in its top level/],
    [POD.replace("{", '{"secret":1,"secret":2,'), /twice in its top level/],
    [POD.replace(META, `${META},"name":"a"`), /twice in its metadata/],
    [POD.replace(META, `"labels":{},"labels":{},${META}`), /twice in its metadata/],
    // Go finds the kind without regard to case, and takes the last.
    [POD.replace("{", '{"Kind":"Secret",'), /in other letters/],
    [POD.replace("{", '{"APIVERSION":"v2",'), /in other letters/],
    [POD.replace("{", '{"\u212aind":"Secret",'), /in other letters/],
    [POD.replace("{", '{"apiVer\u017fion":"v2",'), /in other letters/],
    [POD.replace('"Pod"', "null"), /^kind is null/],
    [POD.replace('"v1"', "null"), /^apiVersion is null/],
    [`{"kind":"Pod","apiVersion":"v1","metadata":null}`, /^metadata is null/],
    ...["name", "namespace", "uid", "resourceVersion"].map((field): [string, RegExp] => [
      POD.replace(new RegExp(`"${field}":"[^"]*"`), `"${field}":null`),
      new RegExp(`^${field} is null`),
    ]),
    [POD.replace("{", `{"spec":${"[".repeat(10_000)}${"]".repeat(10_000)},`), /nested deeper/],
    ["", /^empty$/],
    ["[]", /not a JSON object/],
    [POD.slice(0, -1), /not valid JSON/],
  ];
  for (const [text, reason] of rows) {
    const said = refusal(() => read(text));
    match(said, reason, text.slice(0, 80));
    strictEqual(/secret/i.test(said), false, said);
  }
});

Deno.test("readObject() takes null, twins and depth where Go reads them as JavaScript does", () => {
  for (
    const text of [
      POD.replace("{", '{"status":null,'),
      POD.replace(META, `"creationTimestamp":null,"managedFields":null,${META}`),
      POD.replace("{", '{"spec":{"a":1,"a":2},'),
      POD.replace(META, `"labels":{"name":"x","namespace":null},${META}`),
      POD.replace("{", '{"kinds":1,"apiversions":2,"Metadata":3,'),
      POD.replace("{", `{"spec":${"[".repeat(9_999)}${"]".repeat(9_999)},`),
    ]
  ) strictEqual(read(text).name, "a", text.slice(0, 80));
});

/** What an object says of itself, as far as it is checked. */
function checked(gvr: string, meta: Partial<ObjectMeta>): string {
  const parsed = parseGvr(gvr) ?? fail(gvr);
  const said = {
    apiVersion: "",
    kind: "",
    name: "a",
    namespace: "default",
    uid: "",
    resourceVersion: "7",
  };
  return refusal(() => checkObject({ ...said, ...meta }, parsed));
}

Deno.test("checkObject() takes each built-in resource in its versions, kind and scope, and no other", () => {
  for (const { group, resource } of builtinResources()) {
    const { kind, namespaced, versions } = builtinResource(group, resource) ?? fail(resource);
    for (const version of versions) {
      const gvr = `${resource}.${version}.${group || "core"}`;
      const [namespace, other] = namespaced ? ["default", ""] : ["", "default"];
      strictEqual(checked(gvr, { kind, namespace }), "");
      match(
        checked(gvr, { kind: `${kind}List`, namespace }),
        new RegExp(`^kind is ${kind}List, not ${kind}$`),
      );
      match(checked(gvr, { kind: kind.toLowerCase(), namespace }), / not /);
      match(checked(gvr, { kind, namespace: other }), /metadata\.namespace/);
    }
    match(
      checked(`${resource}.v99.${group || "core"}`, { kind }),
      /no Kubernetes since 1\.28 serves/,
    );
  }
});

Deno.test("checkObject() refuses what Kubernetes does not have, or has not any more", () => {
  for (
    const [gvr, reason] of [
      ["secrets.v1.apps", "Kubernetes has no secrets in apps"],
      ["minions.v1.core", "Kubernetes has no minions in the core group"],
      ["deployments.v1beta1.extensions", "Kubernetes has no deployments in extensions"],
      [
        "ingresses.v1beta1.extensions",
        "no Kubernetes since 1.28 serves ingresses.v1beta1.extensions",
      ],
      ["tokenreviews.v1.authentication.k8s.io", "Kubernetes has no tokenreviews in authentication"],
      ["poddisruptionbudgets.v1beta1.policy", "no Kubernetes since 1.28 serves"],
      ["podsecuritypolicies.v1beta1.policy", "no Kubernetes since 1.28 serves"],
      ["horizontalpodautoscalers.v2beta2.autoscaling", "no Kubernetes since 1.28 serves"],
      ["endpointslices.v1beta1.discovery.k8s.io", "no Kubernetes since 1.28 serves"],
      ["tables.v1.meta.k8s.io", "is of meta.k8s.io"],
    ] as const
  ) strictEqual(checked(gvr, { kind: "Ingress" }).startsWith(reason), true, gvr);
});

Deno.test("checkObject() holds a custom resource to what is known of it", () => {
  const gvr = parseGvr("sensors.v1.devices.example.com") ?? fail();
  const meta = {
    apiVersion: "",
    kind: "Sensor",
    name: "a",
    namespace: "shop",
    uid: "",
    resourceVersion: "7",
  };
  const known = { kind: "Sensor", namespaced: true };
  doesNotThrow(() => checkObject(meta, gvr));
  doesNotThrow(() => checkObject(meta, gvr, known));
  doesNotThrow(() => checkObject(meta, gvr, { kind: undefined, namespaced: undefined }));
  match(
    refusal(() => checkObject({ ...meta, kind: "Pod" }, gvr, known)),
    /kind is Pod, not Sensor/,
  );
  match(
    refusal(() => checkObject({ ...meta, kind: "a secret" }, gvr, known)),
    /kind is not Sensor$/,
  );
  match(refusal(() => checkObject({ ...meta, namespace: "" }, gvr, known)), /has no metadata\.n/);
  match(refusal(() => checkObject(meta, gvr, { ...known, namespaced: false })), /are in none/);
});

Deno.test("checkObject() refuses exactly the names that every apiserver refuses", () => {
  const pod = { kind: "Pod" };
  for (const name of ["a", "0", "a.b-c", "x".repeat(63) + ".y", "1.2.3.4"]) {
    strictEqual(checked("pods.v1.core", { ...pod, name }), "", name);
  }
  for (
    const name of [" ", "A", "a_b", "-a", "a-", "a..b", ".a", "system:node", "é", "x".repeat(254)]
  ) {
    match(checked("pods.v1.core", { ...pod, name }), /metadata\.name is no DNS-1123 sub/, name);
    match(checked("sensors.v1.example.com", { kind: "S", name }), /metadata\.name/, name);
  }
  for (const name of ["a.b", "x".repeat(64)]) {
    match(checked("services.v1.core", { kind: "Service", name }), /no DNS-1123 label/, name);
    match(checked("pods.v1.core", { ...pod, namespace: name }), /namespace is no DNS-1123/, name);
  }
  // These are segments of a path, and no more.
  const rows = [
    ["clusterroles.v1.rbac.authorization.k8s.io", "ClusterRole", "", "system:node"],
    ["rolebindings.v1.rbac.authorization.k8s.io", "RoleBinding", "default", "A b"],
    ["ipaddresses.v1.networking.k8s.io", "IPAddress", "", "2001:db8::1"],
    ["apiservices.v1.apiregistration.k8s.io", "APIService", "", "v1."],
    ["clustertrustbundles.v1beta1.certificates.k8s.io", "ClusterTrustBundle", "", "a.b:c:d"],
    ["events.v1.core", "Event", "default", "registry_x.17a"],
  ] as const;
  for (const [gvr, kind, namespace, name] of rows) {
    strictEqual(checked(gvr, { kind, namespace, name }), "", name);
  }
});
