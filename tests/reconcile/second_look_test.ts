import assert from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { World } from "./_world.ts";

const THEIRS = "kubelet/pods.v1.core/default/a";
const LOST = "kubelet/pods.v1.core/default/b";

Deno.test("reconcile() tells no conflict of a key that its second look puts", async () => {
  await using server = await startEtcd();
  await using world = await World.start(server);
  const { files, node } = world;
  for (const path of [THEIRS, LOST]) files.put(path);
  await world.look();
  await node.put(world.key("/pods/default/a"), "k8s\0theirs");
  await node.delete(world.key("/pods/default/b"));
  node.etcd.nextValues(async (send) => {
    const answer = await send();
    files.put(LOST, { resourceVersion: "99" });
    await node.delete(world.key("/pods/default/a"));
    return answer;
  });
  const { status, created, conflicts } = await world.look();
  assert.deepEqual({ status, created, conflicts }, {
    status: "in-step",
    created: 2,
    conflicts: [],
  });
});
