import { deepStrictEqual, doesNotMatch, match, ok, strictEqual } from "node:assert/strict";
import { expectError, ready, startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { edgekeyd } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { readStatus } from "../support/status.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode, EtcdView, objectBytes, QUICK } from "./_node.ts";

const SECRET = "kubelet/secrets.v1.core/default/s";

function nodeWithSecret(server: ConstructorParameters<typeof EdgeNode>[0]): EdgeNode {
  const node = new EdgeNode(server);
  node.write(SECRET);
  node.write("kubelet/pods.v1.core/default/a");
  return node;
}

Deno.test("a command leaves core Secrets out unless it is told otherwise, and every output says so", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = nodeWithSecret(server);
  const key = `${node.prefix}/secrets/default/s`;
  const isThere = async () => (await etcd.keys(key)).has(key);

  const dry = await node.run(["--reconcile", "--dry-run", ...QUICK]);
  expectExit(dry, 0);
  match(dry.stdout, /^left out {3}1 core Secret \(--include-secrets\)$/m);
  const run = await node.reconcile();
  expectExit(run, 0);
  deepStrictEqual([run.report.created, run.report.secretsLeftOut], [1, 1]);
  strictEqual(await isThere(), false);
  for (
    const [command, says] of [
      ["status", /^left out {5}1 core Secret at the last full pass \(--include-secrets\)$/m],
      ["verify", /^left out {2}1 core Secret at the last full pass \(--include-secrets\)$/m],
    ] as const
  ) {
    const told = await node.run([command]);
    expectExit(told, 0);
    match(told.stdout, says, shown(told));
    const json = await node.run([command, "-o=json"]);
    strictEqual(JSON.parse(json.stdout).secretsLeftOut, 1, shown(json));
  }

  // By flag, then by variable; each is for that run alone.
  expectExit(await node.reconcile("--include-secrets"), 0);
  ok(await isThere());
  const kept = await node.run(["--reconcile", ...QUICK], {
    env: { EDGEKEYD_INCLUDE_SECRETS: "true" },
  });
  expectExit(kept, 0);
  doesNotMatch(kept.stdout, /left out/);
  strictEqual(readStatus((await node.run(["status", "-o=json"])).stdout).secretsLeftOut, undefined);

  const letGo = await node.reconcile();
  expectExit(letGo, 0);
  match(letGo.stderr, /^edgekeyd: note: 1 core Secret that had been imported was let go: without/m);
  strictEqual(letGo.report.deleted, 1);
  strictEqual(await isThere(), false);
});

Deno.test("the daemon says once that it leaves core Secrets out, and refuses them by its API", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = nodeWithSecret(server);
  await using daemon = await startDaemon(node, [...SWIFT, "--resync-interval=1s"]);
  await ready(daemon);
  const resource = "/v1/components/app/resources/secrets.v1.core";
  const place = `${resource}/namespaces/default/objects/x`;
  const body = () => objectBytes("app/secrets.v1.core/default/x").slice();
  const list = (...items: unknown[]) =>
    JSON.stringify({ kind: "SecretList", apiVersion: "v1", metadata: {}, items });
  const before = await etcd.revision();
  for (const method of ["POST", "PUT"]) {
    expectError(await daemon.ask(method, place, body()), 403, "SecretsLeftOut");
  }
  const item = JSON.parse(new TextDecoder().decode(body()));
  expectError(await daemon.ask("PUT", resource, list(item)), 403, "SecretsLeftOut");
  strictEqual(await etcd.revision(), before);
  // What only lets go is none of that.
  strictEqual((await daemon.ask("PUT", resource, list())).status, 200);
  // Another full pass, and a new Secret, are no news.
  const { lastSuccessMs = 0 } = await daemon.status();
  node.write("kubelet/secrets.v1.core/default/t");
  await until("two more full passes", async () => {
    const { lastSuccessMs: now = 0, secretsLeftOut } = await daemon.status();
    return now > lastSuccessMs + 1_500 && secretsLeftOut === 2;
  });
  strictEqual((await etcd.keys(`${node.prefix}/secrets/`)).size, 0);
  const { stderr } = await daemon.stop();
  strictEqual(stderr.match(/core Secrets are left out; --include-secrets/g)?.length, 1, stderr);
});

Deno.test("a daemon that includes core Secrets is remembered as one, and they go with its component", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = nodeWithSecret(server);
  const secrets = async () => (await etcd.keys(`${node.prefix}/secrets/`)).size;
  {
    await using daemon = await startDaemon(node, [...SWIFT, "--include-secrets"]);
    await ready(daemon);
    strictEqual(await secrets(), 1);
    const resource = "/v1/components/app/resources/secrets.v1.core";
    const body = objectBytes("app/secrets.v1.core/default/x").slice();
    const put = await daemon.ask("POST", `${resource}/namespaces/default/objects/x`, body);
    strictEqual(put.status, 201, put.text);
    strictEqual(await secrets(), 2);
    strictEqual((await daemon.status()).settings["include-secrets"], "true");
    await daemon.stop();
  }
  // By hand, told only where the state is.
  const run = await edgekeyd(["--reconcile", `--state-dir=${node.stateDir}`, ...QUICK]);
  expectExit(run, 0);
  doesNotMatch(run.stdout, /left out|deleted/);
  strictEqual(await secrets(), 2);
  const gone = await edgekeyd(["delete-component", "app", `--state-dir=${node.stateDir}`]);
  expectExit(gone, 0);
  strictEqual(await secrets(), 1);
});

Deno.test("Secrets that come while the daemon runs are counted by the pass that sees them, each once", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const counted = (count: number | undefined) =>
    until(`${count} left out`, async () => (await daemon.status()).secretsLeftOut === count);
  node.write(SECRET);
  await counted(1);
  node.write(SECRET.replace("kubelet", "kube-proxy"));
  node.write(SECRET.replace(/s$/, "t"));
  await counted(2);
  const page = await node.run(["status"]);
  match(page.stdout, /^left out {5}2 core Secrets \(--include-secrets\)$/m, shown(page));
  node.remove(SECRET);
  node.remove(SECRET.replace(/s$/, "t"));
  await counted(1);
  node.remove("kube-proxy");
  await counted(undefined);
  const { stderr } = await daemon.stop();
  strictEqual(stderr.match(/^notice: core Secrets are left out/gm)?.length, 1, stderr);
});
