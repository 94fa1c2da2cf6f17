/// <reference lib="deno.worker" />
import { Marks } from "./marks.ts";
import { simulate } from "./simulator.ts";
import type { SeedsDone } from "./seed_pool.ts";

/** Runs the seeds that it is sent and answers with what came of them. */
self.onmessage = async ({ data }: MessageEvent<readonly number[]>) => {
  const marks = new Marks();
  const failures: string[] = [];
  for (const seed of data) {
    const result = await simulate(seed);
    marks.add(result.marks);
    if (result.failure) failures.push(`seed ${seed}: ${result.failure.text}`);
  }
  const done: SeedsDone = { marks: marks.counts, failures };
  self.postMessage(done);
};
