import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { Prng } from "../sim/prng.ts";
import { type Damage, damage } from "./_damage.ts";
import type { Verdict } from "./_damage_child.ts";
import { makeHistory, writeFiles } from "./_kv_states.ts";
import { runBatches, tell } from "./_seeds.ts";

const CHILD = fromFileUrl(new URL("./_damage_child.ts", import.meta.url));
const STEPS = 40;
/** Opened by one process, since starting one takes longer than opening. */
const BATCH = 100;
const BATCH_DEADLINE_MS = 60_000;

type Outcome = "as it was" | "moved aside" | "mixed";

Deno.test("damaged databases: a state that there was, or moved aside; never a panic", async () => {
  const base = Deno.makeTempDirSync({ prefix: "edgekeyd-fuzz-" });
  const seen: Record<Outcome, number> = { "as it was": 0, "moved aside": 0, mixed: 0 };
  try {
    const { subjects, states } = await makeHistory(join(base, "history"), STEPS);
    await runBatches("databases", BATCH, async (seeds) => {
      const cases = new Map<string, Damage>();
      for (const seed of seeds) {
        const prng = new Prng(seed);
        const directory = join(base, String(seed));
        const done = damage(prng.pick(subjects), prng);
        writeFiles(directory, done.files);
        cases.set(directory, done);
      }
      for (const [directory, verdict] of await openEach([...cases.keys()], cases)) {
        const done = cases.get(directory);
        seen[outcomeOf(verdict, states, done)]++;
        Deno.removeSync(directory, { recursive: true });
      }
    });
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
  assert.ok(seen["as it was"] > 0 && seen["moved aside"] > 0, "both were met");
  tell(JSON.stringify(seen));
});

function outcomeOf(
  verdict: Verdict,
  states: ReadonlySet<string>,
  done: Damage | undefined,
): Outcome {
  // Nothing is refused: what is damaged is moved aside, and nothing else is wrong with it.
  assert.equal(verdict.kind, "open", `${done?.what}: ${JSON.stringify(verdict)}`);
  if (verdict.kind !== "open") throw new Error("unreachable");
  if (verdict.movedAside) return "moved aside";
  if (states.has(verdict.state)) return "as it was";
  // A database beside the journal of another moment: SQLite itself takes them for one.
  assert.ok(done?.isMixed, `${done?.what}: a state that never was: ${verdict.state}`);
  return "mixed";
}

/** Opens directories in a process of their own, which must live to the end. */
async function openEach(
  directories: readonly string[],
  cases: ReadonlyMap<string, Damage>,
): Promise<Map<string, Verdict>> {
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CHILD, ...directories],
    stdin: "null",
    signal: AbortSignal.timeout(BATCH_DEADLINE_MS),
  }).output();
  const verdicts = new Map<string, Verdict>();
  let current = "";
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    if (line.startsWith("> ")) current = line.slice(2);
    else if (line !== "") verdicts.set(current, JSON.parse(line));
  }
  const said = new TextDecoder().decode(stderr);
  const last = `${cases.get(current)?.what}: exit ${code} ${signal}\n${said}`;
  assert.ok(code === 0 && signal === null && !said.includes("panicked"), last);
  assert.equal(verdicts.size, directories.length, last);
  return verdicts;
}
