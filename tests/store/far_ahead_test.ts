import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { KeyRow, Owner } from "../../lib/keycache/mod.ts";
import { farAhead } from "../../lib/store/mod.ts";

/** Rows with one owner each: component and resourceVersion. */
function rowsOf(...owners: readonly (readonly [string, string])[]): Map<string, KeyRow> {
  return new Map(owners.map(([component, resourceVersion], at): [string, KeyRow] => {
    const stamp = { size: 1, mtimeMs: 0, ctimeMs: 0, ino: 1 };
    const owner: Owner = {
      component,
      gvr: "pods.v1.core",
      source: "current",
      uid: "",
      resourceVersion,
      stamp,
      readAtMs: 0,
    };
    const key = `/registry/pods/d/p${at}`;
    return [key, { key, ours: true, mod: "1", uid: "", resourceVersion, owners: [owner] }];
  }));
}

Deno.test("farAhead() names the component whose resourceVersions no cloud of the others came to", () => {
  const far = "4611686018427387904";
  for (const others of [[["kubelet", "812345"], ["proxy", "17"]], [["evil", "812345"]]] as const) {
    deepStrictEqual(farAhead(rowsOf(["evil", "900"], ["evil", far], ["evil", far], ...others)), {
      component: "evil",
      key: "/registry/pods/d/p1",
      resourceVersion: far,
      keys: 2,
    });
  }
});

Deno.test("farAhead() takes clouds as they are: old objects, restored ones, versions that are times", () => {
  for (
    const owners of [
      [],
      [["evil", "9223372036854775807"]],
      [["kubelet", "5"], ["proxy", "9000000000"]],
      // A restore with a bumped revision.
      [["kubelet", "812345"], ["proxy", "1000812345"]],
      // Microseconds since 1970, four years apart.
      [["kubelet", "1600000000000000"], ["proxy", "1726000000000000"]],
      [["kubelet", "1600000000000000"], ["kubelet", "1726000000000000"]],
    ] as const
  ) strictEqual(farAhead(rowsOf(...owners)), undefined, JSON.stringify(owners));
});
