import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ready, startDaemon, until } from "../agent/_daemon.ts";
import { TestAuthority } from "../support/certificates.ts";
import { startEdgekeyd } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { freePort } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";
import { readStatus } from "../support/status.ts";
import { expectExit } from "./_contract.ts";
import { byHand, settingsOf } from "./_by_hand.ts";
import { EdgeNode, EtcdView, QUICK } from "./_node.ts";

/** Each look is a program of its own, which takes seconds to start on a busy machine. */
const PATIENCE_MS = 90_000;

/** Whether a daemon runs there, and is in step. */
async function isInStep(node: EdgeNode): Promise<boolean> {
  const { code, stdout } = await byHand(node, "status", "-o=json");
  return code === 0 && readStatus(stdout).daemon;
}

for (const by of ["a one-shot run", "the daemon"]) {
  Deno.test(`commands without flags go by the settings of ${by}`, async () => {
    await using server = await startEtcd();
    using etcd = new EtcdView(server);
    using node = new EdgeNode(server);
    node.write("kubelet/pods.v1.core/default/a");
    if (by === "the daemon") {
      // With its etcd away, too: what it works with is known before that answers.
      await server.kill();
      await using daemon = await startDaemon(node);
      strictEqual(settingsOf(node)["cluster-id"], undefined);
      await server.start();
      await ready(daemon);
      await daemon.stop();
    } else {
      strictEqual((await node.reconcile()).code, 0);
    }
    const { "cluster-id": cluster, hostname, ...settings } = settingsOf(node);
    match(cluster ?? "", /^\d+$/);
    strictEqual(hostname, Deno.hostname().toLowerCase());
    strictEqual(settings["etcd-servers"], server.endpoint);
    strictEqual(settings["cache-dir"], node.cacheDir);
    strictEqual(settings["node-name"], "n1");
    strictEqual(settings["etcd-prefix"], "/n1/registry");
    strictEqual((Deno.statSync(`${node.stateDir}/settings.json`).mode ?? 0) & 0o777, 0o600);

    node.write("kubelet/pods.v1.core/default/b");
    const run = await byHand(node, "--reconcile");
    expectExit(run, 0);
    match(run.stdout, /^in-step: 1 created, 1 unchanged/);
    strictEqual((await etcd.keys("/n1/registry/")).size, 2);
    const status = await byHand(node, "status", "-o=json");
    expectExit(status, 0);
    deepStrictEqual(readStatus(status.stdout).etcd.endpoints, [server.endpoint]);
    expectExit(await byHand(node, "verify"), 0);
    expectExit(await byHand(node, "delete-unclaimed", "/n1/registry/pods/x"), 0);
    const retired = await byHand(node, "retire");
    expectExit(retired, 0);
    match(retired.stdout, /^2 deleted/);
    strictEqual((await etcd.keys("/")).size, 0);
  });
}

Deno.test("the daemon goes by what is remembered, and without that is refused", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const listen = `--listen=unix:${node.root}/api.sock`;
  for (const args of [["run"], ["run", `--cache-dir=${node.cacheDir}`], [listen]]) {
    expectExit(await byHand(node, ...args), 2, /nobody named an etcd.*EDGEKEYD_ETCD_SERVERS/);
  }
  strictEqual([...Deno.readDirSync(node.root)].some(({ name }) => name === "state"), false);
  node.write("kubelet/pods.v1.core/default/a");
  // A run that failed has named nothing: whatever listens at the default would be filled.
  const failed = ["--reconcile", "--etcd-servers=http://127.0.0.1:1", "--etcd-timeout=1s"];
  expectExit(await byHand(node, ...failed, "--node-name=n1", `--cache-dir=${node.cacheDir}`), 1);
  expectExit(await byHand(node, "run", listen), 2, /nobody named an etcd/);
  strictEqual((await node.reconcile("--etcd-prefix=/registry")).code, 0);
  await using daemon = startEdgekeyd(["run", listen, `--state-dir=${node.stateDir}`]);
  await until("in step", () => isInStep(node), PATIENCE_MS);
  daemon.kill("SIGTERM");
  strictEqual((await daemon.result).code, 0);
});

