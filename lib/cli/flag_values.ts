import type { Arguments } from "./arguments.ts";
import type { Flag } from "./flag.ts";
import { flag, FLAG_NAMES, type FlagName, type FLAGS } from "./flags.ts";
import { UsageError } from "./usage_error.ts";

/** What the text of a flag is read as, by its kind. */
interface Kinds {
  readonly boolean: boolean;
  readonly text: string;
  readonly list: ReadonlySet<string>;
  readonly integer: number;
  readonly duration: number;
}

type Read<F extends Flag> = F extends { kind: "choice" } ? F["choices"][number]
  : F extends { kind: keyof Kinds } ? Kinds[F["kind"]]
  : never;

/** A boolean that is not given is false; anything else needs a default to be there for certain. */
type ValueOf<F extends Flag> = F extends { kind: "boolean" } | { default: string } ? Read<F>
  : Read<F> | undefined;

type CamelCase<Text extends string> = Text extends `${infer Head}-${infer Rest}`
  ? `${Head}${Capitalize<CamelCase<Rest>>}`
  : Text;

type OptionName<Name extends FlagName> = typeof FLAGS[Name]["kind"] extends "duration"
  ? `${CamelCase<Name>}Ms`
  : CamelCase<Name>;

/**
 * Every flag's value, as the table says it is read: `--cache-dir` is `cacheDir`; a duration is in
 * ms, and `--settle-time` is `settleTimeMs`.
 */
export type FlagValues = {
  readonly [Name in FlagName as OptionName<Name>]: ValueOf<typeof FLAGS[Name]>;
};

/**
 * Reads all flags, from command line, environment, or default.
 *
 * @param args the command line
 * @throws {UsageError} for the first text that is not what its flag takes
 */
export function readFlags(args: Arguments): FlagValues {
  const values: Record<string, unknown> = {};
  for (const name of FLAG_NAMES) values[optionName(name)] = readFlag(args, name);
  return values as FlagValues;
}

/**
 * Reads one flag alone.
 *
 * @param args the command line
 * @param name of the flag
 * @throws {UsageError} if its text is not what it takes
 */
export function readFlag<Name extends FlagName>(
  { texts }: Arguments,
  name: Name,
): ValueOf<typeof FLAGS[Name]>;
export function readFlag({ texts }: Arguments, name: FlagName): Kinds[keyof Kinds] | undefined {
  const known = flag(name);
  const { source, text } = texts.get(name) ?? { source: `--${name}`, text: known.default };
  if (text !== undefined) return readText(source, text, known);
  return known.kind === "boolean" ? false : undefined;
}

/** The name of a flag's value in {@linkcode FlagValues}. */
export function optionName(name: FlagName): string {
  const camelCase = name.replace(/-(.)/g, (_, first: string) => first.toUpperCase());
  return flag(name).kind === "duration" ? `${camelCase}Ms` : camelCase;
}

function readText(source: string, text: string, known: Flag): Kinds[keyof Kinds] {
  switch (known.kind) {
    case "boolean":
      return readBoolean(source, text);
    case "text":
      return text;
    case "list":
      return readList(source, text);
    case "integer":
      return readInteger(source, text, known);
    case "duration":
      return readDuration(source, text, known);
    case "choice":
      if (known.choices.includes(text)) return text;
      throw new UsageError(`${source} takes ${known.choices.join(" or ")}`);
  }
}

function readBoolean(source: string, text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new UsageError(`${source} takes true, false, 1 or 0`);
}

function readList(source: string, text: string): ReadonlySet<string> {
  const items = text.split(",").map((item) => item.trim());
  if (items.includes("")) throw new UsageError(`${source} takes a comma-separated list`);
  return new Set(items);
}

/** What a number may be. */
interface Limits {
  readonly min: number;
  readonly max: number;
}

function readInteger(source: string, text: string, { min, max }: Limits): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${source} takes a whole number from ${min} to ${max}`);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads `200ms`, `2s`, `1.5m`, `1h` or `0`, as ms. */
function readDuration(source: string, text: string, { min, max }: Limits): number {
  const match = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  const value = text === "0" ? 0 : match && unit ? Number(match[1]) * unit : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(
    `${source} takes a duration such as 500ms, 2s or 10m, from ${min}ms to ${max / 1_000}s`,
  );
}
