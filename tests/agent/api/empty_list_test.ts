import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView, objectBytes } from "../../e2e/_node.ts";
import { startEtcd } from "../../support/etcd_server.ts";
import { expectError, ready, startDaemon, SWIFT } from "../_daemon.ts";
import { Contract } from "./_contract.ts";

const OF_APP = "/v1/components/app/resources";
const EMPTY = '{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[]}';
const ITEM = new TextDecoder().decode(objectBytes("app/configmaps.v1.core/shop/a"));
const FULL = EMPTY.replace("[]", `[${ITEM}]`);
const PUMPS = '{"kind":"PumpList","apiVersion":"pumps.io/v1","metadata":{},"items":null}';

Deno.test("the store API: a list that was put empty is a fact, one that never was put is not found", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  Deno.mkdirSync(`${node.cacheDir}/kubelet/leases.v1.coordination.k8s.io`);
  const more = [...SWIFT, "--max-component-keys=3"];
  const resourcesOf = async (api: Contract, component: string) =>
    ((await api.ask("GET", `/v1/components/${component}/resources`)).json as {
      gvr: string;
      keys: number;
    }[]).map(({ gvr, keys }) => `${keys} ${gvr}`);
  /** How many items each list has; NaN: it is not found. */
  const items = async (api: Contract, ...lists: string[]) => {
    const counts: number[] = [];
    for (const list of lists) {
      const answered = await api.ask("GET", list);
      if (answered.status !== 200) expectError(answered, 404, "NotFound");
      const { items } = answered.json as { items?: unknown[] };
      counts.push(items?.length ?? NaN);
    }
    return counts;
  };
  const lists = [
    `${OF_APP}/configmaps.v1.core`,
    `${OF_APP}/configmaps.v1.core?namespace=shop`,
    `${OF_APP}/pumps.v1.pumps.io`,
    `${OF_APP}/events.v1.core?namespace=a`,
    `${OF_APP}/events.v1.core?namespace=b`,
    `${OF_APP}/pods.v1.core`,
    "/v1/components/nobody/resources/pods.v1.core",
  ];
  const known = [0, 0, 0, 0, NaN, NaN, NaN];
  {
    await using daemon = await startDaemon(node, more);
    const api = await Contract.of(daemon);
    await ready(daemon);
    deepStrictEqual(await items(api, ...lists), lists.map(() => NaN));
    const before = (await etcd.keys("/")).size;
    for (
      const [path, body] of [
        ["configmaps.v1.core", FULL],
        ["configmaps.v1.core", EMPTY],
        ["pumps.v1.pumps.io", PUMPS],
        ["events.v1.core?namespace=a", EMPTY.replace("ConfigMap", "Event")],
      ] as const
    ) strictEqual((await api.ask("PUT", `${OF_APP}/${path}`, body)).status, 200);
    strictEqual((await etcd.keys("/")).size, before, "no key stands for an empty list");
    const over = await api.ask(
      "PUT",
      `${OF_APP}/services.v1.core`,
      EMPTY.replace("ConfigMapList", "ServiceList"),
    );
    expectError(over, 413, "TooLarge");
    match(over.text, /max-component-keys/);
    strictEqual((await daemon.stop()).code, 0);
  }
  await using daemon = await startDaemon(node, more);
  const api = await Contract.of(daemon);
  await ready(daemon);
  await t.step("after a restart, too", async () => {
    deepStrictEqual(await items(api, ...lists), known);
    deepStrictEqual(await resourcesOf(api, "app"), [
      "0 configmaps.v1.core",
      "0 events.v1.core",
      "0 pumps.v1.pumps.io",
    ]);
    deepStrictEqual((await api.ask("GET", `${OF_APP}/pumps.v1.pumps.io/keys`)).json, []);
  });
  await t.step("an empty directory of the fs cache is one", async () => {
    const leases = "/v1/components/kubelet/resources/leases.v1.coordination.k8s.io";
    const pods = "/v1/components/kubelet/resources/pods.v1.core";
    deepStrictEqual(await items(api, leases, pods, `${pods}?namespace=shop`), [0, 1, 0]);
    deepStrictEqual(await items(api, leases.replace("leases", "pods")), [NaN]);
    deepStrictEqual(await resourcesOf(api, "kubelet"), [
      "0 leases.v1.coordination.k8s.io",
      "1 pods.v1.core",
    ]);
  });
  await t.step("a component that is deleted has none any more", async () => {
    strictEqual((await api.ask("DELETE", "/v1/components/app")).status, 200);
    deepStrictEqual(await items(api, ...lists), lists.map(() => NaN));
  });
});
