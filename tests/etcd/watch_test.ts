import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Etcd3 } from "etcd3";
import { checked } from "../../lib/etcd/checked.ts";
import { connect } from "../../lib/etcd/connect.ts";
import { EtcdError, type KeyWatch, type WatchEvent } from "../../lib/etcd/mod.ts";
import { EtcdModel } from "../sim/etcd_model.ts";
import { TestAuthority } from "../support/certificates.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";
import { startProxy } from "../support/tcp_proxy.ts";
import { CONNECTING_MS, failure, withClient } from "./client.ts";

const FENCE = "/edgekeyd/n1/fence";
const WATCHED = { deletedUnder: "/registry/", key: FENCE };

/** What a watch told, and a way to wait until it has told enough. */
function listener() {
  const events: WatchEvent[] = [];
  let heard = () => {};
  return {
    events,
    told(event: WatchEvent) {
      events.push(event);
      heard();
    },
    async until(count: number) {
      while (events.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        heard = resolve;
        await promise;
      }
    },
  };
}

async function withRaw(endpoint: string, use: (raw: Etcd3) => Promise<void>): Promise<void> {
  const raw = rawEtcd(endpoint);
  try {
    await use(raw);
  } finally {
    raw.close();
  }
}

const summary = ({ kind, key, value }: WatchEvent) => `${kind} ${key} ${value}`.trim();

Deno.test("Etcd.watch tells deletes under a prefix and all of one key, from its revision on", async () => {
  await using server = await startEtcd();
  await withRaw(server.endpoint, async (raw) => {
    await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
      await raw.put("/registry/pods/a").value("1");
      const { events, told, until } = listener();
      const watch = await etcd.watch(WATCHED, told);
      strictEqual(watch.header.revision, "2");
      await raw.put("/registry/pods/b").value("1");
      await raw.delete().key("/registry/pods/a");
      await until(1);
      await raw.put("/registry0").value("1");
      await raw.delete().key("/registry0");
      await raw.put(`${FENCE}/more`).value("1");
      await raw.put(FENCE).value("x");
      await raw.delete().key(FENCE);
      await until(3);
      deepStrictEqual(events.map(summary), [
        "delete /registry/pods/a",
        `put ${FENCE} x`,
        `delete ${FENCE}`,
      ]);
      deepStrictEqual(events.map(({ modRevision }) => modRevision), ["4", "8", "9"]);
      watch.close();
      strictEqual(await watch.ended, undefined);
    });
  });
});

Deno.test("Etcd.watch tells every delete of a Txn, however many, and goes on", async () => {
  await using server = await startEtcd({ args: ["--max-txn-ops=10000"] });
  await withRaw(server.endpoint, async (raw) => {
    await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
      const names = Array.from({ length: 100_000 }, (_, at) => `/registry/pods/default/p-${at}`);
      for (let at = 0; at < names.length; at += 10_000) {
        const success = names.slice(at, at + 10_000).map((name) => ({
          request_put: { key: Buffer.from(name), value: Buffer.of() },
        }));
        await raw.kv.txn({ compare: [], success, failure: [] });
      }
      const { events, told, until } = listener();
      const watch = await etcd.watch(WATCHED, told);
      await raw.delete().prefix("/registry/");
      await until(names.length);
      deepStrictEqual(new Set(events.map(({ key }) => key)), new Set(names));
      await raw.put("/registry/pods/default/p-0").value("1");
      await raw.delete().key("/registry/pods/default/p-0");
      await until(names.length + 1);
      watch.close();
      await watch.ended;
    });
  });
});

Deno.test("a watch ends when etcd dies; begun anew on an emptied one it tells what happens there", async () => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    await withRaw(server.endpoint, async (raw) => {
      for (let at = 0; at < 20; at++) await raw.put("/registry/a").value(`${at}`);
    });
    const watch = await etcd.watch(WATCHED, () => {});
    await server.kill();
    strictEqual((await watch.ended)?.reason, "unavailable");
    const refused = await failure(etcd.watch(WATCHED, () => {}));
    strictEqual(refused.reason, "unreachable");
    await server.start({ wipe: true });
    const { events, told, until } = listener();
    const anew = await etcd.watch(WATCHED, told);
    strictEqual(anew.header.revision, "1");
    await withRaw(server.endpoint, async (raw) => {
      await raw.put("/registry/a").value("1");
      await raw.delete().key("/registry/a");
    });
    await until(1);
    deepStrictEqual(events.map(summary), ["delete /registry/a"]);
    anew.close();
    await anew.ended;
  }, CONNECTING_MS);
});

Deno.test("a watch goes to the endpoint that answers, and ends when its connection goes deaf", async () => {
  await using server = await startEtcd();
  await using dead = startProxy(1);
  await using proxy = startProxy(server.port);
  await withClient({ endpoints: [dead.endpoint, proxy.endpoint] }, async (etcd) => {
    const watch = await etcd.watch(WATCHED, () => {});
    proxy.passage.deafAfterBytes = 0;
    const why = await watch.ended;
    strictEqual(why?.reason, "unavailable");
    match(why.message, new RegExp(`connection to etcd at ${proxy.endpoint} broke`));
  }, CONNECTING_MS);
});

