import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ChangeLog, type Changes } from "../../lib/agent/change_log.ts";
import type { LogFields } from "../../lib/agent/mod.ts";

const HOUR_MS = 3_600_000;
const NOTHING: Changes = {
  created: 0,
  updated: 0,
  deleted: 0,
  released: 0,
  txns: 1,
  revision: "7",
  durationMs: 1,
};

/** A log and its clock. */
function changeLog() {
  const lines: [string, LogFields | undefined][] = [];
  const now = { ms: 5 };
  const log = new ChangeLog((_, message, fields) => lines.push([message, fields]), () => now.ms);
  return { log, lines, now, told: () => lines.splice(0).map(([message]) => message) };
}

Deno.test("ChangeLog: a Lease every ten seconds is a line at once, then one an hour with all of it", () => {
  const { log, lines, now } = changeLog();
  for (let pass = 0; pass < 721; pass++, now.ms += 10_000) {
    log.changed({ ...NOTHING, updated: 1, revision: String(pass) });
    log.tick();
  }
  const told = lines.map(([message, fields]) => [message, fields?.passes, fields?.updated]);
  deepStrictEqual(told, [
    ["brought in step", undefined, 1],
    ["brought in step since", 359, 359],
    ["brought in step", undefined, 1],
    ["brought in step since", 359, 359],
    ["brought in step", undefined, 1],
  ]);
});

Deno.test("ChangeLog: a change that is worth knowing shows at once among everyday ones", () => {
  const { log, told } = changeLog();
  log.changed({ ...NOTHING, updated: 1 });
  log.changed(NOTHING);
  deepStrictEqual(told(), ["brought in step"], "a pass that changed nothing is none");
  for (let pass = 0; pass < 50; pass++) log.changed({ ...NOTHING, updated: 1 });
  deepStrictEqual(told(), []);
  for (let pass = 0; pass < 3; pass++) log.changed({ ...NOTHING, updated: 1, deleted: 1 });
  log.changed({ ...NOTHING, created: 2 });
  strictEqual(told().length, 4, "keys that come or go, one by one");
  for (let pass = 0; pass < 1_000; pass++) log.changed({ ...NOTHING, created: 2 });
  ok(told().length < 20, "but no flood of them");
  log.changed({ ...NOTHING, updated: 2 });
  log.changed({ ...NOTHING, created: 90 });
  strictEqual(told().length, 2, "more than was told before");
  for (let pass = 0; pass < 1_000; pass++) log.changed({ ...NOTHING, created: pass });
  ok(told().length < 12, "what grows and grows is no flood");
});

Deno.test("ChangeLog: what was not told yet is summed up when the agent ends, and when an hour is over that stays quiet", () => {
  const { log, lines, now } = changeLog();
  log.sumUp();
  strictEqual(lines.length, 0);
  for (let pass = 0; pass < 3; pass++) log.changed({ ...NOTHING, updated: 2 });
  now.ms += HOUR_MS;
  log.tick();
  log.tick();
  deepStrictEqual(lines.splice(1), [[
    "brought in step since",
    { passes: 2, created: 0, updated: 4, deleted: 0, released: 0, txns: 2, revision: "7" },
  ]]);
});
