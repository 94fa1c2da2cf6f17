import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon, until } from "./_daemon.ts";

const NODES = "kubelet/nodes.v1.core";
const PODS = "kubelet/pods.v1.core/default";
/** Far more often than the settle time, and than the debounce. */
const UPDATE_EVERY_MS = 60;
const FLAGS = ["--settle-time=1s", "--debounce=100ms"];

/** yurthub's updates of objects that stay, without a pause: backup, file, backup away. */
class Updates implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #rv = 100;

  constructor(node: EdgeNode, directory: string, names: readonly string[]) {
    const at = (name: string) => `${node.cacheDir}/${directory}/${name}`;
    this.#timer = setInterval(() => {
      const name = names[this.#rv % names.length] ?? "";
      Deno.renameSync(at(name), at(`tmp_${name}`));
      node.write(`${directory}/${name}`, { rv: ++this.#rv });
      Deno.removeSync(at(`tmp_${name}`));
    }, UPDATE_EVERY_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

Deno.test("what is removed from a directory that never rests is let go", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  const names = Array.from({ length: 20 }, (_, at) => `edge-${at}`);
  const filled = (name: string) => {
    const node = new EdgeNode(server, name);
    for (const name of names) node.write(`${NODES}/${name}`, { rv: 1 });
    node.write(`${PODS}/a`);
    node.write(`${PODS}/b`);
    return node;
  };
  const has = async (node: EdgeNode, key: string) =>
    (await etcd.keys(`${node.prefix}/${key}`)).has(`${node.prefix}/${key}`);

  await t.step("by the daemon, and it stays in step", async () => {
    using node = filled("daemon");
    await using daemon = await startDaemon(node, FLAGS);
    await ready(daemon);
    using _ = new Updates(node, NODES, names.slice(3));
    for (const name of names.slice(0, 3)) {
      node.remove(`${NODES}/${name}`);
      await until(`${name} gone`, async () => !(await has(node, `minions/${name}`)));
    }
    node.remove(`${PODS}/a`);
    await until("a quiet group's", async () => !(await has(node, "pods/default/a")));
    await until("in step", async () => {
      const { state, keys } = await daemon.status();
      return state === "in-step" && keys === 18;
    });
  });

  await t.step("but not while a file in the other layout holds its key", async () => {
    using node = filled("layouts");
    await using daemon = await startDaemon(node, FLAGS);
    await ready(daemon);
    node.write("kubelet/pods/default/a", { apiVersion: "v1" });
    node.remove(`${PODS}/a`);
    await until("its file is that one", async () => {
      const key = encodeURIComponent(`${node.prefix}/pods/default/a`);
      const owners = (await daemon.ask("GET", `/v1/owners?key=${key}`)).json;
      return (owners as { source: string }[])[0]?.source === "older";
    });
    strictEqual(await has(node, "pods/default/a"), true);
    node.remove("kubelet/pods/default/a");
    await until("gone with it", async () => !(await has(node, "pods/default/a")));
  });

  await t.step("by the one-shot", async () => {
    using node = filled("one-shot");
    await node.reconcile();
    using _ = new Updates(node, NODES, names.slice(3));
    node.remove(`${NODES}/edge-0`);
    const { report, code } = await node.reconcile("--settle-time=1s");
    deepStrictEqual([report.deleted, code], [1, 0]);
    strictEqual(await has(node, "minions/edge-0"), false);
  });
});
