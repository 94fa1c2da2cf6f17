/**
 * A stand-in for `jsr:@std/cli` where JSR can't be reached: the part of `parseArgs` that
 * edgekeyd uses. `links` in the project's deno.json puts it in the real one's place; what
 * compiles and runs with this compiles and runs the same with the real one.
 *
 * Left out: `boolean: true`, and dotted names that make nested objects.
 *
 * @module
 */

/** What {@link parseArgs} is told about the flags; names are without hyphens. */
export interface ParseOptions {
  /** Flags that take no value, but for `true` or `false`; false if absent. */
  boolean?: readonly string[];
  /** Flags whose values stay strings, even if they look like numbers. */
  string?: readonly string[];
  /** Flags that may come more than once: all values in an array, empty if absent. */
  collect?: readonly string[];
  /** Flags that `--no-NAME` sets to false. */
  negatable?: readonly string[];
  /** Further names of a flag; the result holds the value under each of them. */
  alias?: Record<string, string | string[]>;
  /** Values of flags that are absent. */
  default?: Record<string, unknown>;
  /** Whether everything after the first argument that is no flag is taken as it is. */
  stopEarly?: boolean;
  /** Whether what follows `--` goes into a list of its own instead of `_`. */
  "--"?: boolean;
  /**
   * Is called for every argument that no option names, those that are no flags included (then
   * without `key` and `value`); if it returns false, the argument is dropped.
   */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The flags by name, and everything else in `_`. */
export type Args = Record<string, unknown> & {
  /** The arguments that are no flags. */
  _: (string | number)[];
  /** What followed `--`, if it was asked for. */
  "--"?: string[];
};

const LONG_FLAG = /^--(no-)?(.+?)(?:=(.+))?$/s;

/**
 * Reads command-line arguments as `@std/cli` does. Its traps are kept: `--flag -3` is an empty
 * value and an unknown flag, `--no-flag=x` sets `flag` to x, `-ab=x` sets `a` to x and
 * loses `b`, `--flag=` is a flag named `flag=`, and unknown flags are accepted unless
 * `unknown` refuses them.
 *
 * @param args the arguments, without the program's name
 * @param options what flags there are
 * @returns the flags and the rest; a value that looks like a number is one, unless `string` names
 * its flag
 */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const aliases = new Map<string, string[]>();
  for (const [name, more] of Object.entries(options.alias ?? {})) {
    const names = [name, ...(typeof more === "string" ? [more] : more)];
    for (const each of names) aliases.set(each, names.filter((other) => other !== each));
  }
  const withAliases = (names: readonly string[] = []) =>
    new Set(names.flatMap((name) => [name, ...(aliases.get(name) ?? [])]));
  const booleans = withAliases(options.boolean);
  const strings = withAliases(options.string);
  const collected = withAliases(options.collect);
  const negatable = withAliases(options.negatable);

  const flags: Record<string, unknown> = {};
  const rest: (string | number)[] = [];

  function set(arg: string, key: string, value: string | boolean, collect = collected.has(key)) {
    const known = [booleans, strings, collected, aliases].some((names) => names.has(key));
    if (!known && options.unknown?.(arg, key, value) === false) return;
    const typed = typeof value === "string" && !strings.has(key) ? numberIfOne(value) : value;
    for (const name of [key, ...(aliases.get(key) ?? [])]) {
      const earlier = flags[name];
      flags[name] = !collect ? typed : Array.isArray(earlier) ? [...earlier, typed] : [typed];
    }
  }

  /** Sets a flag that brought no value of its own; returns whether it took the next argument. */
  function setFromNext(arg: string, key: string, next: string | undefined, flag: RegExp): boolean {
    if (next && !flag.test(next) && !booleans.has(key)) set(arg, key, next);
    else if (next === "true" || next === "false") set(arg, key, next === "true");
    else {
      set(arg, key, emptyValue(key));
      return false;
    }
    return true;
  }

  /** Sets all letters of `-abc` but the last; returns it, unless a value used up the rest. */
  function setCluster(arg: string): string | undefined {
    for (let at = 1; at < arg.length - 1; at++) {
      const letter = arg.charAt(at);
      const tail = arg.slice(at + 1);
      if (tail === "-") {
        set(arg, letter, tail);
        continue;
      }
      if (/[A-Za-z]/.test(letter)) {
        const value = /=(.+)/.exec(tail)?.[1] ?? /-?\d+(\.\d*)?(e-?\d+)?$/.exec(tail)?.input;
        if (value !== undefined) {
          set(arg, letter, value);
          return undefined;
        }
      }
      if (tail.length > 1 && /^\W/.test(tail)) {
        set(arg, letter, tail);
        return undefined;
      }
      set(arg, letter, emptyValue(letter));
    }
    const last = arg.slice(-1);
    return last === "-" ? undefined : last;
  }

  const emptyValue = (key: string) => strings.has(key) ? "" : true;

  const end = args.indexOf("--");
  const verbatim = end < 0 ? [] : args.slice(end + 1);
  const parsed = end < 0 ? args : args.slice(0, end);
  for (let i = 0; i < parsed.length; i++) {
    const arg = parsed[i] ?? "";
    const next = parsed[i + 1];
    const [, no, name, value] = LONG_FLAG.exec(arg) ?? [];
    if (name !== undefined) {
      if (value !== undefined) set(arg, name, booleans.has(name) ? value !== "false" : value);
      else if (no && negatable.has(name)) set(arg, name, false, false);
      else if (setFromNext(arg, (no ?? "") + name, next, /^-/)) i++;
    } else if (arg.length > 1 && arg.startsWith("-")) {
      const last = setCluster(arg);
      if (last !== undefined && setFromNext(arg, last, next, /^--?[^-]/)) i++;
    } else {
      if (options.unknown?.(arg) !== false) rest.push(strings.has("_") ? arg : numberIfOne(arg));
      if (options.stopEarly) {
        rest.push(...parsed.slice(i + 1));
        break;
      }
    }
  }

  for (const [key, value] of Object.entries(options.default ?? {})) {
    if (Object.hasOwn(flags, key)) continue;
    for (const name of [key, ...(aliases.get(key) ?? [])]) flags[name] = value;
  }
  for (const key of [...booleans, ...strings]) {
    if (Object.hasOwn(flags, key)) continue;
    if (collected.has(key)) flags[key] = [];
    else if (booleans.has(key)) flags[key] = false;
  }
  return options["--"]
    ? { ...flags, _: rest, "--": verbatim }
    : { ...flags, _: [...rest, ...verbatim] };
}

function numberIfOne(value: string): string | number {
  return /\S/.test(value) && Number.isFinite(Number(value)) ? Number(value) : value;
}
