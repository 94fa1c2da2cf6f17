import { type Mark, Marks } from "./marks.ts";

/** What came of a list of seeds. */
export interface SeedsDone {
  readonly marks: readonly (readonly [Mark, number])[];
  /** One text for each seed that failed. */
  readonly failures: readonly string[];
}

const SEEDS_AT_ONCE = 50;

/**
 * Runs many seeds on several cores.
 *
 * @param seeds which
 * @param workers on how many threads
 */
export async function runSeeds(seeds: readonly number[], workers: number): Promise<SeedsDone> {
  const slices: (readonly number[])[] = [];
  for (let at = 0; at < seeds.length; at += SEEDS_AT_ONCE) {
    slices.push(seeds.slice(at, at + SEEDS_AT_ONCE));
  }
  const marks = new Marks();
  const failures: string[] = [];
  await Promise.all(Array.from({ length: workers }, async () => {
    const worker = new Worker(new URL("./seed_worker.ts", import.meta.url), { type: "module" });
    try {
      for (let slice = slices.shift(); slice; slice = slices.shift()) {
        const done = await ask(worker, slice);
        marks.add(done.marks);
        failures.push(...done.failures);
      }
    } finally {
      worker.terminate();
    }
  }));
  return { marks: marks.counts, failures: failures.sort() };
}

function ask(worker: Worker, seeds: readonly number[]): Promise<SeedsDone> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<SeedsDone>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(seeds);
  });
}
