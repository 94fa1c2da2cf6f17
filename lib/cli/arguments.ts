import { parseArgs } from "@std/cli";
import { nearestName } from "../nearest_name.ts";
import { envName, flag, FLAG_NAMES, type FlagName } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

/** Where a flag's text came from, for messages, and the text. */
export interface FlagText {
  /** `--cache-dir` or `EDGEKEYD_CACHE_DIR`. */
  readonly source: string;
  readonly text: string;
  /** It was on the command line, not in the environment. */
  readonly explicit: boolean;
}

/** A command line that was taken apart, environment included. */
export interface Arguments {
  /** What is no flag: command and its arguments. */
  readonly words: readonly string[];
  /** Texts of the flags that were given; a boolean's is `true` or `false`. */
  readonly texts: ReadonlyMap<FlagName, FlagText>;
}

const BOOLEANS: string[] = FLAG_NAMES.filter((name) => flag(name).kind === "boolean");
const STRINGS: string[] = FLAG_NAMES.filter((name) => flag(name).kind !== "boolean");
const ALIASES = new Map(FLAG_NAMES.flatMap((name) => {
  const { alias } = flag(name);
  return alias === undefined ? [] : [[alias, name] as const];
}));

/**
 * Takes a command line apart. Flags win over the environment.
 *
 * @param args the arguments, without the program's name
 * @param env reads an environment variable
 * @throws {UsageError} for an unknown flag, a flag without its value, or one that comes twice
 */
export function parseArguments(
  args: readonly string[],
  env: (name: string) => string | undefined,
): Arguments {
  checkShape(args);
  const parsed = parseArgs([...args], {
    boolean: BOOLEANS,
    // `_` too, or a component named 007 would be taken for 7.
    string: [...STRINGS, "_"],
    alias: Object.fromEntries([...ALIASES].map(([alias, name]) => [name, alias])),
  });
  const texts = new Map<FlagName, FlagText>();
  const given = new Set(args.map(nameOf));
  for (const name of FLAG_NAMES) {
    const value = parsed[name];
    const fromEnv = env(envName(name));
    if (given.has(name) && (typeof value === "string" || typeof value === "boolean")) {
      texts.set(name, { source: `--${name}`, text: String(value), explicit: true });
    } else if (fromEnv !== undefined && fromEnv !== "") {
      texts.set(name, { source: envName(name), text: fromEnv, explicit: false });
    }
  }
  const words = parsed._.map(String);
  // The flag stands for a command, and the command for the flag.
  if (words[0] === "reconcile") {
    texts.set("reconcile", { source: "reconcile", text: "true", explicit: true });
    words.shift();
  }
  return { words, texts };
}

/**
 * Refuses what parseArgs would let through: unknown flags, `--flag -3` (an empty value and an
 * unknown flag to it), a flag that comes twice.
 */
function checkShape(args: readonly string[]): void {
  const seen = new Set<FlagName>();
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") return;
    if (!arg.startsWith("-") || arg === "-") continue;
    const name = nameOf(arg);
    if (!name) throw new UsageError(`unknown flag ${printable(arg)}; ${meantBy(arg)}`);
    if (seen.has(name)) throw new UsageError(`--${name} was given twice`);
    seen.add(name);
    const equals = arg.indexOf("=");
    if (flag(name).kind === "boolean") {
      if (equals >= 0 && !/^(true|false)$/.test(arg.slice(equals + 1))) {
        throw new UsageError(`--${name} takes no value, or =true or =false`);
      }
      continue;
    }
    const value = equals >= 0 ? arg.slice(equals + 1) : args[++index];
    if (value === undefined || value === "" || (equals < 0 && value.startsWith("-"))) {
      throw new UsageError(`--${name} needs a value; write --${name}=VALUE`);
    }
  }
}

/** The flag that an argument names, if it names one. */
function nameOf(arg: string): FlagName | undefined {
  const match = /^--?([^=]+)/.exec(arg);
  const text = match?.[1] ?? "";
  if (/^-[^-]/.test(arg)) return ALIASES.get(text);
  return arg.startsWith("--") ? FLAG_NAMES.find((name) => name === text) : undefined;
}

/** The flag that was most likely meant, as a question; where to look if none is near. */
function meantBy(arg: string): string {
  const text = /^--?([^=]{2,})/.exec(arg)?.[1] ?? "";
  // A longer text is none that is near, and not worth the counting.
  const nearest = text.length > 80 ? undefined : nearestName(text.toLowerCase(), FLAG_NAMES);
  return nearest === undefined ? "see --help" : `did you mean --${nearest}?`;
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 80)).slice(1, -1);
}
