import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { edgekeyd } from "../support/edgekeyd_process.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { say } from "../support/say.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode, QUICK } from "./_node.ts";

const IS_ROOT = Deno.uid() === 0;
if (!IS_ROOT) say("skipped: root by way of another user's state directory, which needs root");
const OWNER = 12_345;
const SECRET = "root's alone\n";

/** What root runs by hand, told where the state is and nothing else. */
const COMMANDS = [["keys"], ["status"], ["verify"], ["retire"], ["--reconcile", ...QUICK]];

/** Gives the state to the service's user, who can get there. */
function give(node: EdgeNode): void {
  Deno.chmodSync(node.root, 0o755);
  Deno.chownSync(node.stateDir, OWNER, OWNER);
  for (const { name } of Deno.readDirSync(node.stateDir)) {
    Deno.chownSync(`${node.stateDir}/${name}`, OWNER, OWNER);
  }
}

/** A node in step with one key, whose state is the service's. */
async function serviceNode(server: EtcdServer): Promise<EdgeNode> {
  const node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.run(["--reconcile", ...QUICK]), 0);
  give(node);
  return node;
}

Deno.test({
  name: "root's commands leave alone what a link in the service's state directory points to",
  ignore: !IS_ROOT,
  async fn() {
    await using server = await startEtcd();
    using node = await serviceNode(server);
    const secret = `${node.root}/secret`;
    Deno.writeTextFileSync(secret, SECRET, { mode: 0o600 });
    for (const [at, name] of ["lock", "cache.kv", "cache.kv-shm", "settings.json"].entries()) {
      const path = `${node.stateDir}/${name}`;
      const isThere = name !== "cache.kv-shm";
      if (isThere) Deno.renameSync(path, `${path}.away`);
      Deno.symlinkSync(at % 2 === 0 ? secret : "/nowhere/at/all", path);
      for (const command of at === 0 ? COMMANDS : COMMANDS.slice(at, at + 2)) {
        const run = await edgekeyd([...command, `--state-dir=${node.stateDir}`]);
        expectExit(run, 1);
        match(run.stderr, new RegExp(`${name} is a symbolic link; .*remove it`));
        doesNotMatch(run.stderr, /internal error/);
        const { uid, mode } = Deno.statSync(secret);
        deepStrictEqual([uid, (mode ?? 0) & 0o777], [0, 0o600]);
        strictEqual(Deno.readTextFileSync(secret), SECRET);
      }
      Deno.removeSync(path);
      if (isThere) Deno.renameSync(`${path}.away`, path);
    }
    const keys = await edgekeyd(["keys", `--state-dir=${node.stateDir}`]);
    expectExit(keys, 0);
    strictEqual(keys.stdout, "/n1/registry/pods/default/a\n");
  },
});

Deno.test({
  name: "root reads the cache as root, and what it writes to the state is the service's",
  ignore: !IS_ROOT,
  async fn() {
    await using server = await startEtcd();
    using node = await serviceNode(server);
    // Neither the cache (0700) nor its files (0600) can be read with the service's rights alone.
    Deno.chmodSync(node.cacheDir, 0o700);
    node.write("kubelet/pods.v1.core/default/b");
    const run = await edgekeyd(["--reconcile", `--state-dir=${node.stateDir}`, ...QUICK]);
    expectExit(run, 0);
    match(run.stdout, /^in-step: 1 created, 1 unchanged/);
    for (const { name } of Deno.readDirSync(node.stateDir)) {
      strictEqual(Deno.statSync(`${node.stateDir}/${name}`).uid, OWNER, name);
    }
  },
});

Deno.test("a state directory that others can write to is refused by every command", async () => {
  using node = new EdgeNode("http://127.0.0.1:1");
  Deno.mkdirSync(node.stateDir);
  Deno.chmodSync(node.stateDir, 0o777);
  for (const command of [...COMMANDS, ["run"]]) {
    const run = await node.run(command);
    expectExit(run, 1);
    match(run.stderr, /can be written to by others \(mode 0777\): .*chmod 700/);
    deepStrictEqual([...Deno.readDirSync(node.stateDir)], []);
  }
});

Deno.test({
  name: "root uses no state directory that a local user made first in a directory for all",
  ignore: !IS_ROOT,
  async fn() {
    using node = new EdgeNode("http://127.0.0.1:1");
    Deno.mkdirSync(node.stateDir, { mode: 0o700 });
    Deno.chmodSync(node.root, 0o1777);
    Deno.chownSync(node.stateDir, OWNER, OWNER);
    for (const command of [["keys"], ["--reconcile"]]) {
      const run = await node.run(command);
      expectExit(run, 1);
      match(run.stderr, /was made by user 12345 in .*, where everybody can make something/);
      deepStrictEqual([...Deno.readDirSync(node.stateDir)], []);
    }
  },
});

Deno.test({
  name: "root sends nothing of its own to an etcd that another user's settings name",
  ignore: !IS_ROOT,
  async fn() {
    using node = new EdgeNode("http://127.0.0.1:1");
    node.write("kubelet/pods.v1.core/default/a");
    expectExit(await node.run(["--reconcile", ...QUICK]), 1);
    const secret = `${node.root}/secret`;
    Deno.writeTextFileSync(secret, SECRET, { mode: 0o600 });
    // The service's user wants root's file, and has an etcd of its own.
    using theirs = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    let asked = 0;
    const heard = theirs.accept().then((connection) => {
      asked++;
      connection.close();
    }, () => {});
    const settings = {
      "etcd-servers": `http://127.0.0.1:${(theirs.addr as Deno.NetAddr).port}`,
      "etcd-username": "root",
      "etcd-password-file": secret,
      "cache-dir": node.cacheDir,
    };
    Deno.writeTextFileSync(`${node.stateDir}/settings.json`, JSON.stringify(settings));
    give(node);
    for (const command of COMMANDS.slice(1)) {
      const run = await edgekeyd([...command, `--state-dir=${node.stateDir}`]);
      expectExit(run, 1);
      match(
        run.stderr,
        /user 12345 can write, names \S+\/secret as --etcd-password-file; root does/,
      );
      doesNotMatch(run.stdout + run.stderr, /root's alone/);
    }
    // What systemd keeps for other services was not put there for edgekeyd.
    const others = "/run/credentials/other.service/token";
    const aimed = JSON.stringify({ ...settings, "etcd-password-file": others });
    Deno.writeTextFileSync(`${node.stateDir}/settings.json`, aimed);
    give(node);
    const run = await edgekeyd(["status", `--state-dir=${node.stateDir}`]);
    expectExit(run, 1);
    match(
      run.stderr,
      /names \S+other\.service\/token as --etcd-password-file; root does not read it/,
    );
    strictEqual(asked, 0);
    // Root may say that it is meant.
    const given = await edgekeyd([
      "status",
      `--state-dir=${node.stateDir}`,
      `--etcd-password-file=${secret}`,
      "--etcd-username=root",
    ]);
    doesNotMatch(given.stderr, /root does not read it/);
    strictEqual(asked, 1);
    await heard;
  },
});
