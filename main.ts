import { EXIT } from "./lib/cli/exit_code.ts";
import { presentable } from "./lib/cli/internal_error.ts";
import { main } from "./lib/cli/main.ts";
import { lineByLine, processTerminal } from "./lib/cli/terminal.ts";

/** Without the permission to list them, nothing can be said of them. */
function listEnvironment(): string[] {
  try {
    return Object.keys(Deno.env.toObject());
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}

if (import.meta.main) {
  Deno.umask(0o077);
  const terminal = processTerminal(Deno.env.get("NO_COLOR") !== undefined);
  // What nobody awaits or catches would else end the process with a stack trace.
  const end = (event: Event, error: unknown) => {
    event.preventDefault();
    lineByLine(terminal).err(`edgekeyd: ${presentable(error).message}`);
    Deno.exit(EXIT.failed);
  };
  addEventListener("unhandledrejection", (event) => end(event, event.reason));
  addEventListener("error", (event) => end(event, event.error));
  const code = await main(Deno.args, {
    env: (name) => Deno.env.get(name),
    envNames: () => listEnvironment(),
    hostname: () => Deno.hostname(),
    terminal,
  });
  // gRPC's timers would keep the process alive.
  Deno.exit(code);
}
