import assert from "node:assert/strict";
import { fromFileUrl, join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { Prng } from "../sim/prng.ts";
import { type Damage, damage, flippedSchema, misplacedPages } from "./_damage.ts";
import type { Verdict } from "./_damage_child.ts";
import { filesIn, makeHistory, writeFiles } from "./_kv_states.ts";
import { runBatches, tell } from "./_seeds.ts";

const CHILD = fromFileUrl(new URL("./_damage_child.ts", import.meta.url));
const DATABASE = "cache.kv";
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

Deno.test("misplaced pages and odd columns: a state that there was, or moved aside", async () => {
  const base = Deno.makeTempDirSync({ prefix: "edgekeyd-fuzz-" });
  try {
    const { subjects, states } = await makeHistory(join(base, "history"), STEPS);
    const files = subjects.find(({ label }) => label === "closed")?.moments.at(-1);
    assert.ok(files);
    const all = misplacedPages(files, DATABASE);
    for (const [index, statement] of ODD_COLUMNS.entries()) {
      const directory = join(base, `statement-${index}`);
      writeFiles(directory, files);
      const db = new DatabaseSync(join(directory, DATABASE));
      db.exec(statement);
      db.close();
      all.push({ what: statement, files: filesIn(directory), isMixed: false });
    }
    const cases = new Map(all.map((done, index) => [join(base, String(index)), done]));
    for (const [directory, done] of cases) writeFiles(directory, done.files);
    for (const [directory, verdict] of await openEach([...cases.keys()], cases)) {
      outcomeOf(verdict, states, cases.get(directory));
    }
    tell(`${cases.size} misplaced pages and odd columns`);
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
});

Deno.test("a flipped bit anywhere in the schema: a state that there was, or moved aside", async () => {
  const base = Deno.makeTempDirSync({ prefix: "edgekeyd-fuzz-" });
  const seen: Record<Outcome, number> = { "as it was": 0, "moved aside": 0, mixed: 0 };
  try {
    const { subjects, states } = await makeHistory(join(base, "history"), STEPS);
    const files = subjects.find(({ label }) => label === "closed")?.moments.at(-1);
    assert.ok(files);
    const all = flippedSchema(files, DATABASE);
    for (let from = 0; from < all.length; from += BATCH) {
      const cases = new Map(
        all.slice(from, from + BATCH).map((done, index) => [join(base, `${from + index}`), done]),
      );
      for (const [directory, done] of cases) writeFiles(directory, done.files);
      for (const [directory, verdict] of await openEach([...cases.keys()], cases)) {
        seen[outcomeOf(verdict, states, cases.get(directory))]++;
        Deno.removeSync(directory, { recursive: true });
      }
    }
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
  assert.ok(seen["as it was"] > 0 && seen["moved aside"] > 0, "both were met");
  tell(JSON.stringify(seen));
});

/** What flipped bits in the columns beside key and value could make of them. */
const ODD_COLUMNS = [
  ...[0, 1, 2, 4, -1].map((encoding) => `update kv set v_encoding = ${encoding}`),
  "update kv set v_encoding = 1 where k = (select max(k) from kv)",
  "update kv set v_encoding = 2 where k = (select min(k) from kv)",
  "update kv set expiration_ms = 0",
  "update kv set expiration_ms = 1 where k = (select max(k) from kv)",
  "update kv set expiration_ms = 9223372036854775807",
  "update kv set v = 'text'",
  "update kv set v = x''",
  "update kv set k = x'' where k = (select max(k) from kv)",
  "update kv set k = x'02' where k = (select max(k) from kv)",
  "update kv set k = x'99' where k = (select max(k) from kv)",
  "update kv set k = x'02ff' where k = (select max(k) from kv)",
  "update kv set k = 'text' where k = (select max(k) from kv)",
  "update kv set k = x'02736f77' || substr(k, 5) where k = (select max(k) from kv)",
  "update kv set version = -1, seq = -1",
  "delete from data_version",
  "delete from migration_state",
  "update migration_state set version = 0",
  "update migration_state set version = 1",
  "update migration_state set version = 99",
  "alter table kv rename to kw",
  "drop table queue",
  "drop table queue_running",
  "drop table data_version",
  "drop index kv_expiration_ms_idx",
  "insert into queue values (0, 'a', x'00', '', x'00')",
  "insert into queue_running values (0, 'a', x'00', '', x'00')",
];

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
