import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { ready, startDaemon } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { EdgeNode, EtcdView } from "./_node.ts";

/** As an apiserver writes a built-in kind: protobuf, behind four bytes. */
const PROTOBUF = new Uint8Array([0x6b, 0x38, 0x73, 0, 1, 2, 3]);

/** What every apiserver makes itself: where it is in the cache, and its key. */
const OWN = {
  "kube-proxy/services.v1.core/default/kubernetes": "services/specs/default/kubernetes",
  "kube-proxy/endpoints.v1.core/default/kubernetes": "services/endpoints/default/kubernetes",
  "kube-proxy/endpointslices.v1.discovery.k8s.io/default/kubernetes":
    "endpointslices/default/kubernetes",
  "agent/namespaces.v1.core/default": "namespaces/default",
};

Deno.test("what every apiserver makes itself is left to it, in step", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);

  await t.step("beside an apiserver that was there before", async () => {
    using node = new EdgeNode(server, "before");
    for (const [path, key] of Object.entries(OWN)) {
      node.write(path);
      await etcd.put(`${node.prefix}/${key}`, PROTOBUF);
    }
    node.write("kubelet/pods.v1.core/default/p");
    const first = await node.reconcile();
    deepStrictEqual([first.code, first.report.status, first.report.conflicts], [0, "in-step", []]);
    strictEqual(first.report.created, 1);
    const keys = await etcd.keys(`${node.prefix}/`);
    for (const key of Object.values(OWN)) {
      deepStrictEqual(new Uint8Array(keys.get(`${node.prefix}/${key}`)?.value ?? []), PROTOBUF);
    }
    strictEqual((await node.reconcile()).report.txns, 0, "a second run does nothing");
    const verify = await node.run(["verify"]);
    strictEqual(verify.code, 0, verify.stdout + verify.stderr);
    const status = await node.run(["status"]);
    strictEqual(status.code, 0, status.stdout + status.stderr);
  });

  await t.step("after an apiserver came and wrote them over ours", async () => {
    using node = new EdgeNode(server, "after");
    for (const path of Object.keys(OWN)) node.write(path);
    await using daemon = await startDaemon(node);
    await ready(daemon);
    for (const key of Object.values(OWN)) await etcd.put(`${node.prefix}/${key}`, PROTOBUF);
    const { code: asked, report } = await node.reconcile();
    deepStrictEqual([asked, report.conflicts], [0, []]);
    const { state, conflicts } = await daemon.status();
    deepStrictEqual([state, conflicts], ["in-step", []]);

    // It is not ours to delete, and no news that it stays.
    for (const component of ["kube-proxy", "agent"]) node.remove(component);
    const removed = await node.run(["delete-component", "kube-proxy"]);
    strictEqual(removed.code, 0, removed.stdout + removed.stderr);
    strictEqual(/default\/kubernetes/.test(removed.stdout + removed.stderr), false);
    strictEqual((await etcd.keys(`${node.prefix}/services/`)).size, 2);
    const { code, stderr } = await daemon.stop();
    strictEqual(code, 0, stderr);
    strictEqual(/left to others|by another/.test(stderr), false, stderr);
  });

  await t.step("another object of the same kind is a conflict as ever", async () => {
    using node = new EdgeNode(server, "other");
    node.write("kube-proxy/services.v1.core/default/web");
    await etcd.put(`${node.prefix}/services/specs/default/web`, PROTOBUF);
    const { code, report } = await node.reconcile();
    deepStrictEqual([code, report.status], [3, "partial"]);
    match(report.conflicts[0]?.reason ?? "", /apiserver/);
  });

  await t.step("what is missing is put", async () => {
    using node = new EdgeNode(server, "missing");
    for (const path of Object.keys(OWN)) node.write(path);
    strictEqual((await node.reconcile()).report.created, Object.keys(OWN).length);
    await etcd.raw.kv.deleteRange({
      key: Buffer.from(`${node.prefix}/namespaces/default`),
    });
    strictEqual((await node.reconcile()).report.created, 1);
  });
});
