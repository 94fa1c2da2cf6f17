import assert from "node:assert/strict";
import { BROKEN_RULES } from "./mutations.ts";
import { simulate } from "./simulator.ts";

const MAX_SEEDS = 3_000;

for (const { mutation, seenBy } of BROKEN_RULES) {
  for (const { checker, text } of seenBy) {
    Deno.test(`checker "${checker}" sees it if ${mutation.name}: ${text.source}`, async () => {
      for (let seed = 1; seed <= MAX_SEEDS; seed++) {
        const { failure } = await simulate(seed, { mutation, checker });
        if (failure?.checker === checker && text.test(failure.text)) return;
      }
      assert.fail(`not seen in ${MAX_SEEDS} seeds`);
    });
  }
}
