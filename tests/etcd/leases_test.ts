import { deepStrictEqual, match, notStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { checked } from "../../lib/etcd/checked.ts";
import type { Etcd, Lease, Leases } from "../../lib/etcd/mod.ts";
import { EtcdModel } from "../sim/etcd_model.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";
import { CONNECTING_MS, failure, withClient } from "./client.ts";

const KEY = Buffer.from("/edgekeyd/n1/alive");
const TTL = 60;

function leasesOf({ leases }: Etcd): Leases {
  if (!leases) throw new Error("there are none");
  return leases;
}

function put(etcd: Etcd, lease: string) {
  const request = { request_put: { key: KEY, value: Buffer.from("{}"), lease } };
  return etcd.txn({ compare: [], success: [request], failure: [] });
}

Deno.test("Etcd.leases: what is put under one goes with it; to keep one is no write", async () => {
  await using server = await startEtcd();
  const raw = rawEtcd(server.endpoint);
  try {
    await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
      const leases = leasesOf(etcd);
      const lease = await leases.grant(TTL);
      strictEqual(lease.ttlSeconds, TTL);
      notStrictEqual((await leases.grant(TTL)).id, lease.id);
      const { header: { revision } } = await put(etcd, lease.id);
      deepStrictEqual(await leases.keep(lease.id), lease);
      const { header, kvs } = await etcd.range({ key: KEY });
      deepStrictEqual([header.revision, kvs[0]?.lease], [revision, lease.id]);
      await raw.leaseClient.leaseRevoke({ ID: lease.id });
      strictEqual((await etcd.range({ key: KEY })).kvs.length, 0);
      strictEqual(await leases.keep(lease.id), undefined);
      match((await failure(put(etcd, lease.id))).message, /lease not found/);
    });
  } finally {
    raw.close();
  }
});

Deno.test("Etcd.leases: an etcd that asks who it is keeps them, one that is away is an error", async () => {
  await using server = await startEtcd();
  const admin = rawEtcd(server.endpoint);
  const { auth } = admin;
  await auth.userAdd({ name: "root", password: "root" });
  await auth.userGrantRole({ user: "root", role: "root" });
  await auth.userAdd({ name: "node", password: "node" });
  await auth.authEnable();
  admin.close();
  const passwordFile = await Deno.makeTempFile();
  Deno.writeTextFileSync(passwordFile, "node");
  try {
    const user = { username: "node", passwordFile };
    await withClient({ endpoints: [server.endpoint], ...user }, async (etcd) => {
      const { id } = await leasesOf(etcd).grant(TTL);
      strictEqual((await leasesOf(etcd).keep(id))?.id, id);
    });
  } finally {
    Deno.removeSync(passwordFile);
  }
  await server.kill();
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    strictEqual((await failure(leasesOf(etcd).grant(TTL))).reason, "unreachable");
    strictEqual((await failure(leasesOf(etcd).keep("1"))).reason, "unreachable");
    etcd.close();
    strictEqual((await failure(leasesOf(etcd).keep("1"))).reason, "unreachable");
  }, CONNECTING_MS);
});

Deno.test("checked() lets no lease through that etcd can't have given", async () => {
  const model = new EtcdModel();
  strictEqual(checked(model).leases, undefined);
  const lies: unknown[] = [
    null,
    {},
    { id: "", ttlSeconds: TTL },
    { id: "0", ttlSeconds: TTL },
    { id: "-1", ttlSeconds: TTL },
    { id: "x", ttlSeconds: TTL },
    { id: 7, ttlSeconds: TTL },
    { id: "7", ttlSeconds: NaN },
    { id: "7", ttlSeconds: "60" },
  ];
  const bad = { reason: "bad-answer" };
  const saying = (lease: unknown): Leases => {
    const said = () => Promise.resolve(lease as Lease);
    return leasesOf(
      checked(Object.assign(new EtcdModel(), { leases: { grant: said, keep: said } })),
    );
  };
  for (const lie of lies) {
    await rejects(saying(lie).grant(TTL), bad, JSON.stringify(lie));
    await rejects(saying(lie).keep("7"), bad, JSON.stringify(lie));
  }
  const honest = { id: "7", ttlSeconds: TTL };
  deepStrictEqual(await saying(honest).grant(TTL), honest);
  deepStrictEqual(await saying(honest).keep("7"), honest);
  await rejects(saying(honest).keep("8"), bad);
});