Deno.test("a daemon tells the settings that it goes by, whoever named them", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  const own = ["--conflict-policy=skip", "--max-delete-percent=90", "--exclude-resources=leases"];
  {
    await using daemon = await startDaemon(node, [...own, ...QUICK]);
    await ready(daemon);
    await daemon.stop();
  }
  const listen = `--listen=unix:${node.root}/api.sock`;
  await using daemon = startEdgekeyd(["run", listen, `--state-dir=${node.stateDir}`]);
  await until("in step", () => isInStep(node), PATIENCE_MS);
  const { stdout } = await byHand(node, "status", "-o=json");
  const { settings = {} } = readStatus(stdout);
  strictEqual(settings["etcd-servers"], server.endpoint);
  strictEqual(settings["conflict-policy"], "skip");
  strictEqual(settings["max-delete-percent"], "90");
  strictEqual(settings["exclude-resources"], "leases");
  const show = ["--reconcile", "--dry-run"];
  const same = await byHand(node, ...show, ...own, `--etcd-servers=${server.endpoint}`);
  strictEqual(same.stderr, "");
  const other = await byHand(node, ...show, "--max-delete-percent=50");
  match(other.stderr, /the running daemon has --max-delete-percent=90/);
  daemon.kill("SIGTERM");
  strictEqual((await daemon.result).code, 0);
});

Deno.test("how the daemon reconciles counts for commands without flags, and theirs never stay", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  node.write("kubelet/configmaps.v1.core/default/c");
  node.write("flanneld/configmaps.v1.core/default/d");
  {
    await using daemon = await startDaemon(node, ["--exclude-resources=pods", ...QUICK]);
    await ready(daemon);
    await daemon.stop();
  }
  const other = await node.reconcile("--dry-run");
  strictEqual(other.report.created, 1, "who names an etcd names all: nothing is left out");
  expectExit(await byHand(node, "--reconcile", "--components=flanneld"), 0);
  const run = await byHand(node, "--reconcile");
  expectExit(run, 0);
  match(run.stdout, /^in-step: 2 unchanged/);
  {
    await using daemon = await startDaemon(node, QUICK);
    await ready(daemon);
    strictEqual((await daemon.status()).keys, 3, "what a daemon is not given any more is over");
    await daemon.stop();
  }
  strictEqual(settingsOf(node)["exclude-resources"], undefined);
});

