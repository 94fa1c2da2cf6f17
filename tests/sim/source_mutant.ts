import { fromFileUrl, join } from "@std/path";
import type { SceneName } from "./scenes.ts";
import type { Failure } from "./simulator.ts";

/** Breaks one rule in the agent's own text, where nothing can stand between it and its world. */
export interface SourceMutation {
  /** What no longer holds. */
  readonly name: string;
  /** A rule that two places keep is broken in both. */
  readonly edits: readonly Edit[];
}

/** A change of one file. */
export interface Edit {
  /** Below the project. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
}

/** What a checker has seen, and in which seed. */
export interface FoundFailure extends Failure {
  readonly seed: number;
}

const PROJECT = fromFileUrl(new URL("../../", import.meta.url));
/** What the simulator is made of, and what Deno has to know of it. */
const PARTS = ["lib", "tests/sim", "deno.json", "deno.lock"];

/**
 * Runs the simulator with a mutated agent until a checker sees it.
 *
 * @param mutation what is broken
 * @param checker the only one that judges
 * @param text what it has to say
 * @param maxSeeds how many seeds to try
 * @param scene what the runs are made for; undefined: nothing in particular
 * @returns what it said; undefined if it saw nothing
 * @throws {Error} if the text to be changed does not stand where it should, or the simulator fails
 */
export async function seenInMutant(
  { edits }: SourceMutation,
  checker: string,
  text: RegExp,
  maxSeeds: number,
  scene: SceneName | undefined,
): Promise<FoundFailure | undefined> {
  const copy = Deno.makeTempDirSync({ prefix: "edgekeyd-mutant-" });
  try {
    for (const part of PARTS) copyTo(join(PROJECT, part), join(copy, part));
    for (const edit of edits) change(copy, edit);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--frozen", "tests/sim/find_failure.ts"]
        .concat(checker, text.source, String(maxSeeds), scene ?? []),
      cwd: copy,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const said = new TextDecoder().decode(stdout);
    return said === "" ? undefined : JSON.parse(said) as FoundFailure;
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
}

function change(copy: string, { file, from, to }: Edit): void {
  const path = join(copy, file);
  const [before, after, ...more] = Deno.readTextFileSync(path).split(from);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`${file} does not hold exactly once: ${from}`);
  }
  Deno.writeTextFileSync(path, before + to + after);
}

function copyTo(from: string, to: string): void {
  if (Deno.statSync(from).isFile) {
    Deno.mkdirSync(join(to, ".."), { recursive: true });
    return Deno.copyFileSync(from, to);
  }
  for (const { name } of Deno.readDirSync(from)) copyTo(join(from, name), join(to, name));
}
