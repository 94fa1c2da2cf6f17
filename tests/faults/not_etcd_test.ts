import { match, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { startDaemon, until } from "../agent/_daemon.ts";
import { expectExit, shown } from "../e2e/_contract.ts";
import { EdgeNode } from "../e2e/_node.ts";
import { TestAuthority } from "../support/certificates.ts";
import { freePort, startEtcd } from "../support/etcd_server.ts";
import {
  type ForeignServer,
  startAnswering,
  startGrpc,
  startHttp1,
  startHttp2,
  startTcp,
} from "../support/foreign_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";

const HTML = { "content-type": "text/html; charset=utf-8" };
const PORT = "name etcd's (own )?client port, 2379 as a rule, in --etcd-servers";
const PROXY = `it is no etcd, or a proxy that can't reach its etcd; ${PORT}.*the proxy's log`;
/** A call's time-out, and what the machine takes beside it. */
const TIMEOUT = "--etcd-timeout=2s";
const DEADLINE_MS = 30_000;

const FOREIGN: [what: string, start: () => Promise<ForeignServer>, says: string][] = [
  ["a web server", startHttp1, `speaks HTTP/1 alone, .* web server, etcd's metrics .*; ${PORT}`],
  [
    "a proxy that says 404 in HTML",
    () => startHttp2({ status: 404, headers: HTML, body: "<html>not found</html>" }),
    `says ("text/html.*"|HTTP status \\d+) in place of gRPC: ${PROXY}`,
  ],
  [
    "a proxy that says 502 in HTML",
    () => startHttp2({ status: 502, headers: HTML, body: "<html>bad gateway</html>" }),
    `says ("text/html.*"|HTTP status \\d+) in place of gRPC: ${PROXY}`,
  ],
  [
    "a proxy that says 404 and no more",
    () => startHttp2({ status: 404 }),
    `says HTTP status 404 in place of gRPC: ${PROXY}`,
  ],
  [
    "a proxy that says 503 and no more",
    () => startHttp2({ status: 503 }),
    `says HTTP status 503 in place of gRPC: ${PROXY}`,
  ],
  [
    "another gRPC server",
    () => startGrpc(12, "unknown service etcdserverpb.KV"),
    `speaks gRPC and is no etcd .*: ${PORT}`,
  ],
  [
    "kine",
    () => startGrpc(3, "etcdserver: unsupported operations in txn request"),
    "is not etcd itself .*: kine, which k3s has, .*; name a real etcd in --etcd-servers",
  ],
  [
    "an etcd that is too old",
    // StatusResponse: a header with a cluster's id, and the version.
    () => startAnswering(Uint8Array.of(10, 2, 8, 1, 18, 6, ...new TextEncoder().encode("3.3.25"))),
    "is too old: it is 3.3, and edgekeyd needs 3.4 or newer; upgrade etcd",
  ],
  [
    "a server of another protocol",
    () => startTcp((client) => void client.write("SSH-2.0-OpenSSH_9.6\r\n")),
    `speaks no HTTP/2: it is no etcd; ${PORT}`,
  ],
  [
    "one that ends each connection",
    () => startTcp((client) => void client.destroy()),
    `ends each connection at once: .* load balancer .*; ${PORT}`,
  ],
  [
    "one that takes connections and says nothing",
    () => startTcp(() => {}),
    "did not answer in time: a connection is taken there, and then nothing comes; .*listens there",
  ],
];

Deno.test("what is no etcd: a run says what it is, where, and what to do, within its deadline", async (t) => {
  for (const [what, start, says] of FOREIGN) {
    await t.step(what, async () => {
      await using foreign = await start();
      using node = new EdgeNode(`http://${foreign.address}`);
      node.write("kubelet/pods.v1.core/default/a");
      const run = await node.reconcile(TIMEOUT);
      expectExit(run, 1, new RegExp(`${foreign.address} ${says}`));
      ok(run.durationMs < DEADLINE_MS, shown(run));
    });
  }

  await t.step("a web server, spoken to in TLS", async () => {
    await using foreign = await startHttp1();
    using node = new EdgeNode(`https://${foreign.address}`);
    const { caFile } = new TestAuthority(node.root, "ca");
    const run = await node.reconcile(`--etcd-cafile=${caFile}`);
    expectExit(run, 1, /speaks HTTP\/1 alone/);
  });
});

Deno.test("etcd's peer port, with and without TLS: nothing is written by it, and it is said to be that", async (t) => {
  const says =
    /is etcd's peer port, .*; name etcd's client port, 2379 as a rule, in --etcd-servers/;
  await t.step("without TLS", async () => {
    const peer = `http://127.0.0.1:${freePort()}`;
    await using server = await startEtcd({ args: peerFlags(peer) });
    using node = new EdgeNode(peer);
    node.write("kubelet/pods.v1.core/default/a");
    for (const flag of ["--dry-run", "--require-single-txn"]) {
      expectExit(await node.reconcile(flag), 1, says);
    }
    await using daemon = await startDaemon(node);
    await until("it says so", async () => says.test((await daemon.ask("GET", "/readyz")).text));
    await daemon.stop();
    const etcd = rawEtcd(server.endpoint);
    try {
      strictEqual((await etcd.kv.range({ key: Buffer.from("/") })).header.revision, "1");
    } finally {
      etcd.close();
    }
  });
  await t.step("with TLS", async () => {
    const peer = `https://127.0.0.1:${freePort()}`;
    using node = new EdgeNode(peer);
    const ca = new TestAuthority(node.root, "ca");
    const own = ca.issue({ name: "server", hosts: ["127.0.0.1"] });
    await using _ = await startEtcd({
      args: [
        ...peerFlags(peer),
        `--peer-cert-file=${own.certFile}`,
        `--peer-key-file=${own.keyFile}`,
        `--peer-trusted-ca-file=${ca.caFile}`,
        "--peer-client-cert-auth",
      ],
    });
    node.write("kubelet/pods.v1.core/default/a");
    const { certFile, keyFile } = ca.issue({ name: "client" });
    const run = await node.reconcile(
      `--etcd-cafile=${ca.caFile}`,
      `--etcd-certfile=${certFile}`,
      `--etcd-keyfile=${keyFile}`,
    );
    expectExit(run, 1, says);
  });
});

function peerFlags(peer: string): string[] {
  return [
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=t=${peer}`,
  ];
}

Deno.test("a daemon whose endpoint is no etcd is up, not ready, and says why; with an etcd beside it all is well", async () => {
  await using foreign = await startGrpc(12, "unknown service etcdserverpb.KV");
  await using server = await startEtcd();
  using node = new EdgeNode(`http://${foreign.address}`);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  const says = /speaks gRPC and is no etcd/;
  await until("it says so", async () => says.test((await daemon.ask("GET", "/readyz")).text));
  const page = await node.run(["status"]);
  strictEqual(page.code, 1);
  match(page.stdout, says);
  await daemon.stop();

  using other = new EdgeNode(`http://${foreign.address},${server.endpoint}`, "other");
  for (let run = 1; run < 5; run++) {
    other.write("kubelet/pods.v1.core/default/a", { rv: run });
    expectExit(await other.reconcile(), 0);
  }
});

Deno.test("a corrupt cluster: exit 1 names the alarm and the cure, status too; then it goes on", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(), 0);
  const etcd = rawEtcd(server.endpoint);
  const says = /members differ, .*CORRUPT alarm.*etcdctl endpoint hashkv.*etcdctl alarm disarm/;
  try {
    const { header: { member_id: memberID } } = await etcd.maintenance.status();
    await etcd.maintenance.alarm({ action: "Activate", alarm: "Corrupt", memberID });
    node.write("kubelet/pods.v1.core/default/b");
    expectExit(await node.reconcile(), 1, says);
    expectExit(await node.reconcile("--dry-run"), 1, says);
    const page = await node.run(["status"]);
    strictEqual(page.code, 1);
    match(page.stdout, says);
    await etcd.maintenance.alarm({ action: "Deactivate", alarm: "Corrupt", memberID });
    expectExit(await node.reconcile(), 0);
  } finally {
    etcd.close();
  }
});
