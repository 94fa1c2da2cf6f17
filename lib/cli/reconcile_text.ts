import type { ReconcileReport } from "../reconcile/mod.ts";
import { plural } from "../plural.ts";
import { paint, type Terminal } from "./terminal.ts";

/** More lines of one kind than this are summed up; `-o json` has them all. */
const MAX_LINES = 50;

/**
 * Prints a report for a person.
 *
 * @param report what was done
 * @param keysHeldBack keys whose deletes are held back, of a dry run
 * @param terminal where to
 */
export function textReport(
  report: ReconcileReport,
  keysHeldBack: readonly string[],
  terminal: Terminal,
): void {
  if (report.plan) {
    const sign = { put: "+", delete: "-", release: "~" };
    const colour = { put: "green", delete: "red", release: "yellow" } as const;
    for (const { key, action, owner, reason } of report.plan) {
      const line = `${sign[action]} ${action.padEnd(7)} ${key}`;
      terminal.out(`${paint(terminal, colour[action], line)}  (${owner}: ${reason})`);
    }
  }
  lines(terminal, "unclaimed", report.unclaimed ?? []);
  lines(terminal, "conflict ", report.conflicts.map(({ key, reason }) => `${key}: ${reason}`));
  lines(
    terminal,
    "not put  ",
    (report.notPut ?? []).map(({ key, path, reason }) =>
      `${key}: ${reason}, and ${path} can't be imported`
    ),
  );
  lines(terminal, "invalid  ", report.invalid.map(({ path, reason }) => `${path}: ${reason}`));
  lines(
    terminal,
    "held back",
    report.heldBack.map(({ component, deletes }) => `${component}: ${plural(deletes, "delete")}`),
  );
  lines(terminal, "held back", keysHeldBack, "--confirm-deletes with --dry-run lists all");
  lines(
    terminal,
    "busy     ",
    (report.busy ?? []).map((group) =>
      `${group} is being rewritten or moved; what is missing in it was kept`
    ),
  );
  if (report.secretsLeftOut !== undefined) {
    const secrets = plural(report.secretsLeftOut, "core Secret");
    terminal.out(`${paint(terminal, "yellow", "left out ")}  ${secrets} (--include-secrets)`);
  }
  const changed = [
    [report.created, "created"],
    [report.updated, "updated"],
    [report.deleted, "deleted"],
    [report.released, "released"],
    [report.unchanged, "unchanged"],
  ].filter(([count]) => count !== 0).map(([count, what]) => `${count} ${what}`);
  const status = paint(terminal, report.status === "in-step" ? "green" : "yellow", report.status);
  terminal.out(
    `${report.plan ? "dry run, would be " : ""}${status}: ${changed.join(", ") || "no keys"}; ` +
      `${plural(report.txns, "Txn")}${
        report.staged ? " (staged)" : ""
      }, revision ${report.revision}, ` +
      `${report.durationMs} ms`,
  );
}

function lines(
  terminal: Terminal,
  label: string,
  texts: readonly string[],
  whole = "-o json lists all",
): void {
  for (const text of texts.slice(0, MAX_LINES)) {
    terminal.out(`${paint(terminal, "yellow", label)}  ${text}`);
  }
  if (texts.length > MAX_LINES) {
    terminal.out(`${label}  … and ${texts.length - MAX_LINES} more (${whole})`);
  }
}
