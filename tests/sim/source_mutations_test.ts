import assert from "node:assert/strict";
import { seenInMutant } from "./source_mutant.ts";
import { BROKEN_TEXTS } from "./source_mutations.ts";

const MAX_SEEDS = 3_000;

for (const { mutation, checker, text, scene } of BROKEN_TEXTS) {
  Deno.test(`checker "${checker}" sees it if ${mutation.name}: ${text.source}`, async () => {
    const seen = await seenInMutant(mutation, checker, text, MAX_SEEDS, scene);
    assert.ok(seen, `not seen in ${MAX_SEEDS} seeds`);
  });
}
