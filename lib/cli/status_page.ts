import type { AgentStatus } from "../agent/mod.ts";
import { plural } from "./plural.ts";
import { paint, type Terminal } from "./terminal.ts";

/** More of one kind than this are counted, not listed; `-o json` has them all. */
const MAX_LISTED = 10;

const COLOUR = {
  "starting": "yellow",
  "in-step": "green",
  "partial": "yellow",
  "etcd-away": "red",
  "failing": "red",
  "retired": "yellow",
} as const;

/**
 * Prints what a running daemon says of itself, for a person.
 *
 * @param status what it says
 * @param nowMs wall clock
 * @param terminal where to print
 */
export function statusPage(status: AgentStatus, nowMs: number, terminal: Terminal): void {
  const { etcd, components, dirtyGroups } = status;
  const line = (label: string, text: string) => terminal.out(`${label.padEnd(13)}${text}`);
  line("node", `${status.nodeName} (keys under ${status.prefix}), the daemon is running`);
  line("state", paint(terminal, COLOUR[status.state], status.state));
  if (status.lastSuccessMs === undefined) line("", "no full pass has come to its end yet");
  else line("", `last full pass ${ago(status.lastSuccessMs, nowMs)}`);
  if (dirtyGroups !== 0) {
    const waiting = dirtyGroups === null ? "everything" : plural(dirtyGroups, "resource group");
    line("", `${waiting} waits to be looked at`);
  }
  line("etcd", etcd.endpoints.join(", "));
  const answers = etcd.latencyMs === undefined
    ? "no answer now"
    : `answers in ${etcd.latencyMs.toFixed(1)} ms`;
  const revision = etcd.revision === "" ? "" : `, revision ${etcd.revision} at the last pass`;
  line(
    "",
    `${paint(terminal, etcd.latencyMs === undefined ? "red" : "green", answers)}${revision}`,
  );
  line("keys", `${plural(status.keys, "key")} in ${status.stateDir}`);
  for (const { component, lastSyncMs, resources } of components) {
    const keys = resources.reduce((sum, resource) => sum + resource.keys, 0);
    const synced = lastSyncMs === undefined ? "never in step yet" : ago(lastSyncMs, nowMs);
    line("component", `${component}: ${plural(keys, "key")}, in step ${synced}`);
    for (const resource of resources) line("", `${resource.keys} ${resource.gvr}`);
  }
  const problems = problemsOf(status);
  for (const problem of problems) line(paint(terminal, "yellow", "problem".padEnd(13)), problem);
  if (problems.length === 0) line("problem", "none");
}

/** What is wrong, each with what to do. */
function problemsOf(status: AgentStatus): string[] {
  const problems = [...status.notReady];
  if (status.pendingKeys > 0) {
    problems.push(
      `a Txn of ${plural(status.pendingKeys, "key")} is in doubt; it is settled once etcd answers`,
    );
  }
  if (status.watchFailure !== undefined) {
    problems.push(
      `the fs cache can't be watched (${status.watchFailure}) and is looked at every 30 s; if it ` +
        "is a limit, raise fs.inotify.max_user_watches or max_user_instances",
    );
  }
  problems.push(...listed(
    status.conflicts.map(({ key, reason }) => `${key}: ${reason}, so it is left alone`),
    "delete such keys in etcd to let edgekeyd write them",
  ));
  problems.push(...listed(
    status.invalid.map(({ path, reason }) => `${path}: ${reason}`),
    "such files are not imported; remove them, or let yurthub write them anew",
  ));
  return problems;
}

function listed(all: readonly string[], advice: string): string[] {
  if (all.length === 0) return [];
  const more = all.length > MAX_LISTED ? [`… and ${all.length - MAX_LISTED} more`] : [];
  return [...all.slice(0, MAX_LISTED), ...more, `(${advice})`];
}

function ago(thenMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - thenMs) / 1_000));
  if (seconds < 120) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}
