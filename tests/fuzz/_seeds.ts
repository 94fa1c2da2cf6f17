/** How many cases each suite has to run for one seed. */
const CASES = {
  reconciles: 250,
  scans: 1_500,
  directories: 30,
  paths: 1_500,
  keyCacheFiles: 700,
  commandLines: 500,
  words: 500,
  databases: 300,
  records: 300,
  answers: 500,
} as const;

const replayed = Deno.env.get("EDGEKEYD_FUZZ_SEED");
/** A single seed is run again, half as many cases. */
export const isReplay = replayed !== undefined;

/**
 * The seeds of a run: a fixed one, so that CI sees the same cases each time, and a new one.
 * EDGEKEYD_FUZZ_SEED replays one.
 */
const SEEDS: readonly number[] = replayed === undefined
  ? [1, crypto.getRandomValues(new Uint32Array(1))[0] ?? 0]
  : [Number(replayed)];

/** Cases that came to their end, by suite. */
const done = new Map<string, number>();

/** Cases of each suite: those that came to their end, and those that had to. */
export function caseCounts(): {
  readonly suite: string;
  readonly ran: number;
  readonly due: number;
}[] {
  return Object.entries(CASES).map(([suite, count]) => ({
    suite,
    ran: done.get(suite) ?? 0,
    due: count * SEEDS.length,
  }));
}

/**
 * Runs the cases of a suite, one by one, and says how many; one that fails says how to run it
 * again.
 *
 * @param suite which
 * @param body one case, from its own seed
 */
export async function runCases(
  suite: keyof typeof CASES,
  body: (seed: number) => void | Promise<void>,
): Promise<void> {
  await runBatches(suite, 1, async ([seed = 0]) => await body(seed));
}

/**
 * Runs the cases of a suite, several at once.
 *
 * @param suite which
 * @param size how many at once
 * @param body runs cases, each from its own seed
 */
export async function runBatches(
  suite: keyof typeof CASES,
  size: number,
  body: (seeds: readonly number[]) => void | Promise<void>,
): Promise<void> {
  let cases = 0;
  for (const seed of SEEDS) {
    for (let first = 0; first < CASES[suite]; first += size) {
      const count = Math.min(size, CASES[suite] - first);
      // Far apart, so that the cases of neighbouring seeds differ.
      const ofCases = Array.from({ length: count }, (_, at) => seed * 1_000_003 + first + at);
      try {
        await body(ofCases);
      } catch (cause) {
        const which = `${suite} ${first} to ${first + count - 1}`;
        throw new Error(`EDGEKEYD_FUZZ_SEED=${seed} replays it: ${which}`, { cause });
      }
      cases += count;
      done.set(suite, (done.get(suite) ?? 0) + count);
    }
  }
  tell(`${cases} ${suite}, seeds ${SEEDS.join(" and ")}`);
}

/** Prints a line, for the numbers of a run. */
export function tell(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
