import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fromFileUrl } from "@std/path";
import { Etcd3 } from "etcd3";
import { connect } from "../../lib/etcd/connect.ts";
import { Connection } from "../../lib/etcd/connection.ts";
import { deadlineIn } from "../../lib/etcd/deadline.ts";
import type { EtcdErrorReason } from "../../lib/etcd/errors.ts";
import { freePort, startEtcd } from "../support/etcd_server.ts";
import { BACKOFF_MS, CONNECTING_MS, elapsed, failure, withClient } from "./client.ts";

const key = Buffer.from("k");

function put(name: string, value = "v") {
  return { request_put: { key: Buffer.from(name), value: Buffer.from(value) } };
}

Deno.test("connect: range, Txn and alarm on a healthy etcd", async () => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    const txn = await etcd.txn({
      compare: [{ key, target: "Version", result: "Equal", version: 0 }],
      success: [put("k"), { request_txn: { success: [put("nested")] } }],
    });
    strictEqual(txn.succeeded, true);
    const { kvs } = await etcd.range({ key });
    deepStrictEqual(kvs.map((kv) => [kv.value.toString(), kv.mod_revision]), [["v", "2"]]);
    strictEqual(await etcd.hasNoSpaceAlarm(), false);
  });
});

Deno.test("connect: refusals have a reason and leave no trace", async () => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    const cases: [EtcdErrorReason, ReturnType<typeof put>[]][] = [
      ["too-many-ops", Array.from({ length: 129 }, (_, i) => put(`k${i}`))],
      ["too-large", [put("k", "x".repeat(1.8 * 1024 * 1024))]],
      ["too-large", [put("k", "x".repeat(4 * 1024 * 1024))]],
      ["invalid", [put("k"), put("k")]],
    ];
    for (const [reason, success] of cases) {
      const error = await failure(etcd.txn({ success }));
      strictEqual(error.reason, reason, error.message);
      strictEqual(error.outcome, "not-applied");
    }
    strictEqual((await etcd.range({ key })).count, "0");
  });
});

Deno.test("connect: a revision that was compacted, and one still to come", async () => {
  await using server = await startEtcd();
  const admin = new Etcd3({ hosts: server.endpoint });
  try {
    for (const value of ["1", "2", "3"]) await admin.put("k").value(value);
    await admin.kv.compact({ revision: 4, physical: true });
  } finally {
    admin.close();
  }
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    strictEqual((await failure(etcd.range({ key, revision: 2 }))).reason, "compacted");
    strictEqual((await failure(etcd.range({ key, revision: 99 }))).reason, "invalid");
  });
});

Deno.test("connect: an answer that is too large", async () => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    await etcd.txn({ success: [put("k", "x".repeat(4096))] });
  });
  const connection = new Connection(server.endpoint, undefined, 1024);
  try {
    await rejects(
      connection.range({ key }, { deadline: deadlineIn(5000) }),
      /8: Received message larger than max/,
    );
  } finally {
    connection.close();
  }
});

Deno.test("connect: an etcd out of space", async () => {
  await using server = await startEtcd({ args: ["--quota-backend-bytes=4194304"] });
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    const fill = async () => {
      for (let i = 0; i < 16; i++) await etcd.txn({ success: [put(`k${i}`, "x".repeat(1e6))] });
    };
    const error = await failure(fill());
    strictEqual(error.reason, "no-space");
    strictEqual(error.outcome, "in-doubt");
    match(error.message, /out of space .*etcdctl alarm disarm/);
    // The alarm goes through raft, after the answer.
    const deadline = Date.now() + 5000;
    while (!(await etcd.hasNoSpaceAlarm())) ok(Date.now() < deadline, "no alarm");
  });
});

Deno.test("connect: nobody listens: fails fast, works again as soon as etcd is back", async () => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    await etcd.range({ key });
    await server.kill();
    for (let i = 0; i < 3; i++) {
      const took = await elapsed(failure(etcd.range({ key })));
      ok(took < 2_500, `${took} ms`);
    }
    const error = await failure(etcd.txn({ success: [put("k")] }));
    strictEqual(error.reason, "unreachable");
    match(error.message, /can't reach etcd at http.*ECONNREFUSED.*--etcd-servers/);
    await server.start();
    await etcd.txn({ success: [put("k")] });
  }, BACKOFF_MS);
});

