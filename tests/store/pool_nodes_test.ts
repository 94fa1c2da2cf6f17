import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "../../lib/etcd/mod.ts";
import { encodeAlive, readPoolNodes } from "../../lib/store/mod.ts";
import { EtcdModel } from "../sim/etcd_model.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";

const LIFE = `20261130T135312Z.edge-1.${"a".repeat(32)}`;
const OTHER = `20261130T135312Z.edge-1.${"b".repeat(32)}`;
const SAID = { version: "0.1.0", life: LIFE, since: "2026-11-30T13:53:12Z" };
const MAX_TXN_OPS = 128;

Deno.test("readPoolNodes tells of each node with a fence or an alive key, and trusts no value", async () => {
  await using server = await startEtcd();
  const raw = rawEtcd(server.endpoint);
  const etcd = await connect({ endpoints: [server.endpoint], timeoutMs: 10_000 });
  try {
    const { ID: lease } = await raw.leaseClient.leaseGrant({ TTL: 600 });
    const put = (key: string, value: string | Uint8Array, under = "0") =>
      raw.kv.put({ key: Buffer.from(key), value: Buffer.from(value), lease: under });
    const fence = (life: string) => `${life}/7/${"c".repeat(32)}`;
    deepStrictEqual(await readPoolNodes(etcd, MAX_TXN_OPS), {
      nodes: [],
      strangers: 0,
      more: false,
    });

    await put("/edgekeyd/well/fence", fence(LIFE));
    await put("/edgekeyd/well/alive", encodeAlive(SAID), lease);
    await put("/edgekeyd/later/fence", fence(LIFE));
    const later = { ...SAID, version: "9.0.0-rc.1", claims: 3 };
    await put("/edgekeyd/later/alive", JSON.stringify(later), lease);
    await put("/edgekeyd/gone/fence", fence("0123456789abcdef"));
    await put("/edgekeyd/bare/alive", encodeAlive(SAID), lease);
    await put("/edgekeyd/twin/fence", fence(OTHER));
    await put("/edgekeyd/twin/alive", encodeAlive(SAID), lease);
    await put("/edgekeyd/fixed/alive", encodeAlive(SAID));
    await put("/edgekeyd/unfenced/fence", "forgotten");
    const garbage: (string | Uint8Array)[] = [
      "",
      "\0\xff",
      "null",
      "[]",
      "{",
      "{}",
      JSON.stringify({ ...SAID, version: "\x1b[2J" }),
      JSON.stringify({ ...SAID, version: 1 }),
      JSON.stringify({ ...SAID, life: "a/b" }),
      JSON.stringify({ ...SAID, since: "yesterday" }),
      JSON.stringify({ ...SAID, more: "x".repeat(1_000_000) }),
      Uint8Array.of(0xff, 0xfe),
    ];
    for (const [at, value] of garbage.entries()) {
      await put(`/edgekeyd/garbage-${at}/alive`, value, lease);
    }
    // None of a node's, however near.
    const strange = [
      "/edgekeyd//fence",
      "/edgekeyd/x",
      "/edgekeyd/x/fence/",
      "/edgekeyd/x/y/fence",
      "/edgekeyd/UPPER/fence",
      "/edgekeyd/\x1b[2J/alive",
      "/edgekeyd/claims0/other",
      `/edgekeyd/${"x".repeat(300)}/alive`,
    ];
    for (const key of strange) await put(key, "");
    // Claims are as many as there are objects: they are not looked at.
    await put("/edgekeyd/claims/registry/pods/a//well", "well");
    await put("/edgekeyd/claims/fence", fence(LIFE));

    for (const maxTxnOps of [1, 3, MAX_TXN_OPS]) {
      const { nodes, strangers, more } = await readPoolNodes(etcd, maxTxnOps);
      deepStrictEqual([strangers, more], [strange.length, false]);
      const known = nodes.filter(({ name }) => !name.startsWith("garbage"));
      const { since, version } = SAID;
      const fixed = known.find(({ name }) => name === "fixed");
      match(fixed?.problem ?? "", /^its alive key is under no lease, .*\/edgekeyd\/fixed\/alive$/);
      deepStrictEqual(known.filter(({ name }) => name !== "fixed"), [
        { name: "bare", alive: true, since, version },
        { name: "gone", alive: false, life: "0123456789abcdef" },
        { name: "later", alive: true, since, version: "9.0.0-rc.1", life: LIFE },
        {
          name: "twin",
          alive: true,
          since,
          version,
          life: OTHER,
          problem: "its alive key is another state directory's than its fence",
        },
        {
          name: "unfenced",
          alive: false,
          problem: "its fence holds nothing that edgekeyd wrote",
        },
        { name: "well", alive: true, since, version, life: LIFE },
      ]);
      const bad = nodes.filter(({ name }) => name.startsWith("garbage"));
      strictEqual(bad.length, garbage.length);
      for (const node of bad) {
        deepStrictEqual({ ...node, name: "" }, {
          name: "",
          alive: true,
          problem: "its alive key holds nothing that edgekeyd wrote",
        });
      }
    }
  } finally {
    etcd.close();
    raw.close();
  }
});

Deno.test("readPoolNodes looks at no more than it tells", async () => {
  const etcd = new EtcdModel();
  for (let at = 0; at < 10_050; at++) etcd.put(`/edgekeyd/n${at}/fence`, "x");
  const { nodes, more } = await readPoolNodes(etcd, MAX_TXN_OPS);
  strictEqual(nodes.length, 10_000);
  ok(more);
});
