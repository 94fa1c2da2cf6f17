import { parseArgs } from "@std/cli";
import { Marks } from "./marks.ts";
import { SCENE_NAMES } from "./scenes.ts";
import { type RunResult, simulate } from "./simulator.ts";

const USAGE = `deno task sim --seed N [--trace]     replay one run
deno task sim --seeds FROM-TO        run many, both ends included

--scene NAME  runs that are made for something: ${SCENE_NAMES.join("; ")}`;

/**
 * Runs seeds and says what came of them.
 *
 * @param args the command line
 * @param print where a line goes
 * @returns the exit status: 1 if a checker was not content
 */
export async function main(args: string[], print: (line: string) => void): Promise<number> {
  const { seed, seeds, scene: name, trace } = parseArgs(args, {
    string: ["seed", "seeds", "scene"],
    boolean: ["trace"],
  });
  const range = String(seeds ?? `${seed}-${seed}`);
  const [from, to] = range.split("-").map(Number);
  const scene = SCENE_NAMES.find((one) => one === name);
  const isKnown = name === undefined || scene !== undefined;
  if (from === undefined || to === undefined || !(from <= to) || !isKnown) {
    print(USAGE);
    return 2;
  }
  const marks = new Marks();
  const failed: RunResult[] = [];
  let ticks = 0;
  for (let number = from; number <= to; number++) {
    const result = await simulate(number, {
      ...(trace ? { trace: print } : {}),
      ...(scene && { scene }),
    });
    marks.add(result.marks);
    ticks += result.ticks;
    if (!result.failure) continue;
    failed.push(result);
    print(`seed ${number}: ${result.failure.text}`);
  }
  for (const [mark, count] of marks.counts) print(`${String(count).padStart(9)}  ${mark}`);
  print(`${to - from + 1} seeds, ${ticks} events, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  const encoder = new TextEncoder();
  const print = (line: string) => {
    Deno.stdout.writeSync(encoder.encode(`${line}\n`));
  };
  Deno.exitCode = await main(Deno.args, print);
}
