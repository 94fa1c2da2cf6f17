import assert from "node:assert/strict";
import type { IRequestOp, ITxnRequest } from "etcd3";
import { Lockstep } from "./lockstep.ts";
import { absent, del, get, nested, put } from "./short_requests.ts";

const MAX_REQUEST_BYTES = 4096;
/** What grpc adds to it. */
const GRPC_BYTES = 512 * 1024;

Deno.test("operations are counted down each path", async () => {
  await using pair = await Lockstep.start();
  const some = (count: number, make: (index: number) => IRequestOp) =>
    Array.from({ length: count }, (_, index) => make(index));
  const grid = (rows: number, columns: number): ITxnRequest => ({
    success: some(
      rows,
      (row) => nested({ success: some(columns, (column) => put(`k/${row}/${column}`)) }),
    ),
  });
  const compares = Array.from({ length: 65 }, (_, index) => absent(`c/${index}`));
  const cases: [name: string, request: ITxnRequest, reason: string][] = [
    ["128 puts", { success: some(128, (i) => put(`k/${i}`)) }, "answered"],
    ["129 puts", { success: some(129, (i) => put(`k/${i}`)) }, "too-many-ops"],
    ["128 in each branch", {
      success: some(128, (i) => put(`k/${i}`)),
      failure: some(128, (i) => put(`k/${i}`)),
    }, "answered"],
    ["64 x 64", grid(64, 64), "answered"],
    ["64 x 65", grid(64, 65), "too-many-ops"],
    ["126 puts and one nested", {
      success: [...some(126, (i) => put(`k/${i}`)), nested({ success: [put("n")] })],
    }, "answered"],
    ["127 puts and two nested", {
      success: [...some(127, (i) => put(`k/${i}`)), nested({ success: [put("n"), put("m")] })],
    }, "too-many-ops"],
    ["compares count as operations do", {
      compare: compares,
      success: [nested({ success: some(64, (i) => put(`k/${i}`)) })],
    }, "too-many-ops"],
    ["a branch that is not taken counts", {
      success: [nested({ failure: some(128, (i) => del(`k/${i}`)) })],
    }, "too-many-ops"],
  ];
  for (const [name, request, reason] of cases) {
    const outcome = await pair.txn(request, name);
    assert.equal("reason" in outcome ? outcome.reason : "answered", reason, name);
  }
});

Deno.test("sizes are counted to the byte", async () => {
  await using pair = await Lockstep.start({ maxRequestBytes: MAX_REQUEST_BYTES });
  const shapes: Record<string, (value: string) => ITxnRequest> = {
    put: (value) => ({ success: [put("a", value)] }),
    "nested and guarded": (value) => ({
      compare: [
        absent("a/", "a0"),
        { ...absent("b"), result: "Greater", version: "-1" },
        { key: Buffer.from("b"), target: "Mod", result: "Less", mod_revision: 2 ** 40 },
      ],
      success: [
        nested({ compare: [absent("c")], success: [put("c", value)], failure: [put("c")] }),
        { request_put: { key: Buffer.from("d"), prev_kv: true, ignore_lease: false } },
      ],
      failure: [
        {
          request_range: { key: Buffer.from("e"), limit: 300, sort_order: "Descend", revision: 1 },
        },
        { request_delete_range: { key: Buffer.from("e"), range_end: Buffer.from("f") } },
      ],
    }),
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const met = new Set<string>();
    for (let length = MAX_REQUEST_BYTES - 220; length <= MAX_REQUEST_BYTES; length += 1) {
      const outcome = await pair.txn(shape("x".repeat(length)), `${name}, ${length} B`);
      met.add("reason" in outcome ? outcome.reason : "answered");
    }
    assert.deepEqual([...met], ["answered", "too-large"], name);
  }

  const read = await pair.txn({ success: [get("x".repeat(2 * MAX_REQUEST_BYTES))] });
  assert.ok("answer" in read, "a Txn that only reads does not go through raft and is not limited");

  for (const more of [-20, 0]) {
    const value = "x".repeat(MAX_REQUEST_BYTES + GRPC_BYTES + more);
    const outcome = await pair.txn({ success: [put("a", value)] }, `grpc's limit ${more}`);
    assert.match(
      "message" in outcome ? outcome.message : "",
      more < 0 ? /request is too large/ : /grpc: received message larger than max/,
    );
  }
});
