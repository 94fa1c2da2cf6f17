import assert from "node:assert/strict";
import type { ITxnRequest } from "etcd3";
import { Lockstep, type Outcome } from "./lockstep.ts";
import { bytes } from "./requests.ts";
import { absent, del, get, keys, nested, put, unchanged } from "./short_requests.ts";

/** Each documented trap, sent to both, with what the agent builds on spelled out once more. */
Deno.test("etcd's traps", async (t) => {
  await using pair = await Lockstep.start();
  /** Starts a case on an etcd without keys. */
  const trap = (name: string, body: () => Promise<void>) =>
    t.step(name, async () => {
      await pair.txn({ success: [del("\0", "\0")] });
      await body();
    });
  const answered = async (request: ITxnRequest) => answerOf(await pair.txn(request));
  const refused = async (request: ITxnRequest) => reasonOf(await pair.txn(request));
  const present = async () =>
    answerOf(await pair.range(keys("\0", "\0"))).kvs.map(({ key }) => key.toString("latin1"));

  await trap("a compare does not see an earlier sibling's put, a range does", async () => {
    const { responses } = await answered({
      success: [
        put("a", "1"),
        nested({ compare: [absent("a")], success: [get("a")], failure: [put("c")] }),
      ],
    });
    const inner = responses[1]?.response_txn;
    assert.equal(inner?.succeeded, true);
    assert.equal(inner?.responses[0]?.response_range.count, "1");
  });

  await trap("a nested compare that fails takes its own failure branch only", async () => {
    const { succeeded, responses } = await answered({
      success: [
        nested({ compare: [unchanged("a", 1)], success: [put("a")], failure: [put("b")] }),
        put("c"),
      ],
    });
    assert.deepEqual([succeeded, responses[0]?.response_txn.succeeded], [true, false]);
    assert.deepEqual(await present(), ["b", "c"]);
  });

  await trap("all writes of a tree bear one revision", async () => {
    const { header } = await answered({
      success: [put("a"), nested({ success: [put("b"), nested({ success: [put("c")] })] })],
    });
    const { kvs } = answerOf(await pair.range(keys("\0", "\0")));
    assert.deepEqual(kvs.map((kv) => kv.mod_revision), Array(3).fill(header.revision));
  });

  await trap("a Txn that changes nothing takes no revision, an equal value does", async () => {
    const before = await answered({ success: [put("a", "1")] });
    const nothing = await answered({
      success: [del("b"), nested({ compare: [absent("a")], success: [put("a")] })],
    });
    assert.equal(nothing.header.revision, before.header.revision);
    const same = await answered({ success: [put("a", "1")] });
    assert.equal(Number(same.header.revision), Number(before.header.revision) + 1);
  });

  await trap("a key put and deleted in one Txn is gone, at every revision", async () => {
    const { header } = await answered({ success: [nested({ success: [put("a")] }), put("b")] });
    await answered({
      success: [nested({ success: [put("a", "2")] }), nested({ success: [del("a")] })],
    });
    assert.deepEqual(await present(), ["b"]);
    const old = answerOf(await pair.range({ ...keys("a"), revision: header.revision }));
    assert.equal(old.count, "1");
    const again = await answered({ success: [{ request_put: { ...keys("a"), prev_kv: true } }] });
    assert.equal(again.responses[0]?.response_put.prev_kv, null);
    const { kvs } = answerOf(await pair.range(keys("a")));
    assert.deepEqual([kvs[0]?.version, kvs[0]?.create_revision], ["1", again.header.revision]);
  });

  await trap("one compare guards a whole prefix", async () => {
    const empty = await answered({ compare: [absent("a/", "a0")], success: [put("a/1")] });
    assert.equal(empty.succeeded, true);
    assert.equal((await answered({ compare: [absent("a/", "a0")] })).succeeded, false);
    const revision = Number(empty.header.revision);
    const older = {
      ...keys("a/", "a0"),
      target: "Mod",
      result: "Less",
      mod_revision: revision + 1,
    } as const;
    assert.equal((await answered({ compare: [older] })).succeeded, true);
    await answered({ success: [put("a/2")] });
    assert.equal((await answered({ compare: [older] })).succeeded, false);
    // Not a safe guard: it does not see a delete.
    await answered({ success: [del("a/", "a0")] });
    assert.equal((await answered({ compare: [older] })).succeeded, true);
  });

  await trap("a value that is not there is neither equal nor different", async () => {
    for (const result of ["Equal", "NotEqual", "Greater", "Less"] as const) {
      const compare = { ...keys("a"), target: "Value", result, value: bytes("") } as const;
      assert.equal((await answered({ compare: [compare] })).succeeded, false);
    }
  });

  await trap("an enum in the wrong case silently means the first one", async () => {
    await answered({ success: [put("a"), put("b")] });
    const target: string = "MOD";
    const compare = [{ ...keys("a"), target: target as "Mod", version: 1 }];
    assert.equal((await answered({ compare })).succeeded, true);
  });

  await trap("of the fields of one operation the last one counts", async () => {
    await answered({ success: [{ ...get("a"), ...put("b") }] });
    assert.deepEqual(await present(), ["b"]);
  });

  await trap(
    "a range_end that is empty means no end to a read, the key alone to a write",
    async () => {
      await answered({ success: [put("a"), put("b")] });
      const read = get("\0", "");
      const alone = await answered({ success: [read] });
      assert.equal(alone.responses[0]?.response_range.count, "2");
      const beside = await answered({ success: [read, put("c")] });
      assert.equal(beside.responses[0]?.response_range.count, "0");
      assert.equal(answerOf(await pair.range(keys("\0", ""))).count, "3");
    },
  );

  await trap("a limit without an order cuts before it sorts", async () => {
    await answered({ success: [put("a", "3"), put("b", "2"), put("c", "1")] });
    const { kvs, more } = answerOf(
      await pair.range({ ...keys("a", "z"), limit: 1, sort_target: "Value" }),
    );
    assert.deepEqual([kvs[0]?.key.toString(), more], ["b", true]);
  });

  await trap("a revision is readable up to the compaction's own", async () => {
    const first = Number((await answered({ success: [put("a", "1")] })).header.revision);
    await answered({ success: [put("a", "2")] });
    await answered({ success: [del("a")] });
    answerOf(await pair.compact(first + 1));
    assert.equal(reasonOf(await pair.range({ ...keys("a"), revision: first })), "compacted");
    const at = answerOf(await pair.range({ ...keys("a"), revision: first + 1 }));
    assert.equal(at.kvs[0]?.value.toString(), "2");
    assert.equal(reasonOf(await pair.compact(first + 1)), "compacted");
  });

  await trap("a refused range of a Txn keeps its writes from being made", async () => {
    const old = { request_range: { ...keys("a"), revision: 1_000_000 } };
    assert.equal(await refused({ success: [put("a"), nested({ success: [old] })] }), "invalid");
    assert.deepEqual(await present(), []);
  });

  await trap("puts are checked before ranges up to 3.5, in their order from 3.6", async () => {
    const future = { request_range: { ...keys("a"), revision: 1_000_000 } };
    const keep = { request_put: { ...keys("b"), ignore_value: true } };
    const outcome = await pair.txn({ success: [future, nested({ success: [keep] })] });
    assert.match(
      "message" in outcome ? outcome.message : "",
      pair.traits.checksPutsFirst ? /key not found/ : /future revision/,
    );
  });

  await trap("what may be put and deleted in one Txn", async () => {
    const then = (...success: ITxnRequest["success"] & object) => nested({ success });
    const either = nested({ success: [put("a")], failure: [put("a")] });
    const refusals: Record<string, ITxnRequest["success"] & object> = {
      "two puts": [put("a"), put("a")],
      "a put above a put": [then(put("a")), put("a")],
      "two nested puts": [then(put("a")), then(put("a"))],
      "branches of different siblings": [
        then(put("a")),
        nested({ compare: [absent("a")], failure: [put("a")] }),
      ],
      "a put and a delete of it": [put("a"), del("a")],
      "a put and a range delete over it": [del("Z", "b"), put("a")],
      "a put above a nested delete": [put("a"), then(del("a"))],
      "a delete above a nested put": [then(then(put("a"))), del("a", "b")],
      "a nested put after a nested delete": [then(del("a")), then(put("a"))],
    };
    for (const [name, success] of Object.entries(refusals)) {
      assert.equal(await refused({ success }), "invalid", name);
    }
    const accepted: Record<string, ITxnRequest["success"] & object> = {
      "both branches of one": [either],
      "deletes that overlap": [del("a"), del("a"), del("\0", "z")],
      "a nested delete after a nested put": [then(put("a")), then(del("a"))],
      "a put beside a delete without an end": [del("\0", "\0"), put("a")],
      "a put beside an empty range": [del("b", "a"), put("a")],
    };
    for (const [name, success] of Object.entries(accepted)) {
      assert.equal((await answered({ success })).succeeded, true, name);
    }
    // The branches of the root are looked at one by one.
    await answered({ success: [put("a")], failure: [put("a"), del("b")] });
  });
});

function answerOf<T>(outcome: Outcome<T>): T {
  if ("answer" in outcome) return outcome.answer;
  throw new Error(`refused: ${outcome.message}`);
}

function reasonOf(outcome: Outcome<unknown>): string {
  return "reason" in outcome ? outcome.reason : "answered";
}
