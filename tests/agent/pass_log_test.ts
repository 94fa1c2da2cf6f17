import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { makeLog } from "../../lib/agent/log.ts";
import { PassLog } from "../../lib/agent/pass_log.ts";
import { EtcdError } from "../../lib/etcd/mod.ts";
import { KeyCacheError } from "../../lib/keycache/mod.ts";
import type { ReconcileOutcome } from "../../lib/reconcile/mod.ts";
import { outcome } from "./_outcome.ts";

Deno.test("the log tells of a failure once, and of what a pass changed, noted and let go", () => {
  const lines: string[] = [];
  const log = new PassLog(makeLog("text", (line) => lines.push(line), () => new Date()), () => 0);
  const key = "/registry/pods/a/b";
  const conflicts = new Map([[key, "theirs"]]);
  const told = (pass: ReconcileOutcome) => {
    log.passed(pass, conflicts, "in step");
    return lines.splice(0);
  };
  const report = { conflicts: [{ key, reason: "theirs" }, { key: "/gone", reason: "let go" }] };
  const noted = { ...outcome(report), notes: ["3 keys were kept"] };
  deepStrictEqual(told(noted), [
    "notice: 3 keys were kept",
    'warning: key left to others key=/gone reason="let go"',
  ]);
  deepStrictEqual(told({ ...outcome(), notes: noted.notes }), []);
  deepStrictEqual(told({ ...outcome({ created: 2, txns: 1 }), notes: noted.notes }), [
    "info: brought in step created=2 updated=0 deleted=0 released=0 txns=1 revision=7 durationMs=1",
  ]);
  const away = new EtcdError("unreachable", "away");
  log.failed(away);
  log.failed(away);
  log.failed(new EtcdError("timeout", "late"));
  deepStrictEqual(lines.splice(0), ["error: away code=Etcd"]);
  // What fails for another reason asks for something else to be done: the last line is the reason.
  log.failed(new EtcdError("permission-denied", "denied"));
  log.failed(new KeyCacheError("full", "full"));
  log.failed(away);
  log.failed(new EtcdError("permission-denied", "denied"));
  deepStrictEqual(lines.splice(0), [
    "error: denied code=Etcd",
    "error: full code=KeyCache",
    "error: away code=Etcd",
    "error: denied code=Etcd",
  ]);
  log.failed(new KeyCacheError("io", "another disk"));
  log.failed(new KeyCacheError("io", "and another"));
  log.failed(new EtcdError("tls", "http://a:1 is expired; tried before: http://b:1 (tls)"));
  log.failed(new EtcdError("tls", "http://b:1 is expired; tried before: http://a:1 (tls)"));
  strictEqual(lines.splice(0).length, 3, "which endpoint says so is no other reason");
  log.passed(outcome(), conflicts, "in step but for 3 deletes of kubelet held back");
  deepStrictEqual(lines.splice(0), [
    "notice: in step again but for 3 deletes of kubelet held back",
  ]);
  log.failed(away);
  deepStrictEqual(lines.splice(0), ["error: away code=Etcd"]);
  deepStrictEqual(told(outcome()), ["notice: in step again"]);
  log.failed(away);
  deepStrictEqual(lines.splice(0), ["error: away code=Etcd"]);
  const emptied = { ...outcome({ ...report, created: 9, txns: 1 }), notes: ["it came back empty"] };
  const order = told(emptied).map((line) => line.replace(/ (created|key)=.*/, ""));
  deepStrictEqual(order, [
    "notice: it came back empty",
    "info: brought in step",
    "warning: key left to others",
    "notice: in step again",
  ], "the cause, what was done, and then how it is");
});
