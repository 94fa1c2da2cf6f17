/**
 * Tries what edgekeyd may never do; compiled as edgekeyd is. Prints what became of each try.
 *
 * @module
 */
// Put together, or else it would be fetched when the probe is compiled.
const REMOTE = ["https://deno.land", "std", "version.ts"].join("/");
const tries: Readonly<Record<string, () => unknown>> = {
  run: () => new Deno.Command("/bin/true").outputSync(),
  ffi: () => Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", {}),
  import: () => import(REMOTE),
  "import permission": () => {
    const { state } = Deno.permissions.querySync({ name: "import" });
    if (state === "denied") throw new Deno.errors.NotCapable();
  },
  // It is there, and as if it were not.
  env: () => {
    if (Deno.env.get("HOME") === undefined) throw new Deno.errors.NotCapable();
  },
  sys: () => Deno.networkInterfaces(),
};

const became: Record<string, string> = {};
for (const [name, attempt] of Object.entries(tries)) {
  try {
    await attempt();
    became[name] = "done";
  } catch (error) {
    // A compiled program has no way to fetch code, whatever its permissions.
    const refused = error instanceof Deno.errors.NotCapable ||
      (error instanceof TypeError && error.message === `Module not found: ${REMOTE}`);
    became[name] = refused ? "refused" : String(error);
  }
}
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(became)));
