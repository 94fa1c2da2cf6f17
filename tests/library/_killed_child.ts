/**
 * A program that embeds the store: it writes a list, then another, and is killed between the
 * intent of the second and its Txn. Arguments: state directory, etcd's endpoint.
 *
 * @module
 */
import { Connection } from "../../lib/etcd/connection.ts";
import { EdgeStore } from "../../lib/mod.ts";
import { objectBytes } from "../support/objects.ts";

const [stateDir = "", endpoint = ""] = Deno.args;
const store = await EdgeStore.open({
  stateDir,
  etcd: { endpoints: [endpoint], timeoutMs: 10_000 },
  nodeName: "n1",
});
const list = (...names: string[]) => ({
  component: "mine",
  gvr: { group: "", version: "v1", resource: "pods" },
  namespace: undefined,
  objects: names.map((name) => objectBytes({ name })),
});
await store.replaceList(list("a", "b"));
Connection.prototype.txn = () => {
  Deno.kill(Deno.pid, "SIGKILL");
  return new Promise(() => {});
};
await store.replaceList(list("b", "c"));
