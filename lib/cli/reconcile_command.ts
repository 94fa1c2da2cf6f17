import { type Answers, whyNotInStep } from "../agent/mod.ts";
import { NOTHING_DONE, type ReconcileReport } from "../reconcile/mod.ts";
import { EXIT } from "./exit_code.ts";
import { findNode, noteOn } from "./find_node.ts";
import { presentable } from "./internal_error.ts";
import type { Options } from "./options.ts";
import { printAnswer } from "./output.ts";
import { progressBar } from "./progress_bar.ts";
import { textReport } from "./reconcile_text.ts";
import { clock } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { unmatchedNames } from "./unmatched_names.ts";

/** `edgekeyd --reconcile`, with or without `--dry-run`. */
export async function reconcileCommand(options: Options, terminal: Terminal): Promise<number> {
  const note = noteOn(terminal);
  const bar = progressBar(terminal, () => clock.monotonicMs());
  const startMs = clock.monotonicMs();
  const { dryRun, confirmDeletes, requireSingleTxn } = options;
  const query = { dryRun, confirmDeletes, requireSingleTxn };
  let outcome: Answers["Reconciled"];
  try {
    const node = await findNode(options, terminal, { bar });
    outcome = await node.ask("POST /v1/reconcile", { query });
  } catch (error) {
    const durationMs = Math.round(clock.monotonicMs() - startMs);
    const report: ReconcileReport = {
      ...NOTHING_DONE,
      status: "failed",
      durationMs,
      ...(options.dryRun && { plan: [] }),
    };
    outcome = { report, notes: [], busy: [], failure: presentable(error) };
  }
  const { report, failure, conditions = [] } = outcome;
  const failed = failure && { failure: { code: failure.code, message: failure.message } };
  printAnswer(options, terminal, { ...report, ...failed }, () => {
    if (!failure) textReport(report, outcome.keysHeldBack ?? [], terminal);
  });
  for (const text of [...unmatchedNames(options), ...outcome.notes]) note(text);
  if (failure) {
    terminal.err(`edgekeyd: ${failure.message}`);
    return EXIT.failed;
  }
  if (report.status === "in-step") return EXIT.ok;
  // A daemon of an earlier version names no conditions.
  const why = whyNotInStep(conditions) || "in step but for what the report lists";
  terminal.err(`edgekeyd: ${why}`);
  return EXIT.partial;
}
