import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { InvalidObjectError, splitObjectList } from "../../lib/k8s/mod.ts";

const PODS = { group: "", version: "v1", resource: "pods" };
const encoder = new TextEncoder();

function split(text: string, gvr = PODS): string[] {
  return splitObjectList(encoder.encode(text), gvr).map((item) => new TextDecoder().decode(item));
}

Deno.test("splitObjectList() hands items on byte for byte, numbers and spaces as they are", () => {
  const items = [
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"big":12345678901234567890}',
    '{ "kind" : "Pod",\n"apiVersion":"v1" , "x" : [ {"y":"]}\\"" } , 1e400 ] }',
  ];
  deepStrictEqual(
    split(`{ "items" : [ ${items.join(" ,\n ")} ] , "kind":"PodList","apiVersion":"v1" }`),
    items,
  );
});

Deno.test("splitObjectList() puts in what lists leave out of their items", () => {
  const list = (items: string) => `{"kind":"PodList","apiVersion":"v1","items":[${items}]}`;
  deepStrictEqual(split(list('{"metadata":{}}, {"kind":"Pod"},{"apiVersion":"v1"},{}')), [
    '{"metadata":{},"kind":"Pod","apiVersion":"v1"}',
    '{"kind":"Pod","apiVersion":"v1"}',
    '{"apiVersion":"v1","kind":"Pod"}',
    '{"kind":"Pod","apiVersion":"v1"}',
  ]);
  // What an item says wrongly is left to be refused.
  deepStrictEqual(split(list('{"kind":null,"apiVersion":""}')), ['{"kind":null,"apiVersion":""}']);
  // A plain List says nothing of its items.
  deepStrictEqual(split('{"kind":"List","apiVersion":"v1","items":[{"metadata":{}}]}'), [
    '{"metadata":{}}',
  ]);
});

Deno.test("splitObjectList() takes null and none for an empty list", () => {
  deepStrictEqual(split('{"kind":"PodList","apiVersion":"v1","items":null}'), []);
  deepStrictEqual(split('{"kind":"PodList","apiVersion":"v1","items":[ ]}'), []);
});

Deno.test("splitObjectList() refuses what is no List of the resource, without quoting it", () => {
  const refused = [
    "",
    "[",
    "[]",
    "null",
    '{"kind":"Pod","apiVersion":"v1"}',
    '{"kind":"PodList","items":[]}',
    '{"kind":"PodList","apiVersion":"v2","items":[]}',
    '{"kind":"PodList","apiVersion":"apps/v1","items":[]}',
    '{"kind":"PodList","apiVersion":"v1"}',
    '{"kind":"PodList","apiVersion":"v1","items":{}}',
    '{"kind":"PodList","apiVersion":"v1","items":["secret"]}',
    '{"kind":"PodList","apiVersion":"v1","items":[[]]}',
    // Go and JavaScript would find other items.
    '{"items":[{}],"kind":"List","apiVersion":"v1","it\\u0065ms":[{"secret":1}]}',
    `{"kind":"List","apiVersion":"v1","items":[{"a":${"[".repeat(9_999)}${"]".repeat(9_999)}}]}`,
  ];
  for (const text of refused) {
    throws(() => split(text), (error) => {
      return error instanceof InvalidObjectError && !error.message.includes("secret");
    }, text);
  }
  throws(() => splitObjectList(Uint8Array.of(0xff), PODS), InvalidObjectError);
});

Deno.test("splitObjectList() finds every item of any list, however it is written", () => {
  const spaces = fc.array(fc.constantFrom(" ", "\n", "\t", "\r")).map((all) => all.join(""));
  const others = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(others), others, spaces, fc.nat(3), (items, more, space, indent) => {
      const bodies = items.map((item) => JSON.stringify(item, undefined, indent));
      const rest = Object.entries(more)
        .filter(([name]) => !["kind", "apiVersion", "items"].includes(name))
        .map(([name, value]) =>
          `${JSON.stringify(name)}:${space}${JSON.stringify(value)}${space},`
        );
      const text = `${space}{${space}${rest.join(space)}"kind":"List",${space}"items"${space}:` +
        `${space}[${space}${bodies.join(`${space},${space}`)}${space}],"apiVersion":"v1"}${space}`;
      deepStrictEqual(split(text), bodies);
    }),
  );
  strictEqual(split('{"kind":"List","apiVersion":"v1","items":[]}').length, 0);
});
