import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { TestAuthority } from "../support/certificates.ts";
import { edgekeyd } from "../support/edgekeyd_process.ts";
import { freePort, startEtcd } from "../support/etcd_server.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

/** What the contract allows until a run says that etcd is away. */
const UNREACHABLE_MS = 30_000;

Deno.test("failures: an etcd that is away, stopped, or only partly there", async (t) => {
  await using server = await startEtcd();
  const dead = `http://127.0.0.1:${freePort()}`;

  await t.step("nobody listens", async () => {
    using node = new EdgeNode(dead);
    node.write("kubelet/pods.v1.core/default/a");
    // A component is only let go of where there is a cache: this makes one, and fails like the rest.
    await node.reconcile(`--state-dir=${node.root}/third`);
    const [run, dry, keys] = await Promise.all([
      node.reconcile(),
      node.reconcile("--dry-run", `--state-dir=${node.root}/other`),
      node.run(["delete-component", "gone", `--state-dir=${node.root}/third`]),
    ]);
    for (const result of [run, dry, keys]) {
      expectExit(result, 1, /can't reach etcd at http:\/\/127\.0\.0\.1:\d+: .*--etcd-servers/);
      ok(result.durationMs < UNREACHABLE_MS, shown(result));
    }
    strictEqual(run.report.status, "failed");
    deepStrictEqual(dry.report.plan, []);
    strictEqual(keys.stdout, "");
  });

  await t.step("one endpoint of two is dead, whichever comes first", async () => {
    for (const list of [`${dead},${server.endpoint}`, `${server.endpoint},${dead}`]) {
      using node = new EdgeNode(list, `partly${list.startsWith(dead) ? 1 : 2}`);
      node.write("kubelet/pods.v1.core/default/a");
      const run = await node.reconcile();
      expectExit(run, 0);
      strictEqual(run.report.created, 1);
    }
  });

  await t.step("stopped: no answer, and nothing is half done once it goes on", async () => {
    using etcd = new EtcdView(server);
    using node = new EdgeNode(server, "stopped");
    node.write("kubelet/pods.v1.core/default/a");
    await server.kill("SIGSTOP");
    const stopped = await node.reconcile();
    await server.kill("SIGCONT");
    expectExit(stopped, 1, /etcd at .* (did not answer in time|no connection in time)/);
    ok(stopped.durationMs < UNREACHABLE_MS, shown(stopped));
    strictEqual(stopped.report.status, "failed");
    expectExit(await node.reconcile(), 0);
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, 1);
  });
});

