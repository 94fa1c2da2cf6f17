import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView, objectBytes } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type DaemonProcess, ready, startDaemon, SWIFT, until } from "./_daemon.ts";

Deno.test("the log begins with what runs where, and ends with why it stopped", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const where = {
    node: "n1",
    cacheDir: node.cacheDir,
    stateDir: node.stateDir,
    etcd: server.endpoint,
    listen: `unix:${node.root}/api.sock`,
  };
  {
    await using daemon = await startDaemon(node, [...SWIFT, "--log-format=json"]);
    await ready(daemon);
    const { code, stderr } = await daemon.stop();
    strictEqual(code, 0, stderr);
    const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    const { time: _, version, ...started } = lines[0];
    deepStrictEqual(started, { level: "info", message: "started", ...where });
    match(version, /^\d+\.\d+\.\d+$/);
    const { time: __, ...stopped } = lines.at(-1);
    deepStrictEqual(stopped, { level: "info", message: "stopped", signal: "SIGTERM" });
  }
  await using daemon = await startDaemon(node);
  await ready(daemon);
  daemon.kill("SIGINT");
  await until("ended", () => daemon.ask("GET", "/healthz").then(() => false, () => true));
  const { stderr } = await daemon.stop();
  match(
    stderr,
    /^info: started version=\S+ node=n1 cacheDir=\S+ stateDir=\S+ etcd=\S+ listen=\S+\n/,
  );
  match(stderr, /^info: stopped signal=SIGINT\n$/m);
});

/** Where its directory is, is told by other tests. */
const HELD = [
  "warning: deletes held back component=kubelet deletes=20",
  "notice: no deletes held back any more component=kubelet",
];

function pod(name: string | number): string {
  return `kubelet/pods.v1.core/default/${name}`;
}

function writePods(node: EdgeNode): void {
  for (let at = 0; at < 20; at++) node.write(pod(at));
}

/** Ends a daemon, and answers what it logged that is no everyday line. */
async function endOf(daemon: DaemonProcess): Promise<string[]> {
  const { code, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  return stderr.split("\n").filter((line) => /^(warning|notice|error): /.test(line))
    .map((line) => line.replace(/ reason="its directory [^"]*"/, ""));
}

/** All pods are gone at once, and back at once when that was held back. */
async function loseAndFind(node: EdgeNode, daemon: DaemonProcess, meanwhile: () => Promise<void>) {
  const [pods, away] = [`${node.cacheDir}/kubelet/pods.v1.core/default`, `${node.root}/away`];
  Deno.renameSync(pods, away);
  await until("held back", async () => (await daemon.status()).heldBack.length > 0);
  await meanwhile();
  Deno.renameSync(away, pods);
  await until("in step", async () => (await daemon.status()).state === "in-step");
}

Deno.test("what is wrong is logged when it appears and when it clears, not at each pass", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const key = (name: string) => `${node.prefix}/pods/default/${name}`;
  const bad = "kube-proxy/nodes.v1.core/bad";
  writePods(node);
  node.write("kube-proxy/nodes.v1.core/edge-1");
  node.write("kube-proxy/pods.v1.core/default/theirs");
  node.write("kube-proxy/pods.v1.core/default/newer", { rv: 9 });
  Deno.writeTextFileSync(`${node.cacheDir}/${bad}`, "half");
  await etcd.put(key("theirs"), "k8s\0theirs");
  await etcd.put(key("newer"), objectBytes(pod("newer"), { rv: 8 }));
  const reasons = {
    newer: "etcd holds another importer's value (--conflict-policy skip)",
    theirs: "etcd holds a value that an apiserver wrote",
  };
  const flags = [...SWIFT, "--resync-interval=1s", "--conflict-policy=skip"];
  await using daemon = await startDaemon(node, flags);
  await ready(daemon);
  await loseAndFind(node, daemon, async () => {
    const { conflicts, invalid } = await daemon.status();
    deepStrictEqual(conflicts, [
      { key: key("newer"), reason: reasons.newer },
      { key: key("theirs"), reason: reasons.theirs },
    ]);
    deepStrictEqual(invalid.map(({ path }) => path), [bad]);
    const passes = new Set<number | undefined>();
    await until("five full passes", async () => {
      passes.add((await daemon.status()).lastSuccessMs);
      return passes.size > 5;
    });
    await etcd.raw.delete().key(key("theirs"));
    await etcd.raw.delete().key(key("newer"));
    node.remove(bad);
    await until("no conflict", async () => {
      const status = await daemon.status();
      return status.conflicts.length + status.invalid.length === 0;
    });
  });
  deepStrictEqual(
    (await endOf(daemon)).sort(),
    [
      ...HELD,
      `warning: not imported path=${bad} reason="not valid JSON"`,
      `notice: no longer invalid path=${bad}`,
      ...(["newer", "theirs"] as const).flatMap((name) => [
        `warning: key left to others key=${key(name)} reason="${reasons[name]}"`,
        `notice: no longer left to others key=${key(name)}`,
      ]),
    ].sort(),
  );
});

Deno.test("deletes are held back no longer than until their files are back", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  writePods(node);
  for (let at = 0; at < 3; at++) node.write(`kubelet/configmaps.v1.core/default/${at}`);
  // The next full pass is ten minutes away.
  await using daemon = await startDaemon(node);
  await ready(daemon);
  await loseAndFind(node, daemon, () => Promise.resolve());
  deepStrictEqual(await endOf(daemon), HELD);
});