Deno.test("certificates and the password are remembered by their paths, seen from anywhere", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-e2e-remembered-" });
  try {
    const ca = new TestAuthority(directory, "ca");
    const serving = ca.issue({ name: "server", hosts: ["localhost", "127.0.0.1"] });
    await using server = await startEtcd({ scheme: "https", args: ca.etcdFlags(serving) });
    const { certFile, keyFile } = ca.issue({ name: "client" });
    using node = new EdgeNode(server);
    node.write("kubelet/pods.v1.core/default/a");
    const here = Deno.cwd();
    const up = "../".repeat(here.split("/").length - 1);
    const seen = (path: string) => `${up}${path.slice(1)}`;
    const run = await node.run([
      "--reconcile",
      `--etcd-cafile=${seen(ca.caFile)}`,
      `--etcd-certfile=${seen(certFile)}`,
      `--etcd-keyfile=${keyFile}`,
    ]);
    expectExit(run, 0);
    strictEqual(settingsOf(node)["etcd-certfile"], certFile);
    expectExit(await byHand(node, "verify"), 0);
    // Half of a pair is not made whole by another's half.
    const half = await byHand(node, "verify", `--etcd-certfile=${certFile}`);
    expectExit(half, 2, /--etcd-certfile and --etcd-keyfile go together/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("the user is remembered, its password never", async () => {
  await using server = await startEtcd();
  const admin = rawEtcd(server.endpoint);
  try {
    await admin.auth.userAdd({ name: "root", password: "very s3cret" });
    await admin.auth.userGrantRole({ user: "root", role: "root" });
    await admin.auth.authEnable();
  } finally {
    admin.close();
  }
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  const file = `${node.root}/password`;
  Deno.writeTextFileSync(file, "very s3cret\n", { mode: 0o600 });
  const user = ["--etcd-username=root", `--etcd-password-file=${file}`];
  expectExit(await node.run(["--reconcile", ...user]), 0);
  const text = Deno.readTextFileSync(`${node.stateDir}/settings.json`);
  strictEqual(text.includes("s3cret"), false);
  expectExit(await byHand(node, "verify"), 0);

  // A new password in another place is the same user's.
  const moved = `${node.root}/moved`;
  Deno.writeTextFileSync(moved, "very s3cret\n", { mode: 0o600 });
  expectExit(await byHand(node, "verify", `--etcd-password-file=${moved}`), 0);
  expectExit(await byHand(node, "verify", "--etcd-username=root"), 0);
  // The old one's password is no other user's.
  const other = await byHand(node, "verify", "--etcd-username=other");
  expectExit(other, 2, /--etcd-username and --etcd-password-file go together/);
  expectExit(await byHand(node, "--reconcile", `--etcd-password-file=${moved}`), 0);
  strictEqual(settingsOf(node)["etcd-password-file"], moved);
});

for (const by of ["a one-shot run", "the daemon"]) {
  Deno.test(`an etcd that was named and never answered is the one that status speaks of, by ${by}; one that is named later counts`, async () => {
    const away = `http://127.0.0.1:${freePort()}`;
    using node = new EdgeNode(away);
    node.write("kubelet/pods.v1.core/default/a");
    if (by === "the daemon") {
      await using daemon = await startDaemon(node);
      await daemon.stop();
    } else expectExit(await node.run(["--reconcile"]), 1, /can't reach etcd/);
    const page = await byHand(node, "status");
    match(page.stdout, new RegExp(`^etcd +${away}$`, "m"));

    // It was a slip, and so was the next one: neither is where anything of this node is.
    const slip = `http://127.0.0.1:${freePort()}`;
    const another = await node.run(["--reconcile", `--etcd-servers=${slip}`]);
    expectExit(another, 1, /can't reach etcd/);
    strictEqual(/must be the same etcd/.test(another.stderr), false, another.stderr);
    match((await byHand(node, "status")).stdout, new RegExp(`^etcd +${slip}$`, "m"));
    await using server = await startEtcd();
    const right = await node.run(["--reconcile", `--etcd-servers=${server.endpoint}`]);
    expectExit(right, 0);
    strictEqual(/must be the same etcd/.test(right.stderr), false, right.stderr);

    // From now on it is known.
    expectExit(await node.run(["--reconcile", `--etcd-servers=${slip}`]), 1);
    strictEqual(settingsOf(node)["etcd-servers"], server.endpoint);
  });
}

Deno.test("a host that has another name now: its node goes on under its own, which is said", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server, "old-name");
  node.write("kubelet/pods.v1.core/default/a");
  strictEqual((await node.reconcile()).code, 0);
  const settings = settingsOf(node);
  Deno.writeTextFileSync(
    `${node.stateDir}/settings.json`,
    JSON.stringify({ ...settings, hostname: "old-name" }),
  );
  const said = /this host is called \S+ now; its node goes on as old-name/;
  const verified = await byHand(node, "verify");
  expectExit(verified, 0);
  match(verified.stderr, said);
  // A name that was given is no host's.
  strictEqual(said.test((await node.run(["verify"])).stderr), false);
  {
    const listen = `--listen=unix:${node.root}/api.sock`;
    await using daemon = startEdgekeyd(["run", listen, `--state-dir=${node.stateDir}`]);
    await until("in step", () => isInStep(node), PATIENCE_MS);
    daemon.kill("SIGTERM");
    const { stderr } = await daemon.result;
    strictEqual(stderr.match(new RegExp(said, "g"))?.length, 1, stderr);
  }
  strictEqual(said.test((await byHand(node, "verify")).stderr), false, "once");
  // Where nothing is remembered, the node's name may be one that was given.
  Deno.removeSync(`${node.stateDir}/settings.json`);
  const servers = `--etcd-servers=${server.endpoint}`;
  const old = await byHand(node, "--reconcile", servers, `--cache-dir=${node.cacheDir}`);
  expectExit(old, 0);
  strictEqual(said.test(old.stderr), false, old.stderr);
  match(old.stdout, /^in-step: 1 unchanged/);
});

Deno.test("a first run that fails, with --node-name: nothing is said of another name of the host", async () => {
  using node = new EdgeNode(`127.0.0.1:${freePort()}`, "n2");
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.run(["--reconcile"]), 1, /can't reach etcd/);
  const status = await byHand(node, "status");
  match(status.stdout, /n2/);
  strictEqual(/this host is called/.test(status.stdout + status.stderr), false, status.stderr);
});

Deno.test("settings that are damaged: nothing goes to an etcd that nobody named", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  strictEqual((await node.reconcile()).code, 0);
  const file = `${node.stateDir}/settings.json`;
  for (const text of ["", "{", "[]", '{"etcd-servers":1}', `"${"x".repeat(100_000)}"`]) {
    Deno.writeTextFileSync(file, text);
    expectExit(await byHand(node, "retire"), 1, /settings\.json is damaged; remove it/);
  }
  Deno.writeTextFileSync(file, '{"etcd-servers":"nonsense:x"}');
  ok((await byHand(node, "retire")).code !== 0);
  expectExit(await node.run(["--reconcile"]), 0);
  expectExit(await byHand(node, "verify"), 0);
});
