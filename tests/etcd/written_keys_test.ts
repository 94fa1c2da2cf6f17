import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  firstDenied,
  type KeyRange,
  writeQuestion,
  writtenKeys,
} from "../../lib/etcd/written_keys.ts";

const put = (key: string) => ({ request_put: { key: Buffer.from(key) } });
const remove = (key: string) => ({ request_delete_range: { key: Buffer.from(key) } });
const read = (key: string) => ({ request_range: { key: Buffer.from(key) } });

Deno.test("written keys: at the root and below it, sorted, reads left out", () => {
  const request = {
    success: [put("/fence"), {
      request_txn: {
        success: [put("/b"), { request_txn: { success: [remove("/a"), read("/r")] } }],
      },
    }],
    failure: [remove("/f")],
  };
  deepStrictEqual(writtenKeys(request), ["/a", "/b", "/f", "/fence"]);
  deepStrictEqual(writtenKeys(request, { nestedOnly: true }), ["/a", "/b"]);
});

Deno.test("written keys: the question does nothing if it is allowed", () => {
  const { compare, success, failure } = writeQuestion([{ first: "/a", last: "/b" }]);
  // No compare, so that it succeeds; nothing to do when it does.
  deepStrictEqual([compare, success, failure?.length], [[], [], 1]);
});

Deno.test("written keys: the first denied key is found, whatever else is permitted", async () => {
  const key = fc.tuple(fc.constantFrom("/p", "/q", "/r"), fc.integer({ min: 0, max: 40 }))
    .map(([top, n]) => `${top}/k${String(n).padStart(2, "0")}`);
  await fc.assert(fc.asyncProperty(
    fc.uniqueArray(key, { maxLength: 40 }),
    fc.uniqueArray(key, { maxLength: 6 }),
    async (written, denied) => {
      const keys = written.toSorted();
      const permitted = (ranges: readonly KeyRange[]) => {
        ok(ranges.length <= 3);
        return Promise.resolve(
          !denied.some((key) => ranges.some(({ first, last }) => first <= key && key <= last)),
        );
      };
      strictEqual(
        await firstDenied(keys, permitted),
        keys.find((key) => denied.includes(key)),
      );
    },
  ));
});
