import assert from "node:assert/strict";
import type { DeleteSample } from "../../lib/keycache/mod.ts";
import { condensed, losses, recentSamples, withOldJoined } from "../../lib/reconcile/losses.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { World } from "./_world.ts";

const POD = "kubelet/pods.v1.core/default";
const MINUTE = 60_000;
const names = (count: number, prefix = "p") =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);

/** Samples from texts: `minute: deletes of keys`. */
function samples(...texts: string[]): DeleteSample[] {
  return texts.map((text) => {
    const [minute = NaN, deletes = NaN, keys = NaN] = text.match(/[\d.]+/g)?.map(Number) ?? [];
    return { atMs: minute * MINUTE, keys, deletes };
  });
}

Deno.test("losses() adds up instalments of ten minutes, against the most keys in them", () => {
  const window = samples("0: 8 of 30", "4: 5 of 22", "9: 4 of 17", "11: 3 of 13");
  assert.deepEqual(losses(window), [
    { lost: 8, most: 30 },
    { lost: 13, most: 30 },
    { lost: 17, most: 30 },
    { lost: 12, most: 22 },
  ]);
});

Deno.test("losses() takes off what came in between, and no more than was lost", () => {
  const turnover = names(50).map((_, at) => `${at / 10}: 3 of 20`);
  assert.ok(losses(samples(...turnover)).every(({ lost }) => lost === 3));
  const growth = samples("0: 5 of 20", "1: 60 of 100", "2: 30 of 40");
  assert.deepEqual(losses(growth).at(-1), { lost: 90, most: 100 });
  // What others let go of, or was let go of by name, is neither.
  assert.deepEqual(losses(samples("0: 5 of 20", "1: 3 of 6")).at(-1), { lost: 8, most: 20 });
});

Deno.test("condensed() keeps what a window comes to, in no more than one sample a slot", () => {
  let at = 0;
  let keys = 100;
  const window = names(2_000).map((_, turn): DeleteSample => {
    at += 100;
    const deletes = turn * 7 % 4;
    keys += turn * 5 % 4 - deletes;
    return { atMs: at, keys: keys + deletes, deletes };
  });
  const short = condensed(window);
  assert.ok(short.length <= 21);
  assert.deepEqual(condensed(short), short);
  // What is left after each, and so the growth from one to the next, is as it was.
  const [whole, kept] = [window.at(-1), short.at(-1)];
  assert.equal(
    (kept?.keys ?? 0) - (kept?.deletes ?? 0),
    (whole?.keys ?? 0) - (whole?.deletes ?? 0),
  );
  assert.deepEqual(condensed(samples("0: 5 of 20", "0.05: 4 of 15", "0.1: 3 of 12")), [
    { atMs: 0.1 * MINUTE, keys: 20, deletes: 11 },
  ]);
});

Deno.test("recentSamples() forgets what is old, and what no clock was ever right about", () => {
  const window = samples("1: 1 of 9", "12: 1 of 9", "25: 1 of 9", "600: 1 of 9");
  assert.deepEqual(
    recentSamples(window, 20 * MINUTE).map(({ atMs }) => atMs / MINUTE),
    [12, 20],
  );
});

Deno.test("withOldJoined() makes one sample of all that no later delete is added to", () => {
  const window = samples("1: 1 of 9", "2: 2 of 8", "9: 1 of 6", "10: 2 of 5", "19: 1 of 3");
  assert.deepEqual(
    withOldJoined(window, 20 * MINUTE),
    samples("10: 6 of 5", "19: 1 of 3"),
  );
  assert.deepEqual(withOldJoined(window, 30 * MINUTE), samples("19: 7 of 3"));
  assert.deepEqual(withOldJoined(window, 10 * MINUTE), window);
  // A clock that was set back: none of them is old.
  assert.deepEqual(withOldJoined(window, 0), window);
  assert.deepEqual(withOldJoined([], 0), []);
});

