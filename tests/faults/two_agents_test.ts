import { match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ready, startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { expectExit, shown } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";

const LIFE = "life begun \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ on host [A-Za-z0-9.-]+";
const BOTH_LIVES = new RegExp(`here is a ${LIFE}.*; the fence is of a ${LIFE}, at its Txn \\d+`);
const FIGHT = /two agents use this node name and take its fence from each other/;
const CURE = /give one of the two another --node-name.*--reconcile --adopt/;

Deno.test("two agents of one name that both --adopt: each life takes over once, then exit 1 tells of both", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using one = new EdgeNode(server);
  using other = new EdgeNode(server);
  one.write("kubelet/pods.v1.core/default/a");
  other.write("kubelet/pods.v1.core/default/b");
  expectExit(await one.reconcile(), 0);
  expectExit(await other.reconcile(), 1, /another agent uses the name/, BOTH_LIVES, CURE);
  expectExit(await other.reconcile("--adopt"), 0);
  expectExit(await one.reconcile("--adopt"), 0);

  const revision = await etcd.revision();
  for (const flags of [["--adopt"], ["--adopt", "--dry-run"], []]) {
    expectExit(await other.reconcile(...flags), 1, FIGHT, BOTH_LIVES, CURE);
  }
  const page = await other.run(["status"]);
  strictEqual(page.code, 1, shown(page));
  match(page.stdout, FIGHT);
  match(page.stdout, CURE);
  strictEqual(await etcd.revision(), revision);
  expectExit(await one.reconcile(), 0);

  // What the message says: the other agent is stopped, and this one begins another life.
  Deno.renameSync(other.stateDir, `${other.stateDir}.aside`);
  expectExit(await other.reconcile("--adopt"), 0);
});

Deno.test("a state directory that was copied to a second agent: each takes over once, too", async () => {
  await using server = await startEtcd();
  using one = new EdgeNode(server);
  using copy = new EdgeNode(server);
  for (const node of [one, copy]) node.write("kubelet/pods.v1.core/default/a");
  expectExit(await one.reconcile(), 0);
  Deno.mkdirSync(copy.stateDir, { mode: 0o700 });
  for (const { name, isFile } of Deno.readDirSync(one.stateDir)) {
    if (isFile) Deno.copyFileSync(`${one.stateDir}/${name}`, `${copy.stateDir}/${name}`);
  }
  let rv = 1;
  const run = async (node: EdgeNode, ...flags: string[]) => {
    node.write("kubelet/pods.v1.core/default/a", { rv: ++rv });
    return await node.reconcile(...flags);
  };
  expectExit(await run(one), 0);
  expectExit(await run(copy), 1, /rolled back, or an agent works on a copy of it/, CURE);
  expectExit(await run(copy, "--adopt"), 0);
  expectExit(await run(one, "--adopt"), 0);
  expectExit(await run(copy, "--adopt"), 1, FIGHT, /the fence is of a copy of this one/, CURE);
});

Deno.test("two daemons of one name that both --adopt: one ends with exit 1, and the other goes on alone", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using one = new EdgeNode(server);
  using other = new EdgeNode(server);
  const start = (node: EdgeNode) =>
    node.start(["run", `--listen=unix:${node.root}/api.sock`, "--adopt", ...SWIFT], {
      timeoutMs: 120_000,
    });
  await using first = start(one);
  await using second = start(other);
  let loser: EdgeNode | undefined;
  const ended = Promise.race([
    first.result.then((result) => [one, result] as const),
    second.result.then((result) => [other, result] as const),
  ]).then((end) => {
    [loser] = end;
    return end;
  });
  ended.catch(() => {});
  let rv = 0;
  // Both have something to write, for as long as both are there.
  await until("one gives up", async () => {
    rv++;
    one.write("kubelet/pods.v1.core/default/a", { rv });
    other.write("kubelet/pods.v1.core/default/b", { rv });
    await new Promise((resolve) => setTimeout(resolve, 100));
    return loser !== undefined;
  }, 60_000);
  const [, result] = await ended;
  strictEqual(result.code, 1, shown(result));
  match(result.stderr, FIGHT);
  match(result.stderr, BOTH_LIVES);
  ok(loser);

  const survivor = loser === one ? other : one;
  const key = `${survivor.prefix}/pods/default/c`;
  survivor.write("kubelet/pods.v1.core/default/c");
  await until("the other goes on", async () => (await etcd.keys(key)).size === 1);
  notStrictEqual(survivor, loser);
});

Deno.test("three daemons of one name that all --adopt: two end with exit 1, and one goes on", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using a = new EdgeNode(server);
  using b = new EdgeNode(server);
  using c = new EdgeNode(server);
  const nodes = [a, b, c];
  const start = (node: EdgeNode) =>
    node.start(["run", `--listen=unix:${node.root}/api.sock`, "--adopt", ...SWIFT], {
      timeoutMs: 240_000,
    });
  await using one = start(a);
  await using two = start(b);
  await using three = start(c);
  const losers = new Map<EdgeNode, string>();
  for (const [at, process] of [one, two, three].entries()) {
    process.result.then((result) => {
      const node = nodes[at];
      if (node && result.signal === null) losers.set(node, `${result.code} ${result.stderr}`);
    });
  }
  let rv = 0;
  await until("two give up", async () => {
    rv++;
    for (const node of nodes) {
      if (!losers.has(node)) node.write("kubelet/pods.v1.core/default/a", { rv });
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    return losers.size === 2;
  }, 120_000);
  for (const said of losers.values()) {
    match(said, /^1 /);
    match(said, FIGHT);
    match(said, BOTH_LIVES);
  }
  const survivor = nodes.find((node) => !losers.has(node));
  ok(survivor);
  const key = `${survivor.prefix}/pods/default/c`;
  survivor.write("kubelet/pods.v1.core/default/c");
  await until("the third goes on", async () => (await etcd.keys(key)).size === 1);
  strictEqual(losers.size, 2);
});

Deno.test("one run beside a daemon of its name: refused, and the daemon ends only if it is told to adopt", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  using other = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  other.write("kubelet/pods.v1.core/default/b");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  for (const flags of [[], ["--dry-run"]]) {
    expectExit(await other.reconcile(...flags), 1, /another agent uses the name/, BOTH_LIVES, CURE);
  }
  strictEqual((await daemon.ask("GET", "/readyz")).status, 200);
  expectExit(await other.reconcile("--adopt"), 0);
  const { code, stderr } = await daemon.ended;
  strictEqual(code, 1);
  match(stderr, /another agent uses the name/);
  match(stderr, BOTH_LIVES);
  expectExit(await other.reconcile(), 0);
});