Deno.test("deletes are held back no longer than until their component is let go by name", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  writePods(node);
  node.write("kube-proxy/services.v1.core/default/s");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  Deno.renameSync(`${node.cacheDir}/kubelet`, `${node.root}/away`);
  await until("held back", async () => (await daemon.status()).heldBack.length > 0);
  strictEqual((await daemon.ask("DELETE", "/v1/components/kubelet")).status, 200);
  await ready(daemon);
  deepStrictEqual(await endOf(daemon), HELD);
});

Deno.test("a write through the API is one line, with what it was and changed, and no content", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/shared", { rv: 7 });
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const app = "/v1/components/app";
  const at = (name: string) => `${app}/resources/pods.v1.core/namespaces/default/objects/${name}`;
  const bytes = (name: string, rv: number, component = "app") =>
    objectBytes(`${component}/pods.v1.core/default/${name}`, { rv }).slice();
  const list = (...items: Uint8Array[]) => {
    const texts = items.map((item) => new TextDecoder().decode(item));
    return `{"kind":"PodList","apiVersion":"v1","items":[${texts.join(",")}]}`;
  };
  const key = (name: string) => `${node.prefix}/pods/default/${name}`;
  const left = key("left");
  const revisions: string[] = [];
  const write = async (method: string, target: string, body?: BodyInit) => {
    const { status, text } = await daemon.ask(method, target, body);
    strictEqual(status < 300, true, text);
    revisions.push(await etcd.revision());
  };
  await write("POST", at("one"), bytes("one", 1));
  await write("PUT", at("one"), bytes("one", 2));
  await write("PUT", `${app}/resources/pods.v1.core?namespace=default`, list(bytes("two", 3)));
  // Nothing changes, then the cache alone.
  await write("PUT", `${app}/resources/pods.v1.core`, list(bytes("two", 3)));
  await write(
    "PUT",
    `${app}/resources/pods.v1.core`,
    list(bytes("two", 3), bytes("shared", 7, "kubelet")),
  );
  await write("DELETE", at("two"));
  await write("DELETE", app);
  await write("DELETE", app);
  await etcd.put(left, bytes("left", 5));
  await write("POST", "/v1/delete-unclaimed", JSON.stringify([left]));
  await etcd.put(left, bytes("left", 5));
  await write("POST", "/v1/import-key-cache", `gone#_v1_pods:${left}\n`);
  // What is refused changes nothing.
  strictEqual((await daemon.ask("POST", at("one"), "half")).status, 422);
  strictEqual((await daemon.ask("DELETE", at("none"))).status, 404);
  const { stderr } = await daemon.stop();
  const counts = (created: number, updated: number, deleted: number, released: number) =>
    `created=${created} updated=${updated} deleted=${deleted} released=${released}`;
  const lines = stderr.split("\n").filter((line) => line.includes("through the API"));
  const [one, two, three, , , six, , , nine] = revisions;
  deepStrictEqual(
    lines.map((line) => line.replace("info: changed through the API operation=", "")),
    [
      `createNamespacedObject component=app key=${key("one")} ${counts(1, 0, 0, 0)} keys=1 txns=1` +
      ` revision=${one}`,
      `updateNamespacedObject component=app key=${key("one")} ${counts(0, 1, 0, 0)} keys=1 txns=1` +
      ` revision=${two}`,
      `replaceList component=app ${counts(1, 0, 1, 0)} keys=1 txns=1 revision=${three}`,
      `replaceList component=app ${counts(0, 0, 0, 0)} keys=2 txns=0 revision=${three}`,
      `deleteNamespacedObject component=app key=${key("two")} ${counts(0, 0, 1, 0)} keys=1 txns=1` +
      ` revision=${six}`,
      `deleteComponent component=app ${counts(0, 0, 0, 1)} keys=0 txns=0`,
      `deleteUnclaimed ${counts(0, 0, 1, 0)} txns=1 revision=${nine}`,
      "importKeyCache taken=1 held=0 absent=0 left=0",
    ],
  );
});
