import assert from "node:assert/strict";
import type { FenceState, IntentHeader } from "../../lib/keycache/mod.ts";
import { judgeFence, mayTakeOver } from "../../lib/store/mod.ts";

const LIFE = "11aa";
const STATE: FenceState = { expected: "11aa/7/x", seq: 7, epoch: 1, adopting: false };
const UNBORN: FenceState = { ...STATE, expected: null, seq: 0 };
const INTENT: IntentHeader = {
  expected: "11aa/7/x",
  next: "11aa/8/n",
  bump: "11aa/9/b",
  seq: 8,
  entries: 0,
  chunks: 0,
  digest: 0,
};

const NO_FENCE = { kind: "other-life", holder: undefined };

function anothers(life: string, seq: number): object {
  return { kind: "other-life", holder: { life, seq } };
}

type Row = [found: string | null, state: FenceState, pending: boolean, verdict: object];

const TABLE: Record<string, Row> = {
  "what is expected, and nothing pending: in step": [
    "11aa/7/x",
    STATE,
    false,
    { kind: "in-step" },
  ],
  "no fence, and none expected: in step": [null, UNBORN, false, { kind: "in-step" }],
  "what is expected, and a Txn pending: not applied yet": [
    "11aa/7/x",
    STATE,
    true,
    { kind: "not-applied" },
  ],
  "no fence yet, and the first Txn pending: not applied yet": [
    null,
    UNBORN,
    true,
    { kind: "not-applied" },
  ],
  "the intent's next: applied": ["11aa/8/n", STATE, true, { kind: "applied" }],
  "the intent's bump: fenced off": ["11aa/9/b", STATE, true, { kind: "fenced-off" }],
  "nothing: reset": [null, STATE, false, { kind: "reset", seq: undefined }],
  "nothing, and a Txn pending: reset": [null, STATE, true, { kind: "reset", seq: undefined }],
  "our life with a lower seq: restored": ["11aa/6/y", STATE, false, { kind: "reset", seq: 6 }],
  "our life with a lower seq, and a Txn pending: restored": [
    "11aa/2/y",
    STATE,
    true,
    { kind: "reset", seq: 2 },
  ],
  "our life with an equal seq that was never written down: rolled back": [
    "11aa/7/y",
    STATE,
    false,
    { kind: "rolled-back", holder: { life: LIFE, seq: 7 } },
  ],
  "our life with a higher seq: rolled back": [
    "11aa/12/y",
    STATE,
    false,
    { kind: "rolled-back", holder: { life: LIFE, seq: 12 } },
  ],
  "the intent's seq with another value: rolled back": [
    "11aa/8/other",
    STATE,
    true,
    { kind: "rolled-back", holder: { life: LIFE, seq: 8 } },
  ],
  "next of an intent that is not pending any more: rolled back": [
    "11aa/8/n",
    STATE,
    false,
    { kind: "rolled-back", holder: { life: LIFE, seq: 8 } },
  ],
  "another life: another's": ["22bb/7/x", STATE, false, anothers("22bb", 7)],
  "another life that begins as ours: another's": ["11aab/7/x", STATE, false, anothers("11aab", 7)],
  "a life where none is expected: another's": ["22bb/1/x", UNBORN, true, anothers("22bb", 1)],
  "a value that is no fence: another's": ["hello", STATE, false, NO_FENCE],
  "an empty value: another's": ["", STATE, false, NO_FENCE],
  "a seq that is no number: another's": ["11aa/-1/x", STATE, false, NO_FENCE],
  "a seq too big to count: another's": [
    "11aa/9999999999999999999/x",
    STATE,
    false,
    NO_FENCE,
  ],
};

for (const [name, [found, state, pending, verdict]] of Object.entries(TABLE)) {
  Deno.test(`judgeFence() of ${name}`, () => {
    const intent = pending ? { ...INTENT, expected: state.expected } : undefined;
    assert.deepEqual(judgeFence(found, LIFE, state, intent), verdict);
  });
}

Deno.test("mayTakeOver() is true once a life, and of an older etcd's fence of the same holder", () => {
  const lost = (life: string, seq: number) =>
    ({ kind: "other-life", holder: { life, seq } }) as const;
  const after: FenceState = { ...STATE, tookOver: { life: "22bb", seq: 7 } };
  assert.equal(mayTakeOver(lost("22bb", 8), STATE), true);
  for (
    const [verdict, may] of [
      [lost("22bb", 7), true],
      [lost("22bb", 6), true],
      [lost("22bb", 8), false],
      [lost("33cc", 1), false],
      [{ kind: "other-life", holder: undefined }, false],
      [{ kind: "rolled-back", holder: { life: LIFE, seq: 9 } }, false],
    ] as const
  ) assert.equal(mayTakeOver(verdict, after), may);
});
