import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { startProxy, type TcpProxy } from "../support/tcp_proxy.ts";
import { expectExit, shown } from "./_contract.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

const OBJECTS = 100;
/**
 * Far more than all reads of a run, far less than its one Txn, which in turn stays below the
 * 64 KiB that HTTP/2 lets through without a word from the other end.
 */
const INTO_THE_TXN = 20_000;

function fill(node: EdgeNode, options: { rv: number }): void {
  for (let i = 0; i < OBJECTS; i++) {
    node.write(`kubelet/configmaps.v1.core/default/c${i}`, {
      ...options,
      more: { data: { text: "x".repeat(300) } },
    });
  }
}

/** Runs until the Txn is on its way, waits until `reached`, and kills it. */
async function killMidTxn(
  node: EdgeNode,
  proxy: TcpProxy,
  reached: () => Promise<boolean> | boolean,
): Promise<void> {
  await using run = node.start(["--reconcile", "--settle-time=0", "--etcd-timeout=60s"]);
  const deadline = Date.now() + 20_000;
  while (proxy.sentBytes() < INTO_THE_TXN || !(await reached())) {
    ok(Date.now() < deadline, "the Txn was sent");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  run.kill("SIGKILL");
  strictEqual((await run.result).signal, "SIGKILL");
}

Deno.test("restart: the pending Txn of a killed run is resolved before the next plan", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);

  await t.step("it was applied, and the answer was lost", async () => {
    await using proxy = startProxy(server.port, { muteAfterBytes: INTO_THE_TXN });
    using node = new EdgeNode(proxy.endpoint, "applied");
    fill(node, { rv: 1 });
    const before = await etcd.revision();
    await killMidTxn(node, proxy, async () => await etcd.revision() !== before);
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, OBJECTS);
    const after = await etcd.revision();
    await expectPending(node, server, etcd);

    const next = await node.reconcile(`--etcd-servers=${server.endpoint}`);
    expectExit(next, 0);
    const { recovered, created, updated, unchanged } = next.report;
    deepStrictEqual({ recovered, created, updated, unchanged }, {
      recovered: 1,
      created: 0,
      updated: 0,
      unchanged: OBJECTS,
    });
    strictEqual(await etcd.revision(), after);
    const again = await node.reconcile(`--etcd-servers=${server.endpoint}`);
    strictEqual(again.report.recovered, 0);
  });

  await t.step("it never arrived: fenced off, and done anew", async () => {
    await using proxy = startProxy(server.port, { deafAfterBytes: INTO_THE_TXN });
    using node = new EdgeNode(proxy.endpoint, "lost");
    fill(node, { rv: 1 });
    const before = await etcd.revision();
    await killMidTxn(node, proxy, () => true);
    strictEqual(await etcd.revision(), before);
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, 0);
    await expectPending(node, server, etcd);

    // What it was to put has gone from the cache meanwhile.
    node.remove("kubelet/configmaps.v1.core/default/c0");
    const next = await node.reconcile(`--etcd-servers=${server.endpoint}`);
    expectExit(next, 0);
    const { recovered, created } = next.report;
    deepStrictEqual({ recovered, created }, { recovered: 1, created: OBJECTS - 1 });
    strictEqual((await etcd.keys(`${node.prefix}/`)).size, OBJECTS - 1);
    expectExit(await node.run(["verify", `--etcd-servers=${server.endpoint}`]), 0);
  });

  await t.step("etcd was paused with the Txn in its queue, and runs it after all", async () => {
    await using proxy = startProxy(server.port);
    using node = new EdgeNode(proxy.endpoint, "paused");
    fill(node, { rv: 1 });
    expectExit(await node.reconcile(), 0);
    fill(node, { rv: 2 });
    const begun = proxy.sentBytes();
    // The reads are through as soon as the Txn begins: etcd stops with part of it read.
    await using run = node.start(["--reconcile", "--settle-time=0", "--etcd-timeout=60s"]);
    const deadline = Date.now() + 20_000;
    while (proxy.sentBytes() < begun + INTO_THE_TXN) {
      ok(Date.now() < deadline, "the Txn was sent");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await server.kill("SIGSTOP");
    run.kill("SIGKILL");
    await run.result;
    await server.kill("SIGCONT");
    // It may have been applied before the pause, after it, or not at all: all is well then.
    const next = await node.reconcile(`--etcd-servers=${server.endpoint}`);
    expectExit(next, 0);
    strictEqual(next.report.created, 0);
    for (const { value } of (await etcd.keys(`${node.prefix}/`)).values()) {
      ok(value.toString().includes('"resourceVersion":"2"'));
    }
    expectExit(await node.run(["verify", `--etcd-servers=${server.endpoint}`]), 0);
  });

  await t.step(
    "an answer that never comes is exit 1 in time, and the next run goes on",
    async () => {
      await using proxy = startProxy(server.port, { muteAfterBytes: INTO_THE_TXN });
      using node = new EdgeNode(proxy.endpoint, "silent");
      fill(node, { rv: 1 });
      // Long enough for all that comes before the Txn, also on a busy machine.
      const silent = await node.reconcile("--etcd-timeout=2s");
      expectExit(
        silent,
        1,
        /etcd at http:\/\/127\.0\.0\.1:\d+(: no connection| did not answer) in time/,
      );
      ok(silent.durationMs < 45_000, shown(silent));
      const next = await node.reconcile(`--etcd-servers=${server.endpoint}`);
      expectExit(next, 0);
      strictEqual(next.report.recovered, 1);
    },
  );
});

/** A dry run reports what is pending, and neither it nor status resolves it. */
async function expectPending(node: EdgeNode, server: EtcdServer, etcd: EtcdView): Promise<void> {
  const servers = `--etcd-servers=${server.endpoint}`;
  const before = await etcd.revision();
  for (let look = 0; look < 2; look++) {
    const dry = await node.reconcile("--dry-run", servers);
    expectExit(dry, 0);
    match(dry.stderr, /^edgekeyd: note: a Txn of an earlier run is pending/);
    strictEqual(dry.report.recovered, 0);
  }
  const status = await node.run(["status", servers]);
  const pending = `a Txn of ${OBJECTS} keys is pending; ` +
    `\`edgekeyd --reconcile --state-dir ${node.stateDir}\` settles it`;
  expectExit(status, 3, new RegExp(`^edgekeyd: ${pending}$`));
  match(status.stdout, new RegExp(`^problem {6}${pending}$`, "m"));
  strictEqual(await etcd.revision(), before);
}