Deno.test("closing the client ends its watches, and one that is about to begin", async () => {
  await using server = await startEtcd();
  await using silent = startProxy(server.port, { muteAfterBytes: 0 });
  const etcd = await connect({ endpoints: [server.endpoint], timeoutMs: 5_000 });
  const watch = await etcd.watch(WATCHED, () => {});
  etcd.close();
  strictEqual(await watch.ended, undefined);
  await rejects(etcd.watch(WATCHED, () => {}), EtcdError);

  const other = await connect({ endpoints: [silent.endpoint], timeoutMs: 60_000 });
  const beginning = failure(other.watch(WATCHED, () => {}));
  await new Promise((resolve) => setTimeout(resolve, 100));
  other.close();
  ok(["unreachable", "unavailable"].includes((await beginning).reason));
  await new Promise((resolve) => setTimeout(resolve, CONNECTING_MS));
});

Deno.test("a watch that does not begin in time is a timeout", async () => {
  await using server = await startEtcd();
  await using silent = startProxy(server.port, { muteAfterBytes: 0 });
  await withClient({ endpoints: [silent.endpoint], timeoutMs: 300 }, async (etcd) => {
    const { reason } = await failure(etcd.watch(WATCHED, () => {}));
    ok(["timeout", "unreachable"].includes(reason), reason);
  }, CONNECTING_MS);
});

Deno.test("a watch of what a role may not read is denied, with the prefix and the role", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-watch-" });
  await using server = await startEtcd();
  const passwordFile = `${directory}/password`;
  Deno.writeTextFileSync(passwordFile, "secret");
  try {
    await withRaw(server.endpoint, async ({ auth }) => {
      await auth.userAdd({ name: "root", password: "root" });
      await auth.userGrantRole({ user: "root", role: "root" });
      await auth.userAdd({ name: "node", password: "secret" });
      await auth.roleAdd({ name: "pods-only" });
      for (const [from, to] of [["/registry/pods/", "/registry/pods0"], [FENCE, `${FENCE}\0`]]) {
        await auth.roleGrantPermission({
          name: "pods-only",
          perm: {
            permType: "Readwrite",
            key: Buffer.from(from ?? ""),
            range_end: Buffer.from(to ?? ""),
          },
        });
      }
      await auth.userGrantRole({ user: "node", role: "pods-only" });
      await auth.authEnable();
    });
    const options = { endpoints: [server.endpoint], username: "node", passwordFile };
    await withClient(options, async (etcd) => {
      const denied = await failure(etcd.watch(WATCHED, () => {}));
      strictEqual(denied.reason, "permission-denied");
      match(denied.message, /denied permission to read \/registry\/ .*role pods-only/);
      const watch = await etcd.watch({ ...WATCHED, deletedUnder: "/registry/pods/" }, () => {});
      watch.close();
      await watch.ended;
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("a watch goes over TLS with a client certificate", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-watch-" });
  try {
    const authority = new TestAuthority(directory, "ca");
    const own = authority.issue({ name: "etcd", hosts: ["127.0.0.1"] });
    await using server = await startEtcd({
      scheme: "https",
      args: [
        `--cert-file=${own.certFile}`,
        `--key-file=${own.keyFile}`,
        "--client-cert-auth",
        `--trusted-ca-file=${authority.caFile}`,
      ],
    });
    const { certFile, keyFile } = authority.issue({ name: "agent" });
    const { caFile } = authority;
    await withClient({ endpoints: [server.endpoint], caFile, certFile, keyFile }, async (etcd) => {
      const { told, until } = listener();
      const watch = await etcd.watch(WATCHED, told);
      const fence = { request_put: { key: Buffer.from(FENCE), value: Buffer.from("x") } };
      await etcd.txn({ compare: [], success: [fence], failure: [] });
      await until(1);
      watch.close();
      await watch.ended;
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

/** Events that nobody asked for, each wrong in one way. */
const STRANGE: readonly (Partial<WatchEvent> | null)[] = [
  null,
  {},
  { kind: "put", key: "/registry/a" },
  { key: "/registry" },
  { key: "/elsewhere" },
  { modRevision: "0" },
  { modRevision: "x" },
];

Deno.test("a watch that tells what nobody asked for ends as an answer that is none", async () => {
  for (const strange of STRANGE) {
    let tell: (event: WatchEvent) => void = () => {};
    const model = new EtcdModel();
    const { range, rangeAll, txn, hasNoSpaceAlarm } = model;
    const etcd = checked({
      range,
      rangeAll,
      txn,
      hasNoSpaceAlarm,
      close() {},
      watch(request, told): Promise<KeyWatch> {
        tell = told;
        return model.watch(request, told);
      },
    });
    const { events, told } = listener();
    const watch = await etcd.watch(WATCHED, told);
    const good: WatchEvent = { kind: "delete", key: "/registry/a", value: "", modRevision: "2" };
    tell(good);
    const sent: unknown = strange && Object.keys(strange).length > 0
      ? { ...good, ...strange }
      : strange;
    tell(sent as WatchEvent);
    const why = await watch.ended;
    strictEqual(why?.reason, "bad-answer", JSON.stringify(strange));
    deepStrictEqual(events, [good]);
  }
});
