import { deepStrictEqual, fail, match, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { AliveKey } from "../../lib/agent/alive_key.ts";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { connect } from "../../lib/etcd/mod.ts";
import { decodeAlive, encodeAlive } from "../../lib/store/mod.ts";
import { World } from "../reconcile/_world.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";
import { ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const KEY = "/edgekeyd/n1/alive";
const PASSWORD = "s3cret of the node";
const RESYNC_MS = 600_000;

async function found(etcd: EtcdView) {
  const { kvs: [kv] } = await etcd.raw.kv.range({ key: Buffer.from(KEY) });
  return kv && { said: decodeAlive(kv.value.toString()), lease: kv.lease, mod: kv.mod_revision };
}

Deno.test("the daemon keeps an alive key under a lease of three resync intervals, until it retires", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  {
    await using daemon = await startDaemon(node);
    await ready(daemon);
    const first = await found(etcd);
    ok(first?.said);
    match(first.said.version, /^\d+\.\d+\.\d+/);
    match(first.said.since, /^2\d{3}-.*Z$/);
    const fence = await etcd.keys("/edgekeyd/n1/fence");
    const [{ value } = { value: "" }] = fence.values();
    strictEqual(String(value).split("/")[0], first.said.life);
    const lease = await etcd.raw.leaseClient.leaseTimeToLive({ ID: first.lease });
    strictEqual(lease.grantedTTL, "1800");
    for (
      const { lease: none } of (await etcd.raw.kv.range({
        key: Buffer.from(`${node.prefix}/`),
        range_end: Buffer.from(`${node.prefix}0`),
      })).kvs
    ) strictEqual(none, "0", "no object key is under a lease");

    // It comes back with the keys.
    await server.kill();
    await server.start({ wipe: true });
    await until("put again", async () => await found(etcd) !== undefined, 60_000);
    await ready(daemon);
    strictEqual((await daemon.stop()).code, 0);
  }
  // A restart within the lease writes nothing.
  const before = await found(etcd);
  const revision = await etcd.revision();
  await using daemon = await startDaemon(node);
  await ready(daemon);
  strictEqual(await etcd.revision(), revision);
  deepStrictEqual(await found(etcd), before);
  expectExit(await node.run(["retire"]), 0);
  strictEqual((await etcd.keys("/")).size, 0);
  strictEqual((await daemon.stop()).code, 0);
});

Deno.test("retire without a daemon deletes what the last one kept alive", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  {
    await using daemon = await startDaemon(node);
    await ready(daemon);
    strictEqual((await daemon.stop()).code, 0);
  }
  strictEqual((await etcd.keys("/edgekeyd/")).size, 2);
  expectExit(await node.run(["retire"]), 0);
  strictEqual((await etcd.keys("/")).size, 0);
});

