import assert from "node:assert/strict";
import type { IRangeResponse, ITxnRequest, ITxnResponse } from "etcd3";
import type { RangesResponse } from "../../lib/etcd/mod.ts";
import { Dice } from "./dice.ts";
import { Lockstep, type Outcome } from "./lockstep.ts";
import { RequestMaker, RESULTS, TARGETS } from "./requests.ts";

const SEQUENCES = 500;
const STEPS = 12;
const MAX_TXN_OPS = 14;
const MAX_REQUEST_BYTES = 2048;

Deno.test("model and etcd answer generated sequences of requests alike", async () => {
  await using pair = await Lockstep.start({
    maxTxnOps: MAX_TXN_OPS,
    maxRequestBytes: MAX_REQUEST_BYTES,
  });
  const met = new Map<string, number>();
  const meet = (mark: string) => met.set(mark, (met.get(mark) ?? 0) + 1);

  for (let sequence = 0; sequence < SEQUENCES; sequence++) {
    const dice = new Dice(sequence);
    const make = new RequestMaker(dice);
    for (let step = 0; step < STEPS; step++) {
      make.revision = pair.model.revision;
      const note = `sequence ${sequence}, step ${step}`;
      const kind = dice.below(100);
      if (kind < 3) {
        meet(`compact: ${endOf(await pair.compact(make.compaction(), note))}`);
      } else if (kind < 10) {
        const requests = Array.from({ length: 1 + dice.below(4) }, () => make.range());
        meet(`ranges: ${endOf(await pair.rangeAll(requests, note))}`);
      } else if (kind < 25) {
        meet(`range: ${endOf(await pair.range(make.range(), note))}`);
      } else {
        const request = make.txn(MAX_REQUEST_BYTES - dice.below(100));
        const outcome = await pair.txn(request, note);
        meet(`txn: ${endOf(outcome)}`);
        if (!("answer" in outcome)) continue;
        marksOf(request, outcome.answer, 0, meet);
        if (make.revision === pair.model.revision) meet("a Txn that wrote nothing");
      }
    }
  }

  for (const mark of EXPECTED) {
    assert.ok(
      (met.get(mark) ?? 0) >= 5,
      `the generator hardly reached "${mark}": ${met.get(mark)}`,
    );
  }
});

/** What the sequences must have met, or else they prove little. */
const EXPECTED = [
  ...TARGETS.flatMap((target) =>
    RESULTS.flatMap((result) => [true, false].map((held) => `${target} ${result} ${held}`))
  ),
  ...[0, 1, 2, 3, 4].map((depth) => `depth ${depth}`),
  ...["put", "delete", "range"].map((kind) => `nested ${kind}`),
  "a Txn that wrote nothing",
  "compact: answered",
  "compact: etcdserver: mvcc: required revision has been compacted",
  "compact: etcdserver: mvcc: required revision is a future revision",
  "range: answered",
  "range: etcdserver: key is not provided",
  "range: etcdserver: mvcc: required revision has been compacted",
  "range: etcdserver: mvcc: required revision is a future revision",
  "ranges: answered",
  "ranges: etcdserver: mvcc: required revision has been compacted",
  "ranges: etcdserver: mvcc: required revision is a future revision",
  "txn: etcdserver: duplicate key given in txn request",
  "txn: etcdserver: key is not provided",
  "txn: etcdserver: key not found",
  "txn: etcdserver: mvcc: required revision has been compacted",
  "txn: etcdserver: mvcc: required revision is a future revision",
  "txn: etcdserver: request is too large",
  "txn: etcdserver: too many operations in txn request",
];

function endOf(
  outcome: Outcome<IRangeResponse | RangesResponse | ITxnResponse | void>,
): string {
  return "answer" in outcome ? "answered" : outcome.message.replace(/^.*?: |;.*$/g, "");
}

function marksOf(
  request: ITxnRequest,
  answer: ITxnResponse,
  depth: number,
  meet: (mark: string) => void,
): void {
  meet(`depth ${depth}`);
  const [compare, second] = request.compare ?? [];
  if (compare && !second) {
    meet(`${compare.target ?? "Version"} ${compare.result ?? "Equal"} ${answer.succeeded}`);
  }
  const taken = (answer.succeeded ? request.success : request.failure) ?? [];
  for (const [i, op] of taken.entries()) {
    const inner = answer.responses[i];
    if (depth > 0 && op.request_put) meet("nested put");
    if (depth > 0 && op.request_delete_range) meet("nested delete");
    if (depth > 0 && op.request_range) meet("nested range");
    if (op.request_txn && inner) marksOf(op.request_txn, inner.response_txn, depth + 1, meet);
  }
}
