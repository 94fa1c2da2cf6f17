import assert from "node:assert/strict";
import { clock } from "../../lib/cli/session.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { World } from "./_world.ts";

const POD = "kubelet/pods.v1.core/default";
const HOUR_MS = 3_600_000;
const DECADE_MS = 10 * 365 * 24 * HOUR_MS;
/** What has to be added to the clock for it to say that it is 1970. */
const EPOCH_MS = -Date.now();
/** From one run to the next: how wrong the clock is in the first, and in the second. */
const JUMPS: readonly (readonly [what: string, beforeMs: number, afterMs: number])[] = [
  ["of 1970, then right", EPOCH_MS, 0],
  ["right, then of 1970", 0, EPOCH_MS],
  ["right, then ten years ahead", 0, DECADE_MS],
  ["ten years ahead, then right", DECADE_MS, 0],
  ["right, then set back by an hour", 0, -HOUR_MS],
];

Deno.test("Clock.steadyMs() passes as time does, however the clock is set", () => {
  const { now } = Date;
  const before = clock.steadyMs();
  try {
    for (const jumpMs of [EPOCH_MS, DECADE_MS, -HOUR_MS]) {
      Date.now = () => now() + jumpMs;
      const passed = clock.steadyMs() - before;
      assert.ok(passed >= 0 && passed < HOUR_MS, `${passed} ms after ${jumpMs} ms`);
    }
  } finally {
    Date.now = now;
  }
});

Deno.test("reconcile() under a clock that jumps between two runs", async (t) => {
  await using server = await startEtcd();
  for (const [what, beforeMs, afterMs] of JUMPS) {
    await t.step(`${what}: what was deleted is known when a restore brings it back`, async () => {
      await using world = await World.start(server);
      const { files, node } = world;
      world.wrongMs = beforeMs;
      files.put(`${POD}/a`);
      files.put(`${POD}/b`);
      await world.run();
      const copy = await node.copyEtcd();
      files.remove(`${POD}/a`);
      assert.equal((await world.run()).deleted, 1);
      world.wrongMs = afterMs;
      await node.restart();
      for (const name of ["c", "d", "e"]) {
        files.put(`${POD}/${name}`);
        await world.run();
      }
      await copy.restore();
      assert.equal((await world.run()).deleted, 1);
      assert.deepEqual(
        await node.keys(),
        ["b", "c", "d", "e"].map((name) => `/pods/default/${name}`),
      );
    });

    await t.step(`${what}: deletes count for ten minutes, and no longer`, async () => {
      await using world = await World.start(server);
      const { files, node } = world;
      world.wrongMs = beforeMs;
      const names = Array.from({ length: 30 }, (_, at) => `p${at}`);
      const removeSome = (count: number) => {
        for (const name of names.splice(0, count)) files.remove(`${POD}/${name}`);
      };
      for (const name of names) files.put(`${POD}/${name}`);
      await world.run();
      removeSome(8);
      assert.equal((await world.run()).deleted, 8);
      world.wrongMs = afterMs;
      await node.restart();
      removeSome(8);
      // Nobody can tell a clock that went forward from a pause.
      const held = afterMs < beforeMs ? [{ component: "kubelet", deletes: 8 }] : [];
      assert.deepEqual((await world.run()).heldBack, held);
      world.aheadMs += 11 * 60_000;
      await node.restart();
      assert.deepEqual((await world.run()).heldBack, []);
      assert.equal((await node.keys()).length, 14);
    });
  }
});
