import { fromFileUrl } from "@std/path";

/** How a run of the program ended, and what it printed. */
export interface EdgekeydResult {
  /** Its command line, for messages. */
  readonly args: readonly string[];
  readonly code: number;
  /** Set if a signal ended it. */
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** Beside its arguments, what a run gets. */
export interface EdgekeydOptions {
  /** Environment variables beside what {@linkcode cleanEnv} hands on. */
  readonly env?: Readonly<Record<string, string>>;
  /** A run that takes longer is killed, and fails the test. */
  readonly timeoutMs?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Another entry point than the program's own. */
  readonly main?: string;
}

/** A run of the program that has not ended yet. */
export interface EdgekeydProcess extends AsyncDisposable {
  readonly pid: number;
  readonly result: Promise<EdgekeydResult>;
  kill(signal: Deno.Signal): void;
}

/** With EDGEKEYD_TEST_MAIN, what `scripts/build` makes: `dist/program/lib/main.js`, or a binary. */
const MAIN = Deno.env.get("EDGEKEYD_TEST_MAIN") ??
  fromFileUrl(new URL("../../main.ts", import.meta.url));
/** With EDGEKEYD_TEST_PERMISSIONS, those that a binary has. */
const PERMISSIONS = Deno.env.get("EDGEKEYD_TEST_PERMISSIONS")?.split(" ") ?? ["-A"];
const TIMEOUT_MS = 60_000;

/** The command that runs the program: from its source as `deno run -A main.ts` does, or a binary. */
export function edgekeydCommand(args: readonly string[], main = MAIN): string[] {
  return /\.[jt]s$/.test(main)
    ? [Deno.execPath(), "run", "--no-prompt", ...PERMISSIONS, main, ...args]
    : [main, ...args];
}

/** What a process needs to be found and to find Deno's cache; all else would reach into a run. */
const HANDED_ON = /^(PATH|HOME|TMPDIR|LD_LIBRARY_PATH|XDG_CACHE_HOME|DENO_.*)$/;

/** Of the environment of this process, what a run may see of it. */
export function cleanEnv(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) => HANDED_ON.test(name));
  return { ...Object.fromEntries(kept), ...more };
}

/**
 * Starts the program as a process of its own; `await using` it, or await its result.
 *
 * @param args its command line
 * @param options environment, time limit, user
 */
export function startEdgekeyd(
  args: readonly string[],
  options: EdgekeydOptions = {},
): EdgekeydProcess {
  const [program = "", ...rest] = edgekeydCommand(args, options.main);
  const { timeoutMs = TIMEOUT_MS, uid, gid } = options;
  const startMs = performance.now();
  const child = new Deno.Command(program, {
    args: rest,
    clearEnv: true,
    env: cleanEnv(options.env),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  }).spawn();
  let late = false;
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch (error) {
      // It may end at any moment, before we hear of it.
      if (!(error instanceof TypeError)) throw error;
    }
  };
  const timer = setTimeout(() => {
    late = true;
    kill("SIGKILL");
  }, timeoutMs);
  const result = child.output().then(({ code, signal, stdout, stderr }): EdgekeydResult => {
    clearTimeout(timer);
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    if (late) {
      throw new Error(`edgekeyd ${args.join(" ")}: not done after ${timeoutMs} ms\n${out}\n${err}`);
    }
    const durationMs = performance.now() - startMs;
    return { args, code, signal, stdout: out ?? "", stderr: err ?? "", durationMs };
  });
  return {
    pid: child.pid,
    result,
    kill,
    async [Symbol.asyncDispose]() {
      kill("SIGKILL");
      await result.catch(() => {});
    },
  };
}

/**
 * Runs the program to its end.
 *
 * @param args its command line
 * @param options environment, time limit, user
 */
export async function edgekeyd(
  args: readonly string[],
  options: EdgekeydOptions = {},
): Promise<EdgekeydResult> {
  return await startEdgekeyd(args, options).result;
}
