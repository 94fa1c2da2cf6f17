import { strictEqual } from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { versionFacts } from "../../lib/cli/version.ts";

Deno.test("--version and deno.json agree", () => {
  strictEqual(versionFacts().version, config.version);
});
