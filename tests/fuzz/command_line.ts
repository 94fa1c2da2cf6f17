import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { parseArguments } from "../../lib/cli/arguments.ts";
import { Prng } from "../sim/prng.ts";
import type { Line } from "./_command_lines_child.ts";
import { HOSTILE_NAMES } from "./_names.ts";
import { runBatches, runCases, tell } from "./_seeds.ts";

const CHILD = fromFileUrl(new URL("./_command_lines_child.ts", import.meta.url));
const BATCH = 250;
/** Of a whole batch; far more than it takes, far less than a hang. */
const DEADLINE_MS = 60_000;

Deno.test("random command lines: a status, one line of error, no stack trace, nothing elsewhere", async () => {
  const base = Deno.makeTempDirSync({ prefix: "edgekeyd-fuzz-" });
  try {
    const seen = new Map<number | null, number>();
    await runBatches("commandLines", BATCH, async (seeds) => {
      for (const line of await runLines(base, seeds)) {
        check(line);
        seen.set(line.code, (seen.get(line.code) ?? 0) + 1);
      }
    });
    for (const code of [0, 1, 2]) assert.ok((seen.get(code) ?? 0) > 10, `status ${code} was met`);
    tell(`by status: ${JSON.stringify([...seen])}`);
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
});

Deno.test("words of a command line are taken as they are, numbers too", async () => {
  await runCases("words", (seed) => {
    const prng = new Prng(seed);
    const random = Array.from(
      { length: prng.between(1, 8) },
      () => prng.pick([..."0123456789eEx.+_-aInfinity \n%"]),
    ).join("");
    const word = prng.chance(0.3) ? prng.pick([...HOSTILE_NAMES, "007", "1e3", "0x10"]) : random;
    if (word.startsWith("-")) return;
    const { words } = parseArguments(["delete-component", word], () => undefined);
    assert.deepEqual(words, ["delete-component", word]);
  });
});

async function runLines(base: string, seeds: readonly number[]): Promise<Line[]> {
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CHILD, base, ...seeds.map(String)],
    stdin: "null",
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert.ok(code === 0 && signal === null, `exit ${code} ${signal}\n${said}`);
  const lines = new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
  assert.equal(lines.length, seeds.length, said);
  return lines.map((line): Line => JSON.parse(line));
}

function check({ args, env, code, out, err }: Line): void {
  if (code === null) return;
  const said = JSON.stringify({ args, env, code, out, err });
  assert.ok(code >= 0 && code <= 3, said);
  const errors = err.filter((line) => !line.startsWith("edgekeyd: note: "));
  assert.equal(errors.length, code === 0 ? 0 : 1, said);
  if (code === 2) assert.deepEqual(out, [], said);
  for (const line of err) {
    assert.match(line, /^edgekeyd: \S/, said);
    assert.doesNotMatch(line, /[\p{Cc}\u2028\u2029]/u, said);
    assert.doesNotMatch(line, /internal error|\bat .*:\d+:\d+/, said);
  }
}
