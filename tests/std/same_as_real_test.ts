/**
 * Holds what lib/std stands in for against the real packages, as npm's deno-std publishes them:
 * plain scripts without types. @std/fs is not among them.
 */
import { deepStrictEqual, ok, throws } from "node:assert/strict";
import { parseArgs } from "@std/cli";
import { dirname, fromFileUrl, join, resolve, toFileUrl } from "@std/path";
import { parseArgs as realParseArgs } from "deno-std/cli/parse_args.js";
import * as realPath from "deno-std/path/mod.js";
import fc from "fast-check";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { UsageError } from "../../lib/cli/usage_error.ts";

interface Options {
  boolean?: string[];
  string?: string[];
  collect?: string[];
  negatable?: string[];
  alias?: Record<string, string | string[]>;
  default?: Record<string, unknown>;
  stopEarly?: boolean;
  "--"?: boolean;
  unknown?: (arg: string) => boolean;
}

const NAMES = ["a", "b", "n", "o", "s", "output", "no-a", "_", "x"];
const VALUES = ["json", "", "-", "-3", "7", "0x10", "1e3", "a=b", "true", "false", " ", "\n", "/y"];
const name = fc.constantFrom(...NAMES);
const names = fc.uniqueArray(name, { maxLength: 3 });
const value = fc.oneof(fc.constantFrom(...VALUES), fc.string({ maxLength: 4 }));
const argument = fc.oneof(
  name.map((text) => `--${text}`),
  fc.tuple(name, value).map(([text, more]) => `--${text}=${more}`),
  fc.tuple(name, value).map(([text, more]) => `-${text}${more}`),
  value,
  fc.constantFrom("--", "---", "-ab", "-abn5", "-o=json", "--no-b", "--no-b=x"),
);
const options = fc.record({
  boolean: names,
  string: names,
  collect: names,
  negatable: names,
  alias: fc.constantFrom<NonNullable<Options["alias"]>>({}, { output: "o" }, {
    output: ["o", "x"],
    a: "b",
  }),
  default: fc.constantFrom<NonNullable<Options["default"]>>({}, { output: "d" }, { a: true }),
  stopEarly: fc.boolean(),
  "--": fc.boolean(),
}, { requiredKeys: [] });

/**
 * In these the versions of the real one differ, or they make nested objects, or they put a flag in
 * the place of the list of words.
 */
const UNCERTAIN = /^-.*(=$|\.|__proto__|constructor)|^-[^-]*_|^--_(=|$)/s;

Deno.test("parseArgs does what the real one does, whatever the arguments and options are", () => {
  fc.assert(
    fc.property(fc.array(argument, { maxLength: 6 }), options, (args, given) => {
      fc.pre(!args.some((text) => UNCERTAIN.test(text)));
      deepStrictEqual(outcome(parseArgs, args, given), outcome(realParseArgs, args, given));
    }),
    { numRuns: 5_000 },
  );
});

/** What it returns, and what it asked `unknown`, which here drops what begins with -x. */
function outcome(
  parse: (args: string[], options: Options) => object,
  args: string[],
  given: Options,
) {
  const asked: unknown[] = [];
  const unknown = (...call: unknown[]) => {
    asked.push(call);
    return !String(call[0]).startsWith("-x");
  };
  return { result: { ...parse(args, { ...given, unknown }) }, asked };
}

Deno.test("parseArguments lets nothing through in which versions of parseArgs differ", () => {
  const args = ["--dry-run=", "--cache-dir=", "-o=", "--__proto__=1", "--constructor", "--a.b=1"];
  for (const arg of args) {
    ok(UNCERTAIN.test(arg), arg);
    throws(() => parseArguments(["--reconcile", arg], () => undefined), UsageError, arg);
  }
});

const segment = fc.oneof(fc.constantFrom("", ".", "..", "/", "a", "b/", "//c"), fc.string());

Deno.test("dirname, join and resolve do what the real ones do", () => {
  fc.assert(
    fc.property(segment, fc.array(segment, { maxLength: 4 }), (first, more) => {
      const text = [first, ...more].join("/");
      deepStrictEqual(dirname(text), realPath.dirname(text));
      deepStrictEqual(join(first, ...more), realPath.join(first, ...more));
      deepStrictEqual(resolve(first, ...more), realPath.resolve(first, ...more));
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("toFileUrl and fromFileUrl do what the real ones do", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const path = resolve("/", text);
      // More characters than need be may be encoded.
      for (const url of [toFileUrl(path), realPath.toFileUrl(path)]) {
        deepStrictEqual([fromFileUrl(url), realPath.fromFileUrl(url)], [path, path]);
      }
    }),
    { numRuns: 5_000 },
  );
});
