import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Answers } from "../../lib/agent/mod.ts";
import type { DaemonProcess } from "../agent/_daemon.ts";
import type { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { modsOf } from "./_after_kill.ts";

/** Has a daemon make a full pass, with all deletes confirmed. */
export async function fullPass(daemon: DaemonProcess): Promise<Answers["Reconciled"]> {
  const answered = await daemon.ask("POST", "/v1/reconcile?confirmDeletes=true");
  strictEqual(answered.status, 200, answered.text);
  const answer = answered.json as Answers["Reconciled"];
  strictEqual(answer.failure, undefined, answered.text);
  return answer;
}

/** A daemon that is in step finds nothing to do. */
export async function checkIdle(
  daemon: DaemonProcess,
  etcd: EtcdView,
  node: EdgeNode,
): Promise<void> {
  const mods = await modsOf(etcd, node);
  const { report } = await fullPass(daemon);
  strictEqual(report.txns, 0, JSON.stringify(report));
  deepStrictEqual(await modsOf(etcd, node), mods, "a second pass changes nothing");
}
