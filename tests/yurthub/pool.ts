import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ready, startDaemon, until } from "../agent/_daemon.ts";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode } from "../e2e/_node.ts";
import { TestAuthority } from "../support/certificates.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type ApiEvent, ApiServer } from "./_apiserver.ts";

const SAMPLE = "scripts/sample-cache";
const PREFIX = ["--etcd-prefix=/registry"];
const SHOP = "/api/v1/namespaces/shop";
/** A machine may be busy. */
const PATIENCE_MS = 60_000;

interface Listed {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

Deno.test("a pool's own kube-apiserver serves what edgekeyd puts: get, list, watch, and gone is gone", async (test) => {
  await using pool = await startEtcd();
  using node = new EdgeNode(pool, "edge-1");
  copyTree(SAMPLE, node.cacheDir);
  const imported = await node.run(["--reconcile", "--settle-time=0", ...PREFIX]);
  expectExit(imported, 0);

  const authority = new TestAuthority(node.root, "ca");
  const place = { etcd: pool, serviceRange: "10.43.0.0/16" };
  await using api = await ApiServer.start(binary(), node.root, authority, place);
  const get = async (path: string) => (await api.request("GET", path)).status;
  const list = async (path: string): Promise<Listed> => {
    const { status, body } = await api.request("GET", path);
    strictEqual(status, 200, path);
    return body as Listed;
  };
  const names = async (path: string) =>
    (await list(path)).items.map(({ metadata }) => metadata.name).sort();

  await test.step("what was imported is there, one by one and in lists", async () => {
    for (
      const path of [
        "/api/v1/namespaces/shop",
        "/api/v1/nodes/edge-1",
        `${SHOP}/configmaps/web-config`,
        `${SHOP}/services/web`,
        `${SHOP}/pods/web-5d8f7c9b6-q9z7c`,
        "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/web-7m2xl",
      ]
    ) strictEqual(await get(path), 200, path);
    deepStrictEqual(await names("/api/v1/nodes"), ["edge-1", "edge-2"]);
    deepStrictEqual(await names(`${SHOP}/pods`), [
      "web-5d8f7c9b6-h4t2m",
      "web-5d8f7c9b6-q9z7c",
    ]);
    ok((await names("/api/v1/services")).includes("web"));
  });

  await using daemon = await startDaemon(node, ["--settle-time=200ms", ...PREFIX]);
  await ready(daemon);

  await test.step("a watch tells of what comes, changes and goes in the cache", async () => {
    const { metadata: { resourceVersion } } = await list(`${SHOP}/configmaps`);
    const enough = new AbortController();
    const query = `watch=true&resourceVersion=${resourceVersion}`;
    const events = api.watch(`${SHOP}/configmaps?${query}`, enough.signal);
    const next = async (): Promise<[string, string]> => {
      const late = setTimeout(() => enough.abort(), PATIENCE_MS);
      const { value } = await events.next() as IteratorResult<ApiEvent, ApiEvent>;
      clearTimeout(late);
      return [value.type, value.object.metadata.name];
    };
    const path = "kubelet/configmaps.v1.core/shop/fresh";
    for (const [rv, type] of [[50_001, "ADDED"], [50_002, "MODIFIED"]] as const) {
      node.write(path, { rv });
      deepStrictEqual(await next(), [type, "fresh"]);
    }
    strictEqual(await get(`${SHOP}/configmaps/fresh`), 200);
    node.remove(path);
    deepStrictEqual(await next(), ["DELETED", "fresh"]);
    strictEqual(await get(`${SHOP}/configmaps/fresh`), 404);
    enough.abort();
    await events.next().catch(() => {});
  });

  await test.step("an object that is gone from the cache is gone from the API", async () => {
    node.remove("kubelet/pods.v1.core/shop/web-5d8f7c9b6-h4t2m");
    await until("it is gone", async () => {
      return (await get(`${SHOP}/pods/web-5d8f7c9b6-h4t2m`)) === 404;
    }, PATIENCE_MS);
    deepStrictEqual(await names(`${SHOP}/pods`), ["web-5d8f7c9b6-q9z7c"]);
  });

  await test.step("what the apiserver made itself is in step, and no conflict", async () => {
    const { state, conditions } = await daemon.status();
    deepStrictEqual([state, conditions], ["in-step", []]);
    strictEqual(await get("/api/v1/namespaces/default/services/kubernetes"), 200);
  });

  await test.step("a node that retires takes its objects along", async () => {
    expectExit(await node.run(["retire", ...PREFIX]), 0);
    deepStrictEqual(await names(`${SHOP}/pods`), []);
    deepStrictEqual(await names("/api/v1/nodes"), []);
    strictEqual(await get("/api/v1/namespaces/default"), 200);
  });
  strictEqual((await daemon.stop()).code, 0);
});

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

function binary(): string {
  const path = Deno.env.get("EDGEKEYD_TEST_KUBE_APISERVER");
  if (path === undefined) throw new Error("no kube-apiserver: scripts/test builds it and names it");
  return path;
}
