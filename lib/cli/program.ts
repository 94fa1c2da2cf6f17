/**
 * The program, for whoever runs it from a package: `deno run -A jsr:@edgekeyd/edgekeyd/cli`.
 *
 * @module
 */
import { EXIT } from "./exit_code.ts";
import { presentable } from "./internal_error.ts";
import { main } from "./main.ts";
import { lineByLine, processTerminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";

/** Without the permission to list them, nothing can be said of them. */
function listEnvironment(): string[] {
  try {
    return Object.keys(Deno.env.toObject());
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}

function environmentVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    throw new UsageError(`${name} in the environment is not UTF-8: set it again, or unset it`);
  }
}

/** Whatever it is set to. */
function isSet(name: string): boolean {
  try {
    return Deno.env.has(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.InvalidData)) throw error;
    return true;
  }
}

/** Runs the command line of this process, and ends it. */
export async function runProgram(): Promise<never> {
  Deno.umask(0o077);
  const terminal = processTerminal(isSet("NO_COLOR"));
  // What nobody awaits or catches would else end the process with a stack trace.
  const end = (event: Event, error: unknown) => {
    event.preventDefault();
    lineByLine(terminal).err(`edgekeyd: ${presentable(error).message}`);
    Deno.exit(EXIT.failed);
  };
  addEventListener("unhandledrejection", (event) => end(event, event.reason));
  addEventListener("error", (event) => end(event, event.error));
  const code = await main(Deno.args, {
    env: environmentVariable,
    envNames: () => listEnvironment(),
    hostname: () => Deno.hostname(),
    terminal,
  });
  // gRPC's timers would keep the process alive.
  Deno.exit(code);
}

if (import.meta.main) await runProgram();