Deno.test("AliveKey asks for its lease once a third of it, without a write, and replaces what is not its own", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  using etcd = new EtcdView(server);
  const client = await connect({ endpoints: [server.endpoint], timeoutMs: 5_000 });
  try {
    const asked: string[] = [];
    let nowMs = 0;
    const clock = { ...world.clock, monotonicMs: () => nowMs };
    const { leases } = client;
    ok(leases);
    const counted = {
      range: client.range.bind(client),
      rangeAll: client.rangeAll.bind(client),
      hasNoSpaceAlarm: client.hasNoSpaceAlarm.bind(client),
      watch: client.watch.bind(client),
      close: () => {},
      txn(request: Parameters<typeof client.txn>[0]) {
        asked.push("put");
        return client.txn(request);
      },
      leases: {
        grant(ttlSeconds: number) {
          asked.push(`grant ${ttlSeconds}`);
          return leases.grant(ttlSeconds);
        },
        keep(id: string) {
          asked.push("keep");
          return leases.keep(id);
        },
      },
    };
    const context = { ...world.node.context, etcd: counted, clock };
    const alive = () => new AliveKey({ version: "1.2.3", resyncIntervalMs: RESYNC_MS });
    const key = `/edgekeyd/${context.cache.identity.nodeName}/alive`;
    const keep = async (one: AliveKey, wanted: readonly string[]) => {
      strictEqual(await one.keep(context, Date.now()), undefined);
      deepStrictEqual(asked.splice(0), wanted);
    };
    for (const garbage of ["", "null", "[]", '{"version":1}', "\0", "x".repeat(100_000)]) {
      await etcd.put(key, garbage);
      await keep(alive(), ["grant 1800", "put"]);
    }
    const one = alive();
    await keep(one, ["keep"]);
    await keep(one, []);
    nowMs += RESYNC_MS / 2;
    await keep(one, []);
    nowMs += RESYNC_MS / 2;
    const revision = await etcd.revision();
    await keep(one, ["keep"]);
    strictEqual(await etcd.revision(), revision);
    // Gone with its lease, as in an etcd that came back empty.
    const [{ lease } = { lease: "" }] = (await etcd.raw.kv.range({ key: Buffer.from(key) })).kvs;
    await etcd.raw.leaseClient.leaseRevoke({ ID: lease });
    nowMs += RESYNC_MS;
    await keep(one, ["grant 1800", "put"]);
    // Somebody deleted it, or wrote over it, and the lease is there all the same.
    await etcd.raw.kv.deleteRange({ key: Buffer.from(key) });
    nowMs += RESYNC_MS;
    await keep(one, ["grant 1800", "put"]);
    const { version, since } = decodeAlive(String((await etcd.keys(key)).get(key)?.value)) ??
      fail("it holds no value of ours");
    const { kvs: [{ lease: under } = { lease: "" }] } = await etcd.raw.kv.range({
      key: Buffer.from(key),
    });
    const theirs = encodeAlive({ version, since, life: "another" });
    await etcd.raw.kv.put({ key: Buffer.from(key), value: Buffer.from(theirs), lease: under });
    nowMs += RESYNC_MS;
    await keep(one, ["grant 1800", "put"]);
    // Of another version, or kept for too short a time.
    await keep(new AliveKey({ version: "1.2.4", resyncIntervalMs: RESYNC_MS }), [
      "grant 1800",
      "put",
    ]);
    await keep(new AliveKey({ version: "1.2.4", resyncIntervalMs: 2 * RESYNC_MS }), [
      "keep",
      "grant 3600",
      "put",
    ]);
    await keep(new AliveKey({ version: "1.2.5", resyncIntervalMs: 1_000 }), ["grant 60", "put"]);
  } finally {
    client.close();
  }
});

/** Asks etcd's JSON gateway something about users and roles. */
async function asked(
  { endpoint }: EtcdServer,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(`${endpoint}/v3/auth/${path}`, request);
  const text = await answer.text();
  strictEqual(answer.status, 200, text);
  return JSON.parse(text);
}

Deno.test("a role that may not write the alive key is a warning that names the key, and nothing else", async () => {
  await using server = await startEtcd();
  const admin = rawEtcd(server.endpoint);
  const { auth } = admin;
  const permit = (key: string, end = "") =>
    auth.roleGrantPermission({
      name: "node",
      perm: {
        permType: "Readwrite",
        key: Buffer.from(key),
        range_end: Buffer.from(end),
      },
    });
  await auth.userAdd({ name: "root", password: "root" });
  await auth.userGrantRole({ user: "root", role: "root" });
  await auth.userAdd({ name: "node", password: PASSWORD });
  await auth.roleAdd({ name: "node" });
  await auth.userGrantRole({ user: "node", role: "node" });
  await permit("/n1/registry/", "/n1/registry0");
  await permit("/edgekeyd/n1/fence");
  await auth.authEnable();
  admin.close();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  const passwordFile = `${node.root}/password`;
  Deno.writeTextFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  const user = ["--etcd-username=node", `--etcd-password-file=${passwordFile}`];
  await using daemon = await startDaemon(node, [...SWIFT, ...user]);
  await ready(daemon);
  const conditions = async () =>
    (await daemon.status()).conditions.filter(({ condition }) => condition === "alive-not-kept");
  const [said] = await conditions();
  deepStrictEqual([said?.kind, said?.items[0]?.about], ["warning", KEY]);
  match(said?.items[0]?.reason ?? "", /denied permission to read \/edgekeyd\/n1\/alive to user/);
  strictEqual((await daemon.status()).state, "in-step");
  expectExit(await node.run(["status", ...user]), 0);

  const { token } = await asked(server, "authenticate", { name: "root", password: "root" });
  const perm = { permType: "READWRITE", key: btoa(KEY) };
  await asked(server, "role/grant", { name: "node", perm }, { Authorization: String(token) });
  daemon.kill("SIGHUP");
  await until("the warning is gone", async () => (await conditions()).length === 0, 60_000);
  expectExit(await node.run(["retire", ...user]), 0);
  strictEqual((await daemon.stop()).code, 0);
});
