/**
 * Runs command lines in a process of their own, many at once: those that ask for etcd wait a little
 * before they give up, and gRPC leaves timers behind when a connection is refused.
 */
import { join } from "@std/path";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { FLAG_NAMES, FLAGS } from "../../lib/cli/flags.ts";
import { main } from "../../lib/cli/main.ts";
import { readOptions } from "../../lib/cli/options.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";
import { Prng } from "../sim/prng.ts";
import { HOSTILE_NAMES } from "./_names.ts";
import { tell } from "./_seeds.ts";

/** One command line, and what came of it. */
export interface Line {
  readonly args: readonly string[];
  readonly env: readonly (readonly [string, string])[];
  /** Null: it would have started the daemon, which has tests of its own. */
  readonly code: number | null;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

const COMMANDS = [
  "keys",
  "owners",
  "status",
  "verify",
  "delete-component",
  "delete-unclaimed",
  "import-key-cache",
  "retire",
];
const TAKE_WORDS = ["keys", "owners", "delete-component", "delete-unclaimed", "import-key-cache"];
/** Flags that name a place: a run must not touch the real ones. */
const ALWAYS: readonly string[] = [
  "cache-dir",
  "state-dir",
  "etcd-servers",
  "node-name",
  "etcd-timeout",
  "listen",
];
const JUNK = [
  "",
  "-",
  "--",
  "---",
  "-x",
  "-hx",
  "-o",
  "-ojson",
  "-o=",
  "--=x",
  "--output",
  "--no-dry-run",
  "--__proto__=1",
  "--constructor",
  "--toString=x",
  "--reconcile=maybe",
  "--reconcile=",
  "-3",
  "0x10",
  "1e3",
  "007",
  "NaN",
  "a=b",
  "--cache-dir ",
  "\u2014reconcile",
  "--x\ny",
  "\u001b[31m",
  "%s%n",
  "true",
  "false",
];
const VALUES = [
  "",
  " ",
  ",",
  "a,,b",
  "a,b",
  "0",
  "-1",
  "1",
  "99999999999999999999",
  "1e9",
  "1.5s",
  "200ms",
  "0",
  "5 s",
  "json",
  "yaml",
  "true",
  "TRUE",
  "no",
  "/registry",
  "/registry/",
  "//",
  "registry",
  "/edgekeyd",
  "/edgekeyd/n1",
  "http://user:pass@h:1",
  "https://127.0.0.1:9",
  "unix:///x",
  "[::1",
  "/dev/null/x",
  "a\nb",
  "\u001b[2J",
  "\ud800",
];

if (import.meta.main) {
  const [base = "", ...seeds] = Deno.args;
  const lines = seeds.map((seed) => runLine(new Prng(Number(seed)), join(base, seed)));
  for (const line of await Promise.all(lines)) tell(JSON.stringify(line));
  Deno.exit(0);
}

async function runLine(prng: Prng, base: string): Promise<Line> {
  Deno.mkdirSync(`${base}/cache/kubelet/pods.v1.core/default`, { recursive: true });
  const args = argumentsFrom(prng, base);
  const env = environmentFrom(prng, base);
  const out: string[] = [];
  const err: string[] = [];
  const readEnv = (name: string) => env.get(name);
  const hostname = prng.pick(["n1", "Node.Example", "", "bad host", "\u0000"]);
  if (startsDaemon(args, readEnv, hostname)) return { args, env: [...env], code: null, out, err };
  const code = await main(args, {
    env: readEnv,
    envNames: () => [...env.keys()],
    hostname: () => hostname,
    terminal: {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      colour: false,
      watched: false,
      redraw: () => {},
    },
  });
  return { args, env: [...env], code, out, err };
}

/** It would run until it is told to end, and has tests of its own. */
function startsDaemon(
  args: readonly string[],
  env: (name: string) => string | undefined,
  hostname: string,
): boolean {
  try {
    const parsed = parseArguments(args, env);
    const { reconcile } = readOptions(parsed, () => hostname);
    const isSet = (name: "help" | "version") =>
      /^(true|1)$/.test(parsed.texts.get(name)?.text ?? "");
    return !reconcile && !isSet("help") && !isSet("version") &&
      (parsed.words[0] ?? "run") === "run";
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** Whatever is random, the real directories and servers stay out of it. */
function argumentsFrom(prng: Prng, base: string): string[] {
  const args: string[] = [];
  if (prng.chance(0.8)) {
    const command = prng.chance(0.6) ? "--reconcile" : prng.pick(COMMANDS);
    args.push(command);
    const takesOne = TAKE_WORDS.includes(command);
    if (prng.chance(takesOne ? 0.9 : 0.1)) {
      args.push(prng.pick([...HOSTILE_NAMES, "kubelet", "/registry/x"]));
    }
  }
  for (let i = prng.below(4); i > 0; i--) {
    if (prng.chance(0.12)) args.push(prng.pick(JUNK));
    else if (prng.chance(0.08)) args.push(prng.pick(HOSTILE_NAMES));
    else args.push(...flagFrom(prng, base));
  }
  // Last of all, so that they count even if the others are wrong, unless they come twice.
  const places = placesFrom(prng, base).map(([name, value]) => `--${name}=${value}`);
  return prng.chance(0.95) ? [...places, ...args] : [...args, ...places];
}

function placesFrom(prng: Prng, base: string): [string, string][] {
  return [
    ["cache-dir", prng.chance(0.7) ? `${base}/cache` : `${base}/${prng.pick(HOSTILE_NAMES)}/c`],
    [
      "state-dir",
      prng.chance(0.7) ? `${base}/state` : `${base}/s/${prng.pick(HOSTILE_NAMES)}`,
    ],
    // Nothing listens on port 1: every call is refused at once.
    ["etcd-servers", "http://127.0.0.1:1"],
    ["node-name", prng.pick(["n1", "n1", "n1", "n2"])],
    ["etcd-timeout", "50ms"],
  ];
}

function flagFrom(prng: Prng, base: string): string[] {
  const name = prng.pick(FLAG_NAMES);
  if (ALWAYS.includes(name)) return prng.chance(0.1) ? [`--${name}`] : [];
  if (FLAGS[name].kind === "boolean") {
    return [`--${name}${prng.chance(0.9) ? "" : `=${prng.pick(VALUES)}`}`];
  }
  const value = prng.chance(0.15) ? `${base}/${prng.pick(HOSTILE_NAMES)}` : goodOrBad(name, prng);
  return prng.chance(0.5) ? [`--${name}=${value}`] : [`--${name}`, value];
}

function goodOrBad(name: keyof typeof FLAGS, prng: Prng): string {
  const flag = FLAGS[name];
  if (prng.chance(0.7) && "default" in flag) return flag.default;
  return prng.pick(VALUES);
}

function environmentFrom(prng: Prng, base: string): Map<string, string> {
  const env = new Map(placesFrom(prng, base).map(([name, value]) => [envName(name), value]));
  env.set(envName("listen"), `unix:${base}/api.sock`);
  for (let i = prng.chance(0.3) ? 1 : 0; i > 0; i--) {
    const name = prng.pick(FLAG_NAMES);
    if (ALWAYS.includes(name) || name === "lock-timeout") continue;
    env.set(envName(name), goodOrBad(name, prng));
  }
  return env;
}

function envName(flag: string): string {
  return `EDGEKEYD_${flag.toUpperCase().replaceAll("-", "_")}`;
}
