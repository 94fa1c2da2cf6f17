import assert from "node:assert/strict";
import fc from "fast-check";
import type { Owner } from "../../lib/keycache/mod.ts";
import { freshest, ownersAfter, replacesOurs } from "../../lib/store/ownership.ts";
import { KEY, ownerOf, rowOf } from "./_states.ts";

const owner: fc.Arbitrary<Owner> = fc.record({
  component: fc.constantFrom("kubelet", "kube-proxy", "flanneld"),
  gvr: fc.constantFrom(
    "events.v1.core",
    "events.v1.events.k8s.io",
    "events.v1beta1.events.k8s.io",
    "events.v2.events.k8s.io",
  ),
  resourceVersion: fc.constantFrom("7", "9", "10", "9007199254740993", "9007199254740992"),
}).map((changes) => ownerOf({ ...changes }));
const owners = fc.uniqueArray(owner, {
  selector: ({ component, gvr }) => `${component}/${gvr}`,
  maxLength: 6,
});
const name = ({ component, gvr }: Owner) => `${component}/${gvr}`;

Deno.test("ownersAfter() is (owners - released) + acquired, each (component, gvr) once", () => {
  fc.assert(fc.property(owners, owners, owners, (before, acquired, released) => {
    const after = ownersAfter(rowOf({ owners: before }), { key: KEY, acquired, released });
    const expected = new Map(before.map((one) => [name(one), one]));
    for (const one of released) expected.delete(name(one));
    for (const one of acquired) expected.set(name(one), one);
    assert.equal(after.length, expected.size);
    for (const one of after) assert.equal(one, expected.get(name(one)));
  }));
  const row = rowOf();
  assert.equal(ownersAfter(row, undefined), row.owners);
  assert.deepEqual(ownersAfter(undefined, undefined), []);
});

Deno.test("freshest() is the highest resourceVersion by BigInt, whatever the order", () => {
  fc.assert(fc.property(owners, fc.nat(), (list, turn) => {
    const best = freshest(list);
    const highest = list.reduce((max, { resourceVersion }) => {
      const rv = BigInt(resourceVersion);
      return rv > max ? rv : max;
    }, 0n);
    assert.equal(BigInt(best?.resourceVersion ?? "0"), highest);
    const cut = list.length === 0 ? 0 : turn % list.length;
    assert.equal(freshest([...list.slice(cut), ...list.slice(0, cut)]), best);
  }));
});

Deno.test("freshest() takes GA, the higher version, the core group and the first name on equal rv", () => {
  const order = [
    ownerOf({ gvr: "events.v2.events.k8s.io", component: "z" }),
    ownerOf({ gvr: "events.v1.core", component: "a" }),
    ownerOf({ gvr: "events.v1.core", component: "b" }),
    ownerOf({ gvr: "events.v1.events.k8s.io", component: "a" }),
    ownerOf({ gvr: "events.v1beta1.events.k8s.io", component: "a" }),
    ownerOf({ gvr: "events.v1alpha1.events.k8s.io", component: "a" }),
  ];
  for (let from = 0; from < order.length; from++) {
    assert.equal(freshest(order.slice(from).toReversed()), order[from]);
  }
});

Deno.test("replacesOurs() puts a newer rv, and another uid only once nobody holds the old object", () => {
  const held = { uid: "u", resourceVersion: "7" };
  const owners = [ownerOf()];
  const table: [uid: string, resourceVersion: string, owners: Owner[], expected: boolean][] = [
    ["u", "8", owners, true],
    ["u", "7", owners, false],
    ["u", "6", owners, false],
    ["v", "8", owners, true],
    ["v", "7", owners, false],
    ["v", "3", owners, false],
    ["v", "3", [ownerOf({ uid: "v" })], true],
    ["v", "7", [ownerOf({ uid: "v" })], true],
    ["u", "6", [ownerOf({ uid: "v" })], false],
  ];
  for (const [uid, resourceVersion, list, expected] of table) {
    const version = { uid, resourceVersion };
    assert.equal(replacesOurs(version, held, list), expected, `${uid} ${resourceVersion}`);
  }
});
