import assert from "node:assert/strict";
import fc from "fast-check";
import type { Owner } from "../../lib/keycache/mod.ts";
import { freshest, holds, holdsFreshest, ownersAfter } from "../../lib/store/ownership.ts";
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

Deno.test("freshest() asks for the rank of what is as fresh, before the name and after the version", () => {
  const [a, b] = [ownerOf({ component: "a" }), ownerOf({ component: "b" })];
  const beta = ownerOf({ component: "c", gvr: "pods.v1beta1.core" });
  const rank = (wanted: Owner) => (owner: Owner) => owner === wanted ? 0 : 1;
  assert.equal(freshest([a, b, beta]), a);
  assert.equal(freshest([a, b, beta], rank(b)), b);
  assert.equal(freshest([a, b, beta], rank(beta)), a);
});

Deno.test("freshest() takes one above 2^63-1, which an earlier edgekeyd recorded, only for want of another", () => {
  const [last, beyond] = ["9223372036854775807", "9223372036854775808"].map((resourceVersion) =>
    ownerOf({ resourceVersion })
  );
  assert.ok(last && beyond);
  assert.equal(freshest([beyond, last]), last);
  assert.equal(freshest([beyond]), beyond);
});

Deno.test("holds() goes by the bytes, and by the version where they are not known", () => {
  const { hash: _, ...unhashed } = ownerOf();
  const held = { uid: "u", resourceVersion: "7", hash: ownerOf().hash ?? "" };
  assert.ok(holds(ownerOf(), held));
  assert.ok(holds(unhashed, held));
  assert.ok(holds(ownerOf(), { uid: "u", resourceVersion: "7" }));
  assert.ok(!holds(ownerOf({ hash: "o" }), held));
  assert.ok(!holds(ownerOf({ uid: "v", hash: held.hash }), held));
  assert.ok(!holds(ownerOf({ resourceVersion: "8", hash: held.hash }), held));
});

Deno.test("holdsFreshest() is sure only if all owners that are as fresh have the bytes in etcd", () => {
  const other = (changes: Partial<Owner>) => ownerOf({ component: "kube-proxy", ...changes });
  const table: [owners: Owner[], expected: boolean][] = [
    [[], false],
    [[ownerOf()], true],
    [[ownerOf(), other({ resourceVersion: "6" })], true],
    [[ownerOf(), other({ resourceVersion: "8" })], false],
    [[ownerOf(), other({ hash: "o" })], false],
    [[ownerOf(), other({ uid: "v" })], false],
    [[other({ resourceVersion: "6" })], false],
  ];
  for (const [owners, expected] of table) assert.equal(holdsFreshest(rowOf({ owners })), expected);
  const beyond = ownerOf({ resourceVersion: "18446744073709551615" });
  assert.equal(holdsFreshest(rowOf({ ...beyond, owners: [beyond] })), false);
});
