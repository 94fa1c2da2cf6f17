/** `scripts/check_resources.ts` against an apiserver's discovery that this test serves. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

const SCRIPT = fromFileUrl(new URL("../../scripts/check_resources.ts", import.meta.url));
const TOKEN = "a-token-of-this-test";
const ALL = ["create", "delete", "get", "list", "patch", "update", "watch"];
const POD = { name: "pods", kind: "Pod", namespaced: true, verbs: ALL };

/** What an apiserver answers, by path. */
type Answers = Record<string, unknown>;

function answersOf(groups: Record<string, readonly string[]>, more: Answers): Answers {
  const listed = Object.entries(groups).map(([name, versions]) => ({
    name,
    versions: versions.map((version) => ({ version, groupVersion: `${name}/${version}` })),
  }));
  return {
    "/api": { kind: "APIVersions", versions: ["v1"] },
    "/apis": { kind: "APIGroupList", groups: listed },
    "/api/v1": { resources: [POD] },
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": { items: [] },
    "/apis/apiregistration.k8s.io/v1/apiservices": { items: [] },
    ...more,
  };
}

async function check(answers: Answers): Promise<{ code: number; out: string[]; err: string }> {
  const dir = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${dir}/token`, `${TOKEN}\n`);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
      return new Response("who is it", { status: 401 });
    }
    const answer = answers[new URL(request.url).pathname];
    return answer === undefined ? new Response("", { status: 404 }) : Response.json(answer);
  });
  try {
    const url = `http://127.0.0.1:${server.addr.port}`;
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", SCRIPT, url, "--token-file", `${dir}/token`],
      stdin: "null",
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out: (out ?? "").trimEnd().split("\n"), err: err ?? "" };
  } finally {
    await server.shutdown();
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("check_resources finds nothing where the table has all that an apiserver stores", async () => {
  const { code, out } = await check(answersOf({
    apps: ["v1"],
    "devices.example.com": ["v1"],
    "metrics.k8s.io": ["v1beta1"],
  }, {
    "/api/v1": {
      resources: [
        POD,
        { name: "pods/status", kind: "Pod", namespaced: true, verbs: ["get", "patch", "update"] },
        { name: "bindings", kind: "Binding", namespaced: true, verbs: ["create"] },
        { name: "nodes", kind: "Node", namespaced: false, verbs: ALL },
      ],
    },
    "/apis/apps/v1": {
      resources: [{ name: "deployments", kind: "Deployment", namespaced: true, verbs: ALL }],
    },
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": {
      items: [{ spec: { group: "devices.example.com" } }],
    },
    "/apis/apiregistration.k8s.io/v1/apiservices": {
      items: [
        { spec: { group: "", version: "v1" } },
        { spec: { group: "metrics.k8s.io", service: { name: "metrics-server" } } },
      ],
    },
  }));
  deepStrictEqual(out, ["3 resources in their versions, 0 differences"]);
  strictEqual(code, 0);
});

Deno.test("check_resources names what the table has otherwise, or not at all", async () => {
  const { code, out } = await check(answersOf({ apps: ["v1", "v9"], "new.k8s.io": ["v1"] }, {
    "/api/v1": {
      resources: [
        { ...POD, kind: "Pea" },
        { ...POD, name: "nodes", kind: "Node" },
        { ...POD, name: "peas", kind: "Pea" },
      ],
    },
    "/apis/apps/v1": { resources: [] },
    "/apis/apps/v9": {
      resources: [{ name: "deployments", kind: "Deployment", namespaced: true, verbs: ALL }],
    },
  }));
  deepStrictEqual(out, [
    "pods.v1.core is of kind Pea, not Pod",
    "nodes.v1.core is namespaced, which the table denies",
    "peas.v1.core is not in the table",
    "deployments.v9.apps is of a version that the table does not have",
    "new.k8s.io is a built-in group that the table does not have",
    "4 resources in their versions, 5 differences",
  ]);
  strictEqual(code, 1);
});

Deno.test("check_resources fails where it could not look, and says why", async () => {
  const missing = await check(answersOf({ apps: ["v1"] }, {}));
  strictEqual(missing.code, 1);
  match(missing.err, /\/apis\/apps\/v1 answers 404/);
  const odd = await check(answersOf({}, { "/api/v1": { resources: null } }));
  strictEqual(odd.code, 1);
  match(odd.err, /has no list of resources/);
  const nothing = await check(answersOf({}, { "/api/v1": { resources: [] } }));
  strictEqual(nothing.code, 1);
});
