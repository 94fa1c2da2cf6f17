import { main } from "./lib/cli/main.ts";
import { processTerminal } from "./lib/cli/terminal.ts";

if (import.meta.main) {
  Deno.umask(0o077);
  const code = await main(Deno.args, {
    env: (name) => Deno.env.get(name),
    hostname: () => Deno.hostname(),
    terminal: processTerminal(Deno.env.get("NO_COLOR") !== undefined),
  });
  // gRPC's timers would keep the process alive.
  Deno.exit(code);
}
