/**
 * The agent, but for commits to its cache, which never end while /run/edgekeyd/hang exists: its
 * loop stands still then, while timers, signals and the API go on.
 *
 * @module
 */
const { commit } = Deno.AtomicOperation.prototype;

Deno.AtomicOperation.prototype.commit = function () {
  try {
    Deno.statSync("/run/edgekeyd/hang");
  } catch {
    return commit.call(this);
  }
  return new Promise(() => {});
};

const { main } = await import("../../lib/cli/main.ts");
const { processTerminal } = await import("../../lib/cli/terminal.ts");
Deno.exit(
  await main(Deno.args, {
    env: (name) => Deno.env.get(name),
    envNames: () => Object.keys(Deno.env.toObject()),
    hostname: () => Deno.hostname(),
    terminal: processTerminal(false),
  }),
);