Deno.test("connect: a name that does not resolve", async () => {
  await withClient({ endpoints: ["http://no-such-host.invalid:2379"] }, async (etcd) => {
    const error = await failure(etcd.range({ key }));
    strictEqual(error.reason, "unreachable", error.message);
  }, BACKOFF_MS);
});

Deno.test("connect: a frozen etcd costs the deadline and leaves a Txn in doubt", async () => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint], timeoutMs: 600 }, async (etcd) => {
    await etcd.range({ key });
    await server.kill("SIGSTOP");
    const call = failure(etcd.txn({ success: [put("k")] }));
    const took = await elapsed(call);
    ok(took >= 550 && took < 6_000, `${took} ms`);
    const error = await call;
    strictEqual(error.reason, "timeout", error.message);
    strictEqual(error.outcome, "in-doubt");
    match(error.message, /did not answer in time \(Deadline exceeded after 0\.\d+s\)/);

    await server.kill("SIGCONT");
    // Whether or not etcd still ran what was cut off, it did not get it twice.
    const [kv] = (await etcd.range({ key })).kvs;
    strictEqual(kv?.version ?? "1", "1");
  }, CONNECTING_MS);
});

Deno.test("connect: a Txn that never got a connection is never applied", async () => {
  await using server = await startEtcd();
  await server.kill("SIGSTOP");
  await withClient({ endpoints: [server.endpoint], timeoutMs: 400 }, async (etcd) => {
    const error = await failure(etcd.txn({ success: [put("k")] }));
    strictEqual(error.reason, "unreachable", error.message);
    match(error.message, /did not answer in time: a connection is taken there/);
    await server.kill("SIGCONT");
    strictEqual((await etcd.range({ key })).count, "0");
  }, CONNECTING_MS);
});

Deno.test("connect: a Txn's deadline grows with its bytes", async () => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint], timeoutMs: 300 }, async (etcd) => {
    await etcd.range({ key });
    await server.kill("SIGSTOP");
    const took = await elapsed(failure(etcd.txn({ success: [put("k")] }, 64 * 1024)));
    ok(took >= 1250 && took < 6_000, `${took} ms`);
  }, CONNECTING_MS);
});

Deno.test("connect: a killed etcd cuts the call off at once", async () => {
  await using server = await startEtcd();
  await withClient({ endpoints: [server.endpoint] }, async (etcd) => {
    await etcd.range({ key });
    await server.kill("SIGSTOP");
    const call = failure(etcd.txn({ success: [put("k")] }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.kill("SIGKILL");
    const error = await call;
    strictEqual(error.reason, "unavailable", error.message);
    strictEqual(error.outcome, "in-doubt");
  }, CONNECTING_MS);
});

Deno.test("connect: no call after close", async () => {
  const etcd = await connect({ endpoints: [`http://127.0.0.1:${freePort()}`], timeoutMs: 1000 });
  etcd.close();
  strictEqual((await failure(etcd.range({ key }))).outcome, "not-applied");
});

Deno.test("connect: options that can't work are refused before any call", async () => {
  const base = { endpoints: ["http://127.0.0.1:1"], timeoutMs: 1000 };
  await rejects(connect({ ...base, endpoints: [] }), { code: "EtcdConfig" });
  await rejects(connect({ ...base, username: "u" }), /--etcd-password-file go together/);
  await rejects(connect({ ...base, passwordFile: "/p" }), /--etcd-username/);
  await rejects(connect({ ...base, caFile: "/ca" }), /need https:\/\//);
});

Deno.test("connect: nothing keeps the process alive after close", async () => {
  await using server = await startEtcd();
  for (const endpoint of [server.endpoint, `http://127.0.0.1:${freePort()}`]) {
    const script = fromFileUrl(new URL("fixtures/connect_and_close.ts", import.meta.url));
    const begun = performance.now();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", script, endpoint],
      stdin: "null",
      signal: AbortSignal.timeout(20_000),
    });
    const { success, stdout, stderr } = await child.output();
    const took = performance.now() - begun;
    ok(success, `${took} ms: ${new TextDecoder().decode(stderr)}`);
    match(new TextDecoder().decode(stdout), /closed/);
    ok(took < 15_000, `${took} ms`);
  }
});
