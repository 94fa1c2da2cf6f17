import assert from "node:assert/strict";
import type { ITxnRequest } from "etcd3";
import { EtcdError } from "../../lib/etcd/mod.ts";
import { EtcdModel } from "./etcd_model.ts";

/** What the conformance tests can't see: the model's own controls. */

const bytes = (text: string) => Buffer.from(text);
const putting = (key: string, value: string): ITxnRequest => ({
  success: [{ request_put: { key: bytes(key), value: bytes(value) } }],
});
const held = (model: EtcdModel) =>
  Object.fromEntries(model.dump().map(({ key, value }) => [key.toString(), value.toString()]));

Deno.test("no caller can reach into what the model holds", async () => {
  const model = new EtcdModel();
  const request = putting("a", "1");
  await model.txn(request);
  request.success?.[0]?.request_put?.value?.fill("2");
  for (const { key, value } of model.dump()) [key, value].forEach((buffer) => buffer.fill("3"));
  const { kvs } = await model.range({ key: bytes("a") });
  kvs[0]?.value.fill("4");
  assert.deepEqual(held(model), { a: "1" });
});

Deno.test("a foreign writer's puts and deletes each take a revision", async () => {
  const model = new EtcdModel();
  assert.equal(model.put("a", "1"), 2);
  assert.equal(model.put("a", "2"), 3);
  assert.equal(model.delete("b"), false);
  assert.equal(model.revision, 3);
  assert.equal(model.delete("a"), true);
  const { kvs } = await model.range({ key: bytes("a"), revision: 3 });
  assert.deepEqual([kvs[0]?.mod_revision, kvs[0]?.version], ["3", "2"]);
  assert.deepEqual(held(model), {});
});

Deno.test("a restored etcd is as it was, and may be restored again", async () => {
  const model = new EtcdModel();
  model.put("a", "1");
  const snapshot = model.snapshot();
  const { header } = await model.range({ key: bytes("a") });
  for (const value of ["2", "3"]) {
    model.put("a", value);
    model.put("b", value);
    model.compact(model.revision);
    model.restore(snapshot);
    assert.deepEqual(held(model), { a: "1" });
    assert.deepEqual((await model.range({ key: bytes("a"), revision: 2 })).header, header);
  }
  model.reset();
  assert.deepEqual(held(model), {});
  assert.deepEqual((await model.range({ key: bytes("a") })).header, { ...header, revision: "1" });
});

Deno.test("compaction forgets what can't be read, and nothing else", () => {
  const model = new EtcdModel();
  for (const value of ["1", "2", "3"]) model.put("a", value);
  model.put("b", "1");
  model.delete("b");
  model.compact(3);
  const changes = (key: string) =>
    model.snapshot().history.get(key)?.map(({ mod, stored }) => [mod, stored?.value.toString()]);
  assert.deepEqual(changes("a"), [[3, "2"], [4, "3"]]);
  assert.deepEqual(changes("b"), [[5, "1"], [6, undefined]]);
  model.compact(6);
  assert.deepEqual([changes("a"), changes("b")], [[[4, "3"]], undefined]);
  assert.throws(() => model.compact(7), EtcdError);
});

Deno.test("space that runs out meanwhile: applied, answered as refused, then full", async () => {
  const model = new EtcdModel();
  model.setNoSpace("filling");
  assert.equal(await model.hasNoSpaceAlarm(), false);
  const refused = { name: "EtcdError", reason: "no-space", outcome: "in-doubt" };
  await assert.rejects(model.txn(putting("a", "1")), refused);
  assert.equal(await model.hasNoSpaceAlarm(), true);
  await assert.rejects(model.txn(putting("a", "2")), refused);
  assert.deepEqual(held(model), { a: "1" });
  model.setNoSpace("free");
  await model.txn(putting("a", "2"));
  assert.deepEqual(held(model), { a: "2" });
});
