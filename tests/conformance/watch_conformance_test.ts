import assert from "node:assert/strict";
import type { Etcd, KeyWatch, WatchEvent } from "../../lib/etcd/mod.ts";
import { Dice } from "./dice.ts";
import { Lockstep } from "./lockstep.ts";
import { absent, del, nested, put } from "./short_requests.ts";

const KEY = "/own/fence";
const UNDER = "/registry/";
const KEYS = [KEY, `${UNDER}a`, `${UNDER}a/b`, `${UNDER}ü`, "/registry", "/registry0", "/other"];
const TXNS = 300;
const LAST = "/registry/last";

/** A watch and what it has told, its two ranges apart: etcd has no order between them. */
interface Told {
  readonly watch: KeyWatch;
  readonly ofKey: WatchEvent[];
  readonly deleted: WatchEvent[];
  /** Settles once the very last delete was told. */
  readonly all: Promise<void>;
}

async function watched(etcd: Etcd): Promise<Told> {
  const ofKey: WatchEvent[] = [];
  const deleted: WatchEvent[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const watch = await etcd.watch({ deletedUnder: UNDER, key: KEY }, (event) => {
    (event.key === KEY ? ofKey : deleted).push(event);
    if (event.key === LAST) resolve();
  });
  return { watch, ofKey, deleted, all };
}

Deno.test("a watch of model and etcd begins at one revision and tells the same", async () => {
  await using pair = await Lockstep.start();
  await pair.txn({ success: [put(KEY, "before"), put(`${UNDER}a`)] });
  await pair.txn({ success: [del(`${UNDER}a`)] });
  const [real, model] = [await watched(pair.real), await watched(pair.model)];
  assert.deepStrictEqual(model.watch.header, real.watch.header);

  const dice = new Dice(1);
  for (let txn = 0; txn < TXNS; txn++) {
    const op = () => {
      const key = KEYS[dice.below(KEYS.length)] ?? KEY;
      return dice.below(2) === 0 ? put(key, `${txn}`) : del(key);
    };
    await pair.txn(
      dice.below(4) === 0
        ? { success: [nested({ compare: [absent(KEY)], success: [op()], failure: [op()] })] }
        : { success: dice.below(8) === 0 ? [del(UNDER, "/registry0")] : [op()] },
    );
  }
  await pair.txn({ success: [put(KEY, "last")] });
  await pair.txn({ success: [put(LAST)] });
  await pair.txn({ success: [del(LAST)] });
  await Promise.all([real.all, model.all]);
  assert.deepStrictEqual(model.deleted, real.deleted);
  const isLast = ({ value }: WatchEvent) => value === "last";
  while (!real.ofKey.some(isLast)) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepStrictEqual(model.ofKey, real.ofKey);
  assert.ok(real.deleted.length > 30 && real.ofKey.length > 30, "hardly anything was told");

  for (const { watch } of [real, model]) {
    watch.close();
    assert.strictEqual(await watch.ended, undefined);
  }
});
