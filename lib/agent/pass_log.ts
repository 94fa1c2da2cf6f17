import type { EdgekeydError } from "../errors.ts";
import type { ReconcileOutcome } from "../reconcile/mod.ts";
import type { Health } from "./health.ts";
import type { Log } from "./log.ts";

/** More of one kind than this in one pass are not logged; `status` has them all. */
const MAX_LOGGED = 20;

/**
 * Logs what a pass came to: a line when something changes for the worse or the better, none while
 * it stays.
 *
 * @param log where to
 * @param before what held before it
 * @param outcome what it came to
 */
export function logPass(log: Log, before: Health, outcome: ReconcileOutcome): void {
  const { report, failure, notes } = outcome;
  if (failure) return logFailure(log, before, failure);
  if (before.failure !== undefined) log("notice", "in step again");
  for (const note of notes) log("notice", note);
  const { created, updated, deleted, released, txns, revision, durationMs } = report;
  if (created + updated + deleted + released > 0) {
    const fields = { created, updated, deleted, released, txns, revision, durationMs };
    log("info", "brought in step", fields);
  }
  for (const { key, reason } of report.conflicts.slice(0, MAX_LOGGED)) {
    if (!before.lastReport?.conflicts.some((known) => known.key === key)) {
      log("warning", "key left to others", { key, reason });
    }
  }
  for (const { path, reason } of report.invalid.slice(0, MAX_LOGGED)) {
    if (!before.invalid.some((known) => known.path === path)) {
      log("warning", "not imported", { path, reason });
    }
  }
  for (const { component, deletes } of report.heldBack) {
    if (!before.heldBack.some((known) => known.component === component)) {
      log("warning", "deletes held back", { component, deletes });
    }
  }
}

/**
 * Logs a failure, if nothing failed before.
 *
 * @param log where to
 * @param before what held before it
 * @param failure what failed
 */
export function logFailure(log: Log, before: Health, { code, message }: EdgekeydError): void {
  if (before.failure === undefined) log("error", message, { code });
}
