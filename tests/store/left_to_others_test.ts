import { deepStrictEqual } from "node:assert/strict";
import { leftToOthers } from "../../lib/store/left_to_others.ts";
import type { PlannedOp } from "../../lib/store/mod.ts";
import { ownerOf, rowOf } from "./_states.ts";

/** A put of a key, in one group unless told otherwise; what etcd holds is another's. */
function op(key: string, changes: Partial<PlannedOp> = {}): PlannedOp {
  const before = rowOf({ ours: false, mod: "9" });
  return {
    action: "put",
    key,
    guardMod: "9",
    owner: ownerOf(),
    group: "kubelet/pods.v1.core",
    before,
    after: rowOf(),
    valueBytes: 100,
    ...changes,
  };
}

const own = rowOf({ mod: "5" });
const created = { guardMod: "0", before: undefined };

/** The keys that are left. */
function left(ops: readonly PlannedOp[], yields: (key: string) => boolean = () => true): string[] {
  return [...leftToOthers(ops, yields)].map(({ key }) => key);
}

Deno.test("leftToOthers() leaves what another put, what nobody did, and what may not be there any more", () => {
  const unknown = rowOf({ mod: null });
  const ops = [
    op("theirs"),
    op("new", created),
    op("unknown", { before: unknown }),
    op("own", { before: own, guardMod: "5", group: "kubelet/nodes.v1.core" }),
    op("gone", { action: "delete", before: own, group: "kubelet/nodes.v1.core" }),
  ];
  deepStrictEqual(left(ops), ["theirs", "new", "unknown"]);
  deepStrictEqual(left(ops, (key) => key !== "theirs"), ["unknown"], "its group is sent anyway");
});

Deno.test("leftToOthers() lets a new key go along with what its group puts or deletes anyway", () => {
  const ops = [
    op("own", { before: own, guardMod: "5" }),
    op("new", created),
    op("theirs"),
    op("elsewhere", { ...created, group: "kube-proxy/pods.v1.core" }),
  ];
  deepStrictEqual(left(ops), ["theirs", "elsewhere"]);
  const gone = op("gone", { action: "delete", before: own });
  deepStrictEqual(left([op("new", created), gone]), []);
});
