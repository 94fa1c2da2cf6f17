import assert from "node:assert/strict";
import { BROKEN_RULES } from "./mutations.ts";
import { simulate } from "./simulator.ts";

const MAX_SEEDS = 1_000;

for (const { mutation, seenBy } of BROKEN_RULES) {
  for (const checker of seenBy) {
    Deno.test(`checker "${checker}" sees it if ${mutation.name}`, async () => {
      for (let seed = 1; seed <= MAX_SEEDS; seed++) {
        const { failure } = await simulate(seed, { mutation, checker });
        if (failure?.checker === checker) return;
      }
      assert.fail(`not seen in ${MAX_SEEDS} seeds`);
    });
  }
}
