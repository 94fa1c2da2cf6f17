import { ok } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { say } from "../support/say.ts";

const TESTS = fromFileUrl(new URL("./state_trust.ts", import.meta.url));
const DEADLINE_MS = 300_000;
const IS_ROOT = Deno.uid() === 0;
if (!IS_ROOT) say("skipped: another user's state directory, which needs root");

// Whoever takes on another user's rights does so for all that runs in its process.
Deno.test("state directories that others have a hand in, in a process of its own (state_trust.ts)", async () => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--sanitize-ops", "--sanitize-resources", TESTS],
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  ok(success, `${text(stdout)}\n${text(stderr)}`);
  // None of them is passed over where root runs them.
  ok(!IS_ROOT || !/ignored/.test(text(stdout)), text(stdout));
});
