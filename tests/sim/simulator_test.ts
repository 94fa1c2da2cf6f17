import assert from "node:assert/strict";
import { Marks } from "./marks.ts";
import { SCENE_NAMES } from "./scenes.ts";
import { runSeeds } from "./seed_pool.ts";
import { simulate } from "./simulator.ts";

/** A seed is some 2,600 events and a life of lib's own daemon: so many take minutes. */
const FIXED_SEEDS = 3_000;
const NEW_SEEDS = 100;
const WORKERS = 2;
/** A scene is met in nearly each of its seeds. */
const SEEDS_A_SCENE = 60;

/** Prints beside the test runner's own lines. */
function say(lines: readonly string[]): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
}

Deno.test("simulate() does the same for the same seed, to the last event", async () => {
  for (const seed of [3, 7, 304, 786]) {
    const traces: string[] = [];
    for (let run = 0; run < 2; run++) {
      const lines: string[] = [];
      await simulate(seed, { trace: (line) => lines.push(line) });
      traces.push(lines.join("\n"));
    }
    assert.ok((traces[0]?.length ?? 0) > 1_000);
    assert.equal(traces[0], traces[1]);
  }
});

Deno.test("simulate() does something else for another seed", async () => {
  const ticks = await Promise.all([1, 2, 3].map(async (seed) => (await simulate(seed)).ticks));
  assert.equal(new Set(ticks).size, 3);
});

Deno.test("every checker is content with every fixed seed, and every fault was met", async () => {
  const seeds = Array.from({ length: FIXED_SEEDS }, (_, index) => index + 1);
  const { failures, marks } = await runSeeds(seeds, WORKERS);
  const met = new Marks();
  met.add(marks);
  say(marks.map(([mark, count]) => `${String(count).padStart(9)}  ${mark}`));
  assert.deepEqual(failures, []);
  assert.deepEqual(met.missing, []);
});

Deno.test("every checker is content with a few seeds that nobody has tried", async () => {
  const first = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  say([`seeds ${first} to ${first + NEW_SEEDS - 1}; replay one with deno task sim --seed N`]);
  const seeds = Array.from({ length: NEW_SEEDS }, (_, index) => first + index);
  assert.deepEqual((await runSeeds(seeds, WORKERS)).failures, []);
});

for (const scene of SCENE_NAMES) {
  Deno.test(`every checker is content with every fixed seed of the scene "${scene}"`, async () => {
    const failures: string[] = [];
    for (let seed = 1; seed <= SEEDS_A_SCENE; seed++) {
      const { failure } = await simulate(seed, { scene });
      if (failure) failures.push(`seed ${seed}: ${failure.text}`);
    }
    assert.deepEqual(failures, []);
  });
}
