import assert from "node:assert/strict";
import type { ITxnRequest } from "etcd3";
import { Dice } from "./dice.ts";
import { alike, Lockstep, outcome } from "./lockstep.ts";
import { bytes, RequestMaker } from "./requests.ts";
import { absent, del, get, keys, nested, put } from "./short_requests.ts";

const QUOTA_BYTES = 4 * 1024 * 1024;
const VALUE = "x".repeat(64 * 1024);
/** More than the quota holds, sent at once: etcd learns its own size every 100 ms only. */
const FLOOD = 300;

/** A busy machine may miss the moment between etcd's two looks at its quota. */
const ATTEMPTS = 8;

Deno.test("model and etcd run out of space alike", async () => {
  await using pair = await runOut();
  assert.equal(await pair.model.hasNoSpaceAlarm(), true);
  assert.equal(await pair.real.hasNoSpaceAlarm(), true);

  const refusals: Record<string, ITxnRequest> = {
    "a put at the root": { success: [put("a")] },
    "in the branch that is not taken": { failure: [put("a")] },
    "beside deletes": { success: [del("k/", "k0"), put("a")] },
    "before its form is looked at": { success: [put("a"), put("a"), {}] },
  };
  for (const [name, request] of Object.entries(refusals)) {
    const end = await pair.txn(request, name);
    assert.equal("reason" in end && end.reason, "no-space", name);
  }
  const free: Record<string, ITxnRequest> = {
    "a nested put": { compare: [absent("a")], success: [nested({ success: [put("a", VALUE)] })] },
    "a read": { success: [get("a")] },
    "a delete": { success: [del("k/", "k1")] },
  };
  for (const [name, request] of Object.entries(free)) {
    const end = await pair.txn(request, name);
    assert.equal("answer" in end, !pair.traits.quotaStopsEveryTxn, name);
  }
  // A range that is no Txn gets through everywhere.
  assert.ok("answer" in await pair.range(keys("a")));

  const make = new RequestMaker(new Dice(1));
  for (let step = 0; step < 200; step++) {
    make.revision = pair.model.revision;
    await pair.txn(make.txn(bytes(VALUE).length), `step ${step}`);
  }
});

/** @returns a pair without space, on which Txns were applied and yet refused */
async function runOut(): Promise<Lockstep> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await using stack = new AsyncDisposableStack();
    const pair = stack.use(await Lockstep.start({ quotaBackendBytes: QUOTA_BYTES }));
    if (await flood(pair) === 0) continue;
    stack.move();
    return pair;
  }
  throw new Error(`etcd refused none of the Txns that it applied, ${ATTEMPTS} times`);
}

/** Sends more than there is space for. @returns how many Txns were applied and yet refused */
async function flood(pair: Lockstep): Promise<number> {
  const real = await Promise.all(
    Array.from({ length: FLOOD }, async (_, index) => {
      const key = `k/${index}`;
      const txn = { success: [put(key, VALUE)] };
      return { key, txn, end: await outcome(pair.real.txn(txn)) };
    }),
  );
  const { kvs } = await pair.real.range({ ...keys("k/", "k0"), keys_only: true });
  const revisions = new Map(kvs.map((kv) => [kv.key.toString(), Number(kv.mod_revision)]));
  const rank = ({ key }: { key: string }) => revisions.get(key) ?? Infinity;

  // The real one put them in an order of its own, which the model repeats; the refused come last.
  let appliedYetRefused = 0;
  for (const { key, txn, end } of real.toSorted((a, b) => rank(a) < rank(b) ? -1 : 1)) {
    const applied = revisions.has(key);
    if (applied && "reason" in end) appliedYetRefused++;
    pair.model.setNoSpace(!applied ? "full" : "reason" in end ? "filling" : "free");
    alike(end, await outcome(pair.model.txn(txn)), key);
  }
  await pair.range({ ...keys("\0", "\0"), keys_only: true });
  return appliedYetRefused;
}
