import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ready, startDaemon, until } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

/** Every command, with arguments that it takes. */
const COMMANDS = [
  ["--reconcile"],
  ["--reconcile", "--dry-run"],
  ["run", "--listen=unix:/nowhere/api.sock"],
  ["status"],
  ["keys"],
  ["keys", "kubelet"],
  ["owners", "/registry/pods/default/a"],
  ["verify"],
  ["nodes"],
  ["delete-component", "kubelet"],
  ["delete-unclaimed", "/registry/pods/default/a"],
  ["import-key-cache", "/nowhere/file"],
  ["retire"],
];

/** What went wrong, of what is printed: one JSON document, and the same in a line on stderr. */
function failureIn(stdout: string, stderr: string): string {
  const { failure } = JSON.parse(stdout);
  match(failure.code, /^[A-Z][A-Za-z]+$/);
  ok(failure.message !== "" && !failure.message.includes("\n"));
  ok(stderr.includes(`edgekeyd: ${failure.message}\n`), stderr);
  return failure.code;
}

Deno.test("each command that fails says why in its JSON, whatever it is", async () => {
  using node = new EdgeNode("http://127.0.0.1:1");
  Deno.writeTextFileSync(`${node.root}/file`, "");
  for (const args of COMMANDS) {
    const run = await node.run([...args, "-o=json", `--state-dir=${node.root}/file`]);
    strictEqual(run.code, 1, args.join(" "));
    failureIn(run.stdout, run.stderr);
  }
  // Nothing was asked for that could fail.
  expectExit(await node.run(["keys", "--nothing", "-o=json"]), 2);
});

Deno.test("import-key-cache says in plain words why its file can't be read", async () => {
  using node = new EdgeNode("http://127.0.0.1:1");
  for (const [path, why] of [["missing", "there is no such file"], [".", "not a regular file"]]) {
    const { code, stderr } = await node.run(["import-key-cache", `${node.root}/${path}`]);
    deepStrictEqual([code, stderr], [1, `edgekeyd: cannot read ${node.root}/${path}: ${why}\n`]);
  }
});

Deno.test("keys of what never was are refused with the nearest names, by a command and by the API", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  node.write("kubelet/sensors.v1.devices.example.com/default/s");
  node.write("idle/pods.v1.core/default/.keep-nothing");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const refused = async (target: string, said: RegExp) => {
    const { status, json } = await daemon.ask("GET", target);
    const { code, message } = json as { code: string; message: string };
    deepStrictEqual([status, code], [404, "NotFound"], target);
    match(message, said);
  };
  for (const gvr of ["pods.v1.core", "sensors.v1.devices.example.com"]) {
    await refused(`/v1/components/kublet/resources/${gvr}/keys`, /did you mean kubelet\?/);
  }
  await refused("/v1/components/kubelet/resources/sensor.v1.devices.example.com/keys", /sensors\./);
  // What Kubernetes has, and what is known and holds nothing, are answered.
  for (
    const target of [
      "/v1/components/kubelet/resources/leases.v1.coordination.k8s.io/keys",
      "/v1/components/idle/resources/pods.v1.core/keys",
      "/v1/keys?component=kublet",
    ]
  ) deepStrictEqual((await daemon.ask("GET", target)).json, [], target);
  const { code, stdout, stderr } = await node.run(["keys", "kublet", "-o=json"]);
  strictEqual(code, 1);
  strictEqual(failureIn(stdout, stderr), "NotFound");
});

Deno.test("verify that finds a difference has the daemon put it right, and does not wait for its next full pass", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a", { rv: 5 });
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const key = `${node.prefix}/pods/default/a`;
  const before = (await etcd.keys(key)).get(key)?.value.toString() ?? "";
  await etcd.put(key, before.replace('"resourceVersion":"5"', '"resourceVersion":"4"'));
  strictEqual((await node.run(["verify"])).code, 3);
  await until(
    "put right",
    async () => (await etcd.keys(key)).get(key)?.value.toString() === before,
  );
});

Deno.test("status says whose etcd it is about when another is given", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(), 0);
  const other = "--etcd-servers=http://127.0.0.1:1";
  const said = /--etcd-servers/;
  match((await node.run(["status", other])).stderr, said);
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const run = await node.run(["status", other]);
  expectExit(run, 0);
  match(run.stderr, /the running daemon has --etcd-servers=\S+, and that counts/);
});
