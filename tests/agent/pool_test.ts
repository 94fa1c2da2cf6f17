import { ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EdgeNode, EtcdView, type ObjectOptions } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type DaemonProcess, ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const NODES = 5;
/** So often a change is made until one meets no pause of the machine's. */
const ATTEMPTS = 5;
const PREFIX = "/registry";
const SHOP = "kube-proxy/services.v1.core/shop";
const WEB = `${SHOP}/web`;
const keyOf = (name: string) => `${PREFIX}/services/specs/shop/${name}`;
const WEB_KEY = keyOf("web");

/** A node of the pool, and its daemon. */
interface Member {
  readonly node: EdgeNode;
  readonly daemon: DaemonProcess;
}

/** The number that a metric of a daemon has. */
async function metric({ daemon }: Member, name: string): Promise<number> {
  const { text } = await daemon.ask("GET", "/metrics");
  const found = text.split("\n").filter((line) => line.startsWith(name));
  return found.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

const commits = (member: Member) => metric(member, "edgekeyd_cache_commits_total");
const txns = (member: Member) => metric(member, "edgekeyd_etcd_txn_duration_seconds_count");

/** Waits until nothing is left to be looked at. */
async function atRest({ node, daemon }: Member): Promise<void> {
  await until(`${node.name} at rest`, async () => {
    const { dirtyGroups, state } = await daemon.status();
    return dirtyGroups === 0 && state === "in-step";
  });
}

Deno.test("a change of an object that five nodes hold costs their etcd one put, two at most, and no node a write that put nothing", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  await using pool = new AsyncDisposableStack();
  const members: Member[] = [];
  for (let n = 1; n <= NODES; n++) {
    const node = pool.use(new EdgeNode(server, `node-${n}`));
    node.write(WEB, { rv: 1 });
    const daemon = await startDaemon(node, [...SWIFT, `--etcd-prefix=${PREFIX}`]);
    pool.use(daemon);
    members.push({ node, daemon });
    await ready(daemon);
  }
  for (const member of members) await atRest(member);
  const [author, ...others] = members;
  ok(author);

  const read = async (key: string) => {
    const { kvs: [kv] } = await etcd.raw.kv.range({ key: Buffer.from(key) });
    return kv;
  };
  const rvOf = async (key: string) =>
    JSON.parse((await read(key))?.value.toString() ?? "{}").metadata?.resourceVersion;
  const holds = async (key: string, bytes: Uint8Array) =>
    (await read(key))?.value.equals(bytes) === true;

  /** Writes an object on some nodes, and tells what that has cost etcd once all have taken it up. */
  const change = async (
    some: readonly Member[],
    path: string,
    key: string,
    options: ObjectOptions,
  ) => {
    const before = Number(await etcd.revision());
    const [sum, sent] = [commits, txns].map((of) => async () =>
      (await Promise.all(members.map(of))).reduce((all, one) => all + one, 0)
    );
    ok(sum && sent);
    const txnsBefore = await sent();
    const commitsBefore = new Map<Member, number>();
    for (const member of some) commitsBefore.set(member, await commits(member));
    let bytes = new Uint8Array();
    for (const { node } of some) bytes = new Uint8Array(node.write(path, options));
    await until(`${key} in etcd`, () => holds(key, bytes));
    for (const member of some) {
      const isTakenUp = async () => await commits(member) > (commitsBefore.get(member) ?? 0);
      await until(`taken up by ${member.node.name}`, isTakenUp);
      await atRest(member);
    }
    return { revisions: Number(await etcd.revision()) - before, txns: await sent() - txnsBefore };
  };
  /** Makes a change that must be cheap; again if the machine was too slow for all to wait. */
  const cheaply = async (some: readonly Member[], rv: number, nameOf: (rv: number) => string) => {
    const costs: { revisions: number; txns: number }[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const name = nameOf(rv + attempt);
      const cost = await change(some, `${SHOP}/${name}`, keyOf(name), { rv: rv + attempt });
      ok(cost.revisions >= 1, "it was put");
      if (cost.revisions <= 2 && cost.txns <= 2) return;
      costs.push(cost);
    }
    throw new Error(`no change was cheap: ${JSON.stringify(costs)}`);
  };

  await t.step("at the start one node puts it, and the others send nothing at all", async () => {
    strictEqual((await read(WEB_KEY))?.version, "1");
    const fences = [...(await etcd.keys("/edgekeyd/")).keys()].filter((key) =>
      key.endsWith("/fence")
    );
    strictEqual(fences.join(), "/edgekeyd/node-1/fence");
  });

  await t.step("a newer version, though the others see it first", async () => {
    await cheaply([...others, author], 10, () => "web");
  });

  await t.step("a new object, which nobody has put yet", async () => {
    await cheaply(members, 20, (rv) => `new-${rv}`);
  });

  await t.step("a newer version of what a node put that does not see it", async () => {
    await cheaply(others, 30, () => "web");
    author.node.write(WEB, { rv: 40 });
    await until("the newest", async () => await rvOf(WEB_KEY) === "40");
    for (const { node } of others) node.write(WEB, { rv: 40 });
    for (const member of members) await atRest(member);
  });

  await t.step("an etcd that came back empty is filled with each key once", async () => {
    await server.kill();
    for (const { daemon } of members) {
      await until("away", async () => (await daemon.ask("GET", "/readyz")).status === 503);
    }
    await server.start({ wipe: true });
    for (const { daemon } of members) await ready(daemon);
    for (const member of members) await atRest(member);
    const { kvs } = await etcd.raw.kv.range({
      key: Buffer.from(`${PREFIX}/`),
      range_end: Buffer.from(`${PREFIX}0`),
    });
    ok(kvs.length >= 2);
    for (const { key, version } of kvs) strictEqual(version, "1", key.toString());
  });
});
