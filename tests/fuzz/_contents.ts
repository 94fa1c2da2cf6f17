import type { Prng } from "../sim/prng.ts";

/** What an object of a valid file says. */
export interface ObjectText {
  readonly kind: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

const encoder = new TextEncoder();
const DEEP = 100_000;
const HUGE = 300_000;

/** A valid object as JSON. */
export function validObject(object: ObjectText, more: Readonly<Record<string, unknown>> = {}) {
  const { kind, apiVersion, namespace, name, uid, resourceVersion } = object;
  const metadata = { name, ...(namespace !== "" && { namespace }), uid, resourceVersion };
  return encoder.encode(JSON.stringify({ kind, apiVersion, metadata, ...more }));
}

/** Whatever is no string, or an odd one. */
const ODD_VALUES: readonly string[] = [
  "null",
  "0",
  "-1",
  "1e999999",
  "123456789012345678901234567890",
  "true",
  "[]",
  "{}",
  '[["a"]]',
  '{"__proto__":{"name":"a"}}',
  '""',
  '"\\ud800"',
  '"a\\u0000b"',
  '"../../x"',
  '"a/b"',
  '"%2e%2e"',
  '"9223372036854775808"',
  '"007"',
  '"1.5"',
  '" 7"',
  '"v1/v2/v3"',
  '"example.com/v1"',
  '"core/v1"',
  '"NaN"',
  '"__proto__"',
];

/** What is never an object, each one in another way. */
const NEVER_VALID: readonly (() => Uint8Array)[] = [
  () => new Uint8Array(),
  () => encoder.encode("null"),
  () => encoder.encode("[]"),
  () => encoder.encode('"text"'),
  () => encoder.encode("{}"),
  () => encoder.encode('{"metadata":{}}'),
  () => encoder.encode('{"metadata":[],"kind":"A","apiVersion":"v1"}'),
  () => encoder.encode('{"__proto__":{"kind":"A","apiVersion":"v1","metadata":{"name":"a"}}}'),
  () => encoder.encode('{"kind":"A","apiVersion":"v1","metadata":{"__proto__":{"name":"a"}}}'),
  () => encoder.encode("[".repeat(DEEP) + "]".repeat(DEEP)),
  () => encoder.encode("[".repeat(DEEP)),
  () => encoder.encode('{"a":'.repeat(DEEP) + "1" + "}".repeat(DEEP)),
  () => encoder.encode(`${"9".repeat(HUGE)}`),
  () => encoder.encode(`"${"x".repeat(HUGE)}`),
  () => Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0),
  () => Uint8Array.of(0x6b, 0x38, 0x73, 0, 10, 4, 1, 2, 3),
  () => Uint8Array.of(0xed, 0xa0, 0x80),
  () => new Uint8Array(4_096),
];

/**
 * Something in the place of a valid object, which itself is not valid any more.
 *
 * @returns its bytes, and a word on what was done
 */
export function brokenObject(object: ObjectText, prng: Prng): { bytes: Uint8Array; what: string } {
  const valid = validObject(object);
  switch (prng.below(6)) {
    case 0: {
      const index = prng.below(NEVER_VALID.length);
      return { bytes: prng.pick(NEVER_VALID.slice(index, index + 1))(), what: `never ${index}` };
    }
    case 1: {
      const bytes = Uint8Array.from({ length: prng.between(1, 200) }, () => prng.below(256));
      return { bytes, what: "random bytes" };
    }
    case 2:
      return { bytes: valid.slice(0, prng.below(valid.length)), what: "cut off" };
    case 3: {
      const bytes = new Uint8Array(valid.length + 3);
      bytes.set([0xef, 0xbb, 0xbf]);
      bytes.set(valid, 3);
      return { bytes, what: "BOM" };
    }
    case 4: {
      const tail = prng.pick(["}", "\0", " {}", "\u0001", "//"]);
      const bytes = new Uint8Array(valid.length + tail.length);
      bytes.set(valid);
      bytes.set(encoder.encode(tail), valid.length);
      return { bytes, what: `tail ${JSON.stringify(tail)}` };
    }
    default:
      return { bytes: encoder.encode("\0"), /* a hole in a file */ what: "NUL" };
  }
}

/** A valid object in which something was changed; it may have stayed valid. */
export function mutatedObject(object: ObjectText, prng: Prng): { bytes: Uint8Array; what: string } {
  const valid = validObject(object);
  if (prng.chance(0.5)) {
    const flips = prng.between(1, 3);
    for (let i = 0; i < flips; i++) {
      const at = prng.below(valid.length);
      valid[at] = (valid[at] ?? 0) ^ (1 << prng.below(8));
    }
    return { bytes: valid, what: `${flips} flips` };
  }
  const field = prng.pick([
    "kind",
    "apiVersion",
    "metadata",
    "name",
    "namespace",
    "uid",
    "resourceVersion",
  ]);
  const value = prng.pick(ODD_VALUES);
  const member = `${JSON.stringify(field)}:${value}`;
  const text = new TextDecoder().decode(valid);
  // A twin of the member, before or behind it.
  const place = field === "kind" || field === "apiVersion" || field === "metadata"
    ? prng.pick([1, text.length - 1])
    : prng.pick([text.indexOf('"metadata":{') + 12, text.length - 2]);
  const before = text.slice(0, place);
  const after = text.slice(place);
  const left = /[{,]$/.test(before) ? "" : ",";
  const right = /^[}]/.test(after) ? "" : ",";
  return {
    bytes: encoder.encode(before + left + member + right + after),
    what: `twin ${member}`,
  };
}
