import assert from "node:assert/strict";
import { type ComponentKeyCache, memoryCache } from "../../lib/keycache/mod.ts";
import type { ReconcileOutcome } from "../../lib/reconcile/mod.ts";
import { Prng } from "../sim/prng.ts";
import { validObject } from "./_contents.ts";
import { contentsOf } from "./_etcd_contents.ts";
import { CACHE_OPTIONS, contextOf, pass } from "./_pass.ts";
import { runCases } from "./_seeds.ts";
import { CONTROL, FENCE_KEY, PREFIX, World } from "./_world.ts";

/** A whole case; far more than any takes, far less than a hang. */
const DEADLINE_MS = 20_000;
const SETTLE_MS = 2_000;

Deno.test("whole reconciles of hostile caches: nothing is lost, nothing stray is written", async () => {
  await runCases("reconciles", async (seed) => {
    const cache = await memoryCache(CACHE_OPTIONS);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${DEADLINE_MS} ms`)), DEADLINE_MS);
    });
    try {
      await Promise.race([oneLife(new Prng(seed), cache), late]);
    } finally {
      clearTimeout(timer);
      cache.close();
    }
  });
});

Deno.test("an object with too many owners, under the longest names there are, costs no other", async () => {
  const prng = new Prng(1);
  const world = new World(prng);
  const object = {
    kind: "Node",
    apiVersion: "v1",
    namespace: "",
    name: "crowded",
    uid: "u".repeat(128),
    resourceVersion: "9223372036854775807",
  };
  for (let i = 100; i < 200; i++) {
    // In JSON each of these characters takes six bytes.
    const path = `${i}${"\u0001".repeat(252)}/nodes.v1.core/crowded`;
    world.fs.set(path, { kind: "file", bytes: validObject(object) });
  }
  const cache = await memoryCache(CACHE_OPTIONS);
  try {
    const { failure, report } = await pass(contextOf(world.etcd, cache, prng), world, SETTLE_MS);
    assert.equal(failure, undefined);
    const now = contentsOf(world.model);
    assert.ok(now.has(`${PREFIX}/minions/crowded`));
    for (const { key } of world.valid.values()) assert.ok(now.has(key), key);
    const tooMany = report.invalid.filter(({ reason }) => /more owners than/.test(reason));
    assert.ok(tooMany.length > 0 && tooMany.length < 90, String(tooMany.length));
  } finally {
    cache.close();
  }
});

/** A cache is imported, harmed a few times, and emptied at last. */
async function oneLife(prng: Prng, cache: ComponentKeyCache): Promise<void> {
  const world = new World(prng);
  const context = {
    ...contextOf(world.etcd, cache, prng),
    maxTxnOps: prng.pick([8, 128]),
    requestBytes: prng.pick([32 * 1024, 1_500_000]),
  };
  const run = async () => {
    const recorded = new Set(cache.files.keys());
    const outcome = await pass(context, world, SETTLE_MS);
    const said = `${world.log.join("\n")}\n${JSON.stringify(outcome.report)}`;
    assert.equal(outcome.failure, undefined, `${outcome.failure?.stack}\n${said}`);
    assert.deepEqual(world.strayWrites, [], said);
    check(world, cache, recorded, outcome, said);
    return outcome;
  };
  await run();
  for (let round = prng.between(1, 3); round > 0; round--) {
    for (let harms = prng.between(1, 6); harms > 0; harms--) world.harm();
    for (const path of [...world.valid.keys()]) {
      if (path.startsWith(`${CONTROL}/`)) world.update(path);
    }
    await run();
    const again = await run();
    const { created, updated, deleted } = again.report;
    assert.deepEqual({ created, updated, deleted }, { created: 0, updated: 0, deleted: 0 });
  }
  world.empty();
  await run();
  const left = [...contentsOf(world.model).keys()].filter((key) => key !== FENCE_KEY);
  assert.deepEqual(
    left.sort(),
    [...world.foreign.keys()].sort(),
    `ghosts\n${world.log.join("\n")}`,
  );
  assert.deepEqual([...cache.rows.keys()], [], world.log.join("\n"));
}

function check(
  world: World,
  cache: ComponentKeyCache,
  recorded: ReadonlySet<string>,
  outcome: ReconcileOutcome,
  said: string,
) {
  const now = contentsOf(world.model);
  for (const [key, value] of world.foreign) {
    assert.equal(now.get(key), value, `foreign ${key} was changed\n${said}`);
  }
  const conflicts = new Set(outcome.report.conflicts.map(({ key }) => key));
  for (const [key, value] of now) {
    if (key === FENCE_KEY || world.foreign.has(key)) continue;
    assert.ok(world.texts.get(key)?.has(value) ?? false, `${key} holds what no file held\n${said}`);
    assert.ok(cache.rows.has(key), `${key} is a ghost\n${said}`);
  }
  for (const [key, paths] of world.stands) {
    if (conflicts.has(key) || recorded.isDisjointFrom(paths)) continue;
    assert.ok(now.has(key), `${key} of ${[...paths]} is lost\n${said}`);
  }
  for (const [path, { key }] of world.valid) {
    if (conflicts.has(key)) continue;
    if (path.startsWith(`${CONTROL}/`)) {
      assert.equal(now.get(key), world.newest(key), `${path} was not put\n${said}`);
    }
  }
}
