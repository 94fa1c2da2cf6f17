import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Backoff } from "../../lib/agent/backoff.ts";

Deno.test("pauses double up to the limit, with jitter, and are short again after a success", () => {
  const longest = new Backoff(1_000, () => 0.999_999);
  const pauses = [1, 2, 3, 4, 5].map(() => Math.round(longest.next()));
  deepStrictEqual(pauses, [250, 500, 1_000, 1_000, 1_000]);
  longest.reset();
  strictEqual(Math.round(longest.next()), 250);
  strictEqual(new Backoff(1_000, () => 0).next(), 125);
  strictEqual(new Backoff(100, () => 0.999_999).next() <= 100, true);
});
