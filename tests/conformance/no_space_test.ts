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

Deno.test("model and etcd run out of space alike", async () => {
  await using pair = await Lockstep.start({ quotaBackendBytes: QUOTA_BYTES });
  assert.equal(await pair.real.hasNoSpaceAlarm(), false);

  const requests = Array.from({ length: FLOOD }, (_, index) => ({
    key: `k/${index}`,
    txn: { success: [put(`k/${index}`, VALUE)] },
  }));
  const real = await Promise.all(
    requests.map(async (request) => ({
      ...request,
      outcome: await outcome(pair.real.txn(request.txn)),
    })),
  );
  const { kvs } = await pair.real.range({ ...keys("k/", "k0"), keys_only: true });
  const revisions = new Map(kvs.map((kv) => [kv.key.toString(), Number(kv.mod_revision)]));

  // The real one has put them in an order of its own, which the model repeats.
  const applied = real.filter(({ key }) => revisions.has(key))
    .sort((a, b) => (revisions.get(a.key) ?? 0) - (revisions.get(b.key) ?? 0));
  let appliedYetRefused = 0;
  for (const { key, txn, outcome: end } of applied) {
    const refused = "reason" in end;
    if (refused) appliedYetRefused++;
    pair.model.setNoSpace(refused ? "filling" : "free");
    alike(end, await outcome(pair.model.txn(txn)), key);
  }
  assert.ok(appliedYetRefused > 0, "etcd refused none of the Txns that it applied");
  assert.equal(await pair.model.hasNoSpaceAlarm(), true);
  assert.equal(await pair.real.hasNoSpaceAlarm(), true);
  for (const { key, txn, outcome: end } of real.filter(({ key }) => !revisions.has(key))) {
    alike(end, await outcome(pair.model.txn(txn)), key);
  }
  await pair.range({ ...keys("\0", "\0"), keys_only: true });

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
