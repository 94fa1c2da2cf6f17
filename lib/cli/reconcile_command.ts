import type { Answers } from "../agent/mod.ts";
import { NOTHING_DONE, type ReconcileReport } from "../reconcile/mod.ts";
import { EXIT } from "./exit_code.ts";
import { findNode, noteOn } from "./find_node.ts";
import { presentable } from "./internal_error.ts";
import type { Options } from "./options.ts";
import { printAnswer } from "./output.ts";
import { progressBar } from "./progress_bar.ts";
import { summaryOf, textReport } from "./reconcile_text.ts";
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
  const { report, failure } = outcome;
  const why = failure && { failure: { code: failure.code, message: failure.message } };
  printAnswer(options, terminal, { ...report, ...why }, () => {
    if (!failure) textReport(report, terminal);
  });
  for (const text of [...unmatchedNames(options), ...outcome.notes]) note(text);
  if (failure) {
    terminal.err(`edgekeyd: ${failure.message}`);
    return EXIT.failed;
  }
  if (report.status === "in-step") return EXIT.ok;
  terminal.err(`edgekeyd: ${summaryOf(report)}`);
  return EXIT.partial;
}
