import { Buffer } from "node:buffer";
import fc from "fast-check";

/** The prefix of {@linkcode key}. */
export const PREFIX = "/pool/registry";

/** The order of keys in etcd. */
export const bytesBefore = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Keys of a few resources, with names that etcd and JavaScript order differently. */
export const key: fc.Arbitrary<string> = fc.tuple(
  fc.constantFrom("pods", "minions", "services/specs"),
  fc.constantFrom("d", "é", "～", "😀"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }).filter((name) => !name.includes("/")),
).map(([resource, namespace, name]) => `${PREFIX}/${resource}/${namespace}/${name}`);
