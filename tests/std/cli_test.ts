/** The contract of the part of parseArgs that edgekeyd uses, from the real package's documentation. */
import assert from "node:assert/strict";
import { parseArgs } from "@std/cli";

/** A copy, since what parseArgs returns may have another prototype. */
const parse = (...args: Parameters<typeof parseArgs>) => ({ ...parseArgs(...args) });

Deno.test("flags without options are booleans, strings or numbers", () => {
  assert.deepEqual(parse(["--foo", "--bar=baz", "--n", "5", "./quux.txt", "7"]), {
    foo: true,
    bar: "baz",
    n: 5,
    _: ["./quux.txt", 7],
  });
});

Deno.test("a string flag keeps what looks like a number, and is empty without a value", () => {
  const options = { string: ["s", "t", "_"] };
  assert.deepEqual(parse(["--s", "0123", "7"], options), { s: "0123", _: ["7"] });
  assert.deepEqual(parse(["--s=1e5"], options), { s: "1e5", _: [] });
  assert.deepEqual(parse(["--s", "--t", "x"], options), { s: "", t: "x", _: [] });
  assert.deepEqual(parse(["--s=a=b\nc"], options), { s: "a=b\nc", _: [] });
});

Deno.test("a string flag followed by a hyphen is empty: it does not take the next flag", () => {
  assert.deepEqual(parse(["--s", "-3"], { string: ["s"] }), { s: "", 3: true, _: [] });
});

Deno.test("a boolean flag takes no value but true and false, and is false if absent", () => {
  const options = { boolean: ["a", "b"] };
  assert.deepEqual(parse(["--a", "x"], options), { a: true, b: false, _: ["x"] });
  assert.deepEqual(parse(["--a", "false", "--b=true"], options), { a: false, b: true, _: [] });
});

Deno.test("the last of several values counts, unless they are collected", () => {
  const options = { string: ["a", "b", "c"], collect: ["b", "c"] };
  assert.deepEqual(parse(["--a=1", "--a=2", "--b=1", "--b", "2"], options), {
    a: "2",
    b: ["1", "2"],
    c: [],
    _: [],
  });
});

Deno.test("only a negatable flag can be negated", () => {
  const options = { boolean: ["a", "b"], negatable: ["a"], default: { a: true } };
  assert.deepEqual(parse(["--no-a", "--no-b"], options), {
    a: false,
    b: false,
    "no-b": true,
    _: [],
  });
});

Deno.test("a value is found under each of a flag's names", () => {
  const options = { string: ["output"], alias: { output: "o", help: ["h", "?"] } };
  assert.deepEqual(parse(["-o", "json", "-h"], options), {
    o: "json",
    output: "json",
    h: true,
    "?": true,
    help: true,
    _: [],
  });
  assert.deepEqual(parse(["-o=json"], options), { o: "json", output: "json", _: [] });
});

Deno.test("a default stands where a flag is absent, under all its names", () => {
  const options = { string: ["a"], alias: { a: "x" }, default: { a: "d" } };
  assert.deepEqual(parse([], options), { a: "d", x: "d", _: [] });
  assert.deepEqual(parse(["--a", "-x"], options), { a: "", x: "", _: [] });
});

Deno.test("short flags come in clusters, the last one with a value", () => {
  assert.deepEqual(parse(["-ab", "-n5"]), { a: true, b: true, n: 5, _: [] });
  assert.deepEqual(parse(["-ab", "x"]), { a: true, b: "x", _: [] });
  assert.deepEqual(parse(["-x/y", "-"]), { x: "/y", _: ["-"] });
});

Deno.test("stopEarly leaves everything after the first non-flag alone", () => {
  assert.deepEqual(parse(["--a", "--", "--b"], { stopEarly: true }), { a: true, _: ["--b"] });
  assert.deepEqual(parse(["keys", "--b", "1"], { stopEarly: true }), { _: ["keys", "--b", "1"] });
});

Deno.test("nothing after a double hyphen is a flag", () => {
  assert.deepEqual(parse(["a", "--", "--b", "1"]), { _: ["a", "--b", "1"] });
  assert.deepEqual(parse(["a", "--", "--b", "1"], { "--": true }), {
    _: ["a"],
    "--": ["--b", "1"],
  });
});

Deno.test("unknown is asked about everything that no option names, and may drop it", () => {
  const calls: unknown[][] = [];
  const refused = parse(["--a", "--b=1", "x", "--", "y"], {
    boolean: ["a"],
    unknown: (...call: unknown[]) => {
      calls.push(call);
      return false;
    },
  });
  assert.deepEqual(calls, [["--b=1", "b", "1"], ["x"]]);
  assert.deepEqual(refused, { a: true, _: ["y"] });
  const kept = parse(["--b=1", "x"], { string: ["a"], unknown: () => undefined });
  assert.deepEqual(kept, { b: 1, _: ["x"] });
});
