import assert from "node:assert/strict";
import { TxnAim } from "../../lib/store/txn_aim.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

Deno.test("TxnAim: a lost answer of a small Txn says nothing about size", () => {
  const aim = new TxnAim();
  for (const bytes of [1, 3 * KIB, 64 * KIB]) aim.lost(bytes);
  assert.equal(aim.bytes, Infinity);
});

Deno.test("TxnAim: a lost answer halves what was sent, never below what a small Txn needs", () => {
  const aim = new TxnAim();
  aim.lost(MIB);
  assert.equal(aim.bytes, 512 * KIB);
  aim.lost(1.5 * MIB);
  assert.equal(aim.bytes, 512 * KIB, "no larger after a failure");
  aim.lost(100 * KIB);
  assert.equal(aim.bytes, 64 * KIB);
  aim.lost(64 * KIB);
  assert.equal(aim.bytes, 64 * KIB);
});

Deno.test("TxnAim: those that pass let it grow, the later the more have failed", () => {
  const passesUntilItGrows = (aim: TxnAim) => {
    const { bytes } = aim;
    for (let passes = 1; passes < 100; passes++) {
      aim.passed(bytes);
      if (aim.bytes > bytes) return passes;
    }
    return Infinity;
  };
  const aim = new TxnAim();
  aim.lost(MIB);
  assert.equal(passesUntilItGrows(aim), 4);
  assert.equal(aim.bytes, MIB);
  aim.lost(MIB);
  assert.equal(passesUntilItGrows(aim), 8);
  aim.lost(MIB);
  for (let passes = 0; passes < 50; passes++) aim.passed(KIB);
  assert.equal(aim.bytes, 512 * KIB, "small ones say nothing about large ones");
});

Deno.test("TxnAim: what etcd refused as too large is halved, however small, and not tried again", () => {
  const aim = new TxnAim();
  aim.refused(40 * KIB);
  assert.equal(aim.bytes, 20 * KIB);
  for (let passes = 0; passes < 100; passes++) aim.passed(20 * KIB);
  assert.equal(aim.bytes, 20 * KIB);
  aim.refused(20 * KIB);
  assert.equal(aim.bytes, 10 * KIB);
});
