import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { localTransport } from "../../lib/agent/api/mod.ts";
import { type CacheUse, ClientError, NodeClient, RestingNode } from "../../lib/agent/mod.ts";
import { presentable } from "../../lib/cli/internal_error.ts";
import type { Exposure } from "../../lib/etcd/mod.ts";
import { World } from "../reconcile/_world.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type TxnHook, unreachable } from "../support/hooked_etcd.ts";

const PODS = 300;
const RECORDED = "kubelet#_v1_pods:/registry/pods/default/x\n";
const DELETE = "DELETE /v1/components/{component}";
const NOT_FOUND = { code: "NotFound" };
const through: TxnHook = (send) => send();

/** The way to a node at rest, what its cache was opened for, and what was said beside the answers. */
function clientOf(world: World, exposures: readonly Exposure[] = []) {
  const uses: CacheUse[] = [];
  const said: string[] = [];
  const node = new RestingNode({
    surroundings: {},
    reconcile: world.options(),
    rejoin: false,
    setup: () => ({ endpoints: ["http://e"], stateDir: world.node.stateDir, settings: {} }),
    idleService: () => undefined,
    lostDaemon: () => undefined,
    stateFailure: () => undefined,
    exposures: () => exposures,
    exposed: ({ about }) => said.push(about),
    withCache(use, work) {
      uses.push(use);
      return work(world.node.cache);
    },
    connect: () => Promise.resolve(world.node.etcd),
    store: () => world.node.context,
  });
  return { client: new NodeClient(localTransport(node, presentable)), uses, said };
}

Deno.test("RestingNode opens the cache for what each request needs, and not for more", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  world.files.put("kubelet/pods.v1.core/default/a");
  const { client, uses } = clientOf(world);
  const asked: [CacheUse, () => Promise<unknown>][] = [
    ["dry", () => client.ask("POST /v1/reconcile", { query: { dryRun: true } })],
    ["fill", () => client.ask("POST /v1/reconcile")],
    ["read", () => client.ask("GET /v1/status")],
    ["read", () => client.ask("GET /v1/keys")],
    ["read", () => client.ask("GET /v1/owners", { query: { key: "/a" } })],
    ["read", () => client.ask("GET /v1/verify")],
    ["fill", () => client.ask("POST /v1/import-key-cache", { body: RECORDED })],
    ["change", () => client.ask("POST /v1/delete-unclaimed", { body: "[]" })],
    ["change", () => rejects(client.ask(DELETE, { path: { component: "gone" } }), NOT_FOUND)],
    ["change", () => client.ask("POST /v1/retire")],
  ];
  for (const [use, ask] of asked) {
    await ask();
    deepStrictEqual(uses.splice(0), [use], String(ask));
  }
});

Deno.test("RestingNode says who else could have what etcd knows it by once: in the answer, or beside it", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  const { client, said } = clientOf(world, [{ about: "/password", reason: "all can read it" }]);
  await client.ask("POST /v1/reconcile");
  deepStrictEqual(said.splice(0), ["/password"]);
  const { conditions } = await client.ask("GET /v1/status");
  deepStrictEqual(conditions.map(({ condition }) => condition), ["credentials-exposed"]);
  deepStrictEqual(said, []);
});

Deno.test("RestingNode takes up a pass as the request differs from its own, and answers its report", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  world.files.put("kubelet/pods.v1.core/default/a");
  const { client } = clientOf(world);
  const { report } = await client.ask("POST /v1/reconcile", { query: { dryRun: true } });
  deepStrictEqual(report.plan?.map(({ action }) => action), ["put"]);
  strictEqual((await client.ask("POST /v1/reconcile")).report.created, 1);
  deepStrictEqual(await client.ask("GET /v1/keys", { query: { component: "kubelet" } }), [
    world.key("/pods/default/a"),
  ]);
  world.node.etcd.next(...Array<TxnHook>(20).fill(unreachable));
  world.files.put("kubelet/pods.v1.core/default/b");
  const { failure } = await client.ask("POST /v1/reconcile");
  deepStrictEqual(failure, { code: "Etcd", message: "nobody listens" });
});

Deno.test("RestingNode does not say in step of an etcd that a killed run has half filled", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  const files = ["a", "b"].map((name) => `kubelet/pods.v1.core/default/${name}`);
  for (const file of files) world.files.put(file);
  await world.run();
  const { client } = clientOf(world);
  const { cache } = world.node;
  const { expected, seq } = cache.fence;
  // As the run leaves it whose first Txn has given the fence back its value.
  await cache.giveUp({ expected, seq, newEpoch: true });
  const { state, conditions } = await client.ask("GET /v1/status");
  deepStrictEqual([state, conditions[0]?.condition], ["partial", "keys-unverified"]);
  await client.ask("POST /v1/reconcile");
  strictEqual((await client.ask("GET /v1/status")).state, "in-step");
});

Deno.test("a write that fails on its way says what it did until then", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server, { requestBytes: 4_096 });
  for (let pod = 0; pod < PODS; pod++) world.files.put(`kubelet/pods.v1.core/default/p${pod}`);
  await world.run();
  world.files.remove("kubelet");
  const { client } = clientOf(world);
  world.node.etcd.next(through, ...Array<TxnHook>(20).fill(unreachable));
  let done = 0;
  await rejects(
    client.ask(DELETE, { path: { component: "kubelet" } }),
    (error) => {
      ok(error instanceof ClientError);
      const { code, written } = error;
      strictEqual(code, "NotReady");
      ok(written && written.deleted > 0 && written.deleted < PODS, JSON.stringify(written));
      done = written.deleted;
      return true;
    },
  );
  strictEqual((await world.node.stored()).size, PODS - done);
});
