import { match, strictEqual } from "node:assert/strict";
import { ready, startDaemon } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

const FLAGS = ["--components=kubelet,kublet", "--exclude-resources=lease,leases,Pods,v1/pods"];
const SAID = [
  /--components kublet: \S+ has no such component; did you mean kubelet\?/g,
  /--exclude-resources lease: neither Kubernetes nor \S+ has such a resource; did you mean leases/g,
  /--exclude-resources Pods: .*; did you mean pods\?/g,
  /--exclude-resources v1\/pods: .*; did you mean pods\?/g,
];

Deno.test("names in flags that are nowhere are told once, by a run and by the daemon", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  const run = await node.reconcile(...FLAGS);
  expectExit(run, 0);
  strictEqual(run.report.created, 1);
  for (const said of SAID) strictEqual(run.stderr.match(said)?.length, 1, run.stderr);
  match(run.stderr, /^edgekeyd: note: --components kublet/m);

  await using daemon = await startDaemon(node, FLAGS);
  await ready(daemon);
  strictEqual((await daemon.ask("POST", "/v1/reconcile")).status, 200);
  const { stderr: log } = await daemon.stop();
  for (const said of SAID) strictEqual(log.match(said)?.length, 1, log);
  match(log, /^warning: --exclude-resources Pods/m);
});
