import { ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EdgeNode, EtcdView, type ObjectOptions } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type DaemonProcess, ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const NODES = 5;
const PREFIX = "/registry";
const WEB = "kube-proxy/services.v1.core/shop/web";
const WEB_KEY = `${PREFIX}/services/specs/shop/web`;

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
  const expectCheap = ({ revisions, txns }: Awaited<ReturnType<typeof change>>) => {
    ok(revisions >= 1 && revisions <= 2, `${revisions} revisions`);
    ok(txns <= 2, `${txns} Txns`);
  };

  await t.step("at the start one node puts it, and the others send nothing at all", async () => {
    strictEqual((await read(WEB_KEY))?.version, "1");
    const fences = [...(await etcd.keys("/edgekeyd/")).keys()].filter((key) =>
      key.endsWith("/fence")
    );
    strictEqual(fences.join(), "/edgekeyd/node-1/fence");
  });

  await t.step("a newer version, though the others see it first", async () => {
    expectCheap(await change([...others, author], WEB, WEB_KEY, { rv: 2 }));
  });

  await t.step("a new object, which nobody has put yet", async () => {
    const path = "kube-proxy/services.v1.core/shop/new";
    expectCheap(await change(members, path, `${PREFIX}/services/specs/shop/new`, { rv: 3 }));
  });

  await t.step("a newer version of what a node put that does not see it", async () => {
    expectCheap(await change(others, WEB, WEB_KEY, { rv: 4 }));
    const late = await change([author], WEB, WEB_KEY, { rv: 4 });
    ok(late.revisions <= 1, `${late.revisions} revisions`);
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
    strictEqual(kvs.map(({ version }) => version).join(), "1,1");
  });
});