Deno.test("the bulk-delete guard tells a disaster from what adds up, on a real etcd", async (t) => {
  await using server = await startEtcd();
  const step = (name: string, work: (world: World) => Promise<void>) =>
    t.step(name, async () => {
      await using world = await World.start(server);
      await work(world);
    });

  await step("turnover of more than all keys in ten minutes is no disaster", async (world) => {
    const { files } = world;
    for (const name of names(20)) files.put(`${POD}/${name}`);
    await world.run();
    for (let run = 0; run < 6; run++) {
      for (const name of names(8, run === 0 ? "p" : `r${run}-`)) files.remove(`${POD}/${name}`);
      for (const name of names(8, `r${run + 1}-`)) files.put(`${POD}/${name}`);
      const { heldBack, deleted, created } = await world.run();
      assert.deepEqual([heldBack, deleted, created], [[], 8, 8]);
      await world.node.restart();
    }
  });

  await step("nor is a trickle of single deletes, whatever it adds up to", async (world) => {
    const { files } = world;
    for (const name of names(30)) files.put(`${POD}/${name}`);
    await world.look();
    for (const name of names(30)) {
      world.wait(6_000);
      files.remove(`${POD}/${name}`);
      const { heldBack, deleted } = await world.look();
      assert.deepEqual([heldBack, deleted], [[], 1], name);
    }
  });

  await step("another cache in its place is one", async (world) => {
    const { files } = world;
    for (const name of names(20)) files.put(`${POD}/${name}`);
    await world.run();
    for (const name of names(20)) files.remove(`${POD}/${name}`);
    for (const name of names(20, "other-")) files.put(`${POD}/${name}`);
    assert.deepEqual((await world.run()).heldBack, [{ component: "kubelet", deletes: 20 }]);
  });

  /** Its list is written anew: what is missing can't be told to be gone. */
  const moved = ({ files }: World) => {
    files.rename(POD, "kubelet/pods.v1.core/away");
    for (const { name } of [...Deno.readDirSync(`${files.root}/kubelet/pods.v1.core/away`)]) {
      files.put(`${POD}/${name}`);
    }
    files.remove("kubelet/pods.v1.core/away");
  };

  await step("single deletes that had to wait together are none", async (world) => {
    const { files } = world;
    for (const name of names(40)) files.put(`${POD}/${name}`);
    await world.look();
    world.aheadMs = 0;
    for (const name of names(36)) {
      files.remove(`${POD}/${name}`);
      moved(world);
      world.wait(2 * MINUTE);
      world.touch(POD);
      assert.equal((await world.look()).deleted, 0);
    }
    // Nine tenths of them, but never more than a few in ten minutes.
    assert.equal((await world.node.keys()).length, 40);
    world.wait(2_000);
    const dry = await world.dryLook();
    assert.deepEqual([dry.heldBack, dry.deleted], [[], 36]);
    const { heldBack, deleted } = await world.look();
    assert.deepEqual([heldBack, deleted], [[], 36]);
    // What is stored of them is no more than ten minutes have.
    const window = world.node.cache.windows.get("kubelet") ?? [];
    assert.equal(window.reduce((sum, sample) => sum + sample.deletes, 0), 36);
    assert.ok(window.length <= 6, `${window.length} samples`);
    // They count as they were: another one goes, too.
    files.remove(`${POD}/p36`);
    world.wait(2_000);
    assert.equal((await world.look()).deleted, 1);
  });

  await step("many at once are, however long they had to wait", async (world) => {
    const { files } = world;
    for (const name of names(40)) files.put(`${POD}/${name}`);
    await world.look();
    world.aheadMs = 0;
    for (const name of names(21)) files.remove(`${POD}/${name}`);
    for (let minute = 0; minute < 15; minute++) {
      moved(world);
      world.wait(MINUTE);
      world.touch(POD);
      assert.equal((await world.look()).deleted, 0);
    }
    world.wait(2_000);
    const held = [{ component: "kubelet", deletes: 21 }];
    assert.deepEqual((await world.look()).heldBack, held);
    world.wait(60 * MINUTE);
    assert.deepEqual((await world.look()).heldBack, held);
    assert.equal((await world.look({ confirmDeletes: true })).deleted, 21);
  });

  await step("a disk that is wiped bit by bit is one, too", async (world) => {
    const { files } = world;
    for (const name of names(40)) files.put(`${POD}/${name}`);
    await world.look();
    let deleted = 0;
    for (let look = 0; look < 4; look++) {
      for (const name of names(40).slice(look * 9, look * 9 + 9)) files.remove(`${POD}/${name}`);
      world.wait(MINUTE);
      deleted += (await world.look()).deleted;
    }
    assert.equal(deleted, 18);
    assert.deepEqual((await world.look()).heldBack, [{ component: "kubelet", deletes: 18 }]);
  });
});
