import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { PlannedOp } from "../../lib/store/mod.ts";
import { begunAnywhere, stillToDo } from "../../lib/store/portions.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { TestNode } from "../support/test_node.ts";
import { ownerOf, rowOf } from "./_states.ts";

/** A put of a key that etcd lacks. */
function op(key: string, changes: Partial<PlannedOp> = {}): PlannedOp {
  const row = rowOf({ key, mod: null });
  const planned = { owner: ownerOf(), group: "", before: row, after: row, valueBytes: 100 };
  return { action: "put", key, guardMod: "0", ...planned, ...changes };
}

const names = (batches: readonly (readonly PlannedOp[])[]) =>
  batches.map((batch) => batch.map(({ key }) => key).join("")).join(" ");

Deno.test("begunAnywhere() begins with any batch of a refill, and leaves every other order alone", () => {
  const refill = [[op("a")], [op("b"), op("c")], [op("d")]];
  const begun = (at: number) => names(begunAnywhere(refill, () => `0000000${at}ffff`));
  deepStrictEqual([0, 1, 2, 3].map(begun), ["a bc d", "bc d a", "d a bc", "a bc d"]);
  const never = () => {
    throw new Error("no die is cast");
  };
  const others: Partial<PlannedOp>[] = [{ before: undefined }, { guardMod: "5" }];
  for (const other of [...others, { action: "delete" as const, guardMod: "5" }]) {
    strictEqual(names(begunAnywhere([[op("a")], [op("b", other)]], never)), "a b");
  }
  strictEqual(names(begunAnywhere([[op("a")]], never)), "a");
});

Deno.test("stillToDo() leaves out what another put meanwhile, and needs the fence to be where it was", async () => {
  await using server = await startEtcd();
  await using node = await TestNode.start(server);
  const { context } = node;
  const key = (name: string) => `${node.prefix}/pods/default/${name}`;
  const batch = ["a", "b", "c"].map((name) => op(key(name)));
  const untouched = await stillToDo(context, batch);
  deepStrictEqual([untouched?.batch, untouched?.taken], [batch, []]);
  await node.put(key("b"), "another's");
  const changed = op(key("b"), { guardMod: "7" });
  const left = await stillToDo(context, [...batch.slice(0, 2), op(key("d"), { action: "delete" })]);
  deepStrictEqual(left?.taken, [key("b")]);
  strictEqual(names([left?.batch ?? []]), `${key("a")}${key("d")}`);
  // What is there already needs no look.
  const reads = node.etcd.ranges.length;
  deepStrictEqual((await stillToDo(context, [changed]))?.batch, [changed]);
  strictEqual(node.etcd.ranges.length, reads);
  await node.put(node.fenceKey, "another/1/x");
  strictEqual(await stillToDo(context, batch), undefined);
});