Deno.test("failures: cache root, flags' files, state directory", async (t) => {
  // None of these needs an etcd that answers, but for the scan, which comes after recovery.
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");

  await t.step("cache root missing, or no directory", async () => {
    expectExit(await node.reconcile(), 0);
    const missing = await node.reconcile(`--cache-dir=${node.root}/missing`);
    expectExit(missing, 1, /cache directory .*\/missing is missing: check --cache-dir/);
    strictEqual(missing.report.status, "failed");
    const file = await node.reconcile(
      `--cache-dir=${node.cacheDir}/kubelet/pods.v1.core/default/a`,
    );
    expectExit(file, 1, /is not a directory: check --cache-dir/);
    // An empty root while there are keys is held back, not an error.
    Deno.mkdirSync(`${node.root}/empty`);
    const empty = await node.reconcile(`--cache-dir=${node.root}/empty`);
    expectExit(empty, 3, /1 delete of kubelet held back/);
    expectExit(await node.reconcile(), 0);
  });

  await t.step("files that flags name", async () => {
    const missing = `${node.root}/missing`;
    Deno.writeTextFileSync(`${node.root}/text`, "no certificate");
    Deno.mkdirSync(`${node.root}/dir`);
    const tls = `--etcd-servers=https://127.0.0.1:${server.port}`;
    const cases: [string[], RegExp][] = [
      [[tls, `--etcd-cafile=${missing}`], /--etcd-cafile: can't read .*: there is no such file/],
      [[tls, `--etcd-cafile=${node.root}/dir`], /--etcd-cafile: .*: not a regular file/],
      [[tls, `--etcd-cafile=${node.root}/text`], /--etcd-cafile: .* is not PEM/],
      [
        ["--etcd-username=u", `--etcd-password-file=${missing}`],
        /--etcd-password-file: can't read .*: there is no such file/,
      ],
    ];
    const results = await Promise.all(
      cases.map(([args], index) =>
        node.reconcile(...args, `--state-dir=${node.root}/state${index}`)
      ),
    );
    for (const [index, result] of results.entries()) {
      expectExit(result, 1, cases[index]?.[1] ?? /$^/);
    }
  });

  await t.step("a file that has no end, or nobody writes to, or is too large", async () => {
    const large = `${node.root}/large`;
    using file = Deno.openSync(large, { write: true, create: true });
    file.truncateSync(32 * 1024 * 1024 + 1);
    const fifo = `${node.root}/fifo`;
    await new Deno.Command("mkfifo", { args: [fifo] }).output();
    const tls = `--etcd-servers=https://127.0.0.1:${server.port}`;
    const ca = new TestAuthority(node.root, "ca");
    const { certFile, keyFile } = ca.issue({ name: "client", hosts: [] });
    const cafile = `--etcd-cafile=${ca.caFile}`;
    const named: [string, (path: string) => string[]][] = [
      ["import-key-cache", (path) => ["import-key-cache", path]],
      ["--etcd-cafile", (path) => ["--reconcile", tls, `--etcd-cafile=${path}`]],
      [
        "--etcd-certfile",
        (
          path,
        ) => ["--reconcile", tls, cafile, `--etcd-certfile=${path}`, `--etcd-keyfile=${keyFile}`],
      ],
      [
        "--etcd-keyfile",
        (
          path,
        ) => ["--reconcile", tls, cafile, `--etcd-certfile=${certFile}`, `--etcd-keyfile=${path}`],
      ],
      [
        "--etcd-password-file",
        (path) => ["--reconcile", "--etcd-username=u", `--etcd-password-file=${path}`],
      ],
    ];
    for (const [name, args] of named) {
      for (const path of ["/dev/zero", fifo, node.root, large]) {
        const result = await node.run(args(path));
        const why = path === large ? /larger than \d+ bytes/ : /not a regular file/;
        expectExit(result, 1, why);
        match(result.stderr, new RegExp(name === "import-key-cache" ? "cannot read" : name));
      }
    }
    const settings = `${node.stateDir}/settings.json`;
    expectExit(await node.reconcile(), 0);
    Deno.removeSync(settings);
    await new Deno.Command("mkfifo", { args: [settings] }).output();
    const keys = await edgekeyd(["keys", `--state-dir=${node.stateDir}`]);
    expectExit(keys, 1, /settings\.json is no plain file/);
    Deno.removeSync(settings);
  });

  await t.step("a state directory that can't be used", async () => {
    const file = await node.reconcile(`--state-dir=${node.root}/text`);
    expectExit(file, 1, /cannot use --state-dir .*\/text: /);
    const under = await node.reconcile("--state-dir=/proc/edgekeyd");
    expectExit(under, 1, /cannot use --state-dir \/proc\/edgekeyd: /);
    const damaged = `${node.root}/damaged`;
    Deno.mkdirSync(damaged, { mode: 0o700 });
    Deno.writeTextFileSync(`${damaged}/cache.kv`, "this is no database".repeat(500));
    const peek = await node.run(["keys", `--state-dir=${damaged}`]);
    expectExit(peek, 1, /cache\.kv/);
    const moved = await node.reconcile(`--state-dir=${damaged}`);
    // A lost cache: its fence is another life's.
    expectExit(moved, 1, /--reconcile --adopt/);
    match(moved.stderr, /note: the component-key cache was damaged; it was moved to .*\.damaged-/);
  });
});

Deno.test("failures: one process at a time holds the state directory", async (t) => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(), 0);
  const locked = () => Deno.readTextFileSync(`${node.stateDir}/lock`);

  await t.step("a second one waits, then says who holds it; kill -9 lets it go", async () => {
    await server.kill("SIGSTOP");
    await using holder = node.start(["--reconcile", "--settle-time=0", "--etcd-timeout=60s"]);
    const deadline = Date.now() + 10_000;
    while (!locked().includes(`${holder.pid}\n`)) {
      ok(Date.now() < deadline, "the first run took the lock");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const second = await node.reconcile("--lock-timeout=300ms");
    expectExit(
      second,
      1,
      new RegExp(
        `state is held by another edgekeyd \\(pid ${holder.pid}\\) for more than 0\\.3 s; .*--lock-timeout`,
      ),
    );
    strictEqual(second.report.status, "failed");
    const keys = await node.run(["keys", "--lock-timeout=0"]);
    expectExit(keys, 1, /held by another edgekeyd/);

    const waiting = node.start(["--reconcile", "--settle-time=0", "--lock-timeout=20s"]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    holder.kill("SIGKILL");
    strictEqual((await holder.result).signal, "SIGKILL");
    await server.kill("SIGCONT");
    expectExit(await waiting.result, 0);
  });
});

Deno.test({
  name: "failures: what root makes in another user's state directory is that user's",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using server = await startEtcd();
    using node = new EdgeNode(server);
    node.write("kubelet/pods.v1.core/default/a");
    Deno.mkdirSync(node.stateDir, { mode: 0o700 });
    const uid = 12_345;
    Deno.chownSync(node.stateDir, uid, uid);
    expectExit(await node.reconcile(), 0);
    const entries = [...Deno.readDirSync(node.stateDir)];
    ok(entries.some(({ name }) => name === "cache.kv"));
    ok(entries.some(({ name }) => name === "lock"));
    for (const { name } of entries) {
      const info = Deno.statSync(`${node.stateDir}/${name}`);
      deepStrictEqual([name, info.uid, info.gid], [name, uid, uid]);
      strictEqual((info.mode ?? 0) & 0o077, 0, `${name} is for its owner alone`);
    }
  },
});
