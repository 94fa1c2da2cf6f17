import { ago, type ComponentStatus, itemWords, type NodeStatus, reasonsOf } from "../agent/mod.ts";
import { plural } from "../plural.ts";
import { leftOutSecrets } from "./left_out_secrets.ts";
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
 * Prints how a node is doing, for a person.
 *
 * @param status how it is doing
 * @param nowMs wall clock
 * @param terminal where to print
 */
export function statusPage(status: NodeStatus, nowMs: number, terminal: Terminal): void {
  const { daemon, etcd, components, dirtyGroups = 0 } = status;
  const line = (label: string, text: string) => terminal.out(`${label.padEnd(13)}${text}`);
  const running = daemon ? "the daemon is running" : "no daemon is running";
  line("node", `${status.nodeName} (keys under ${status.prefix}), ${running}`);
  line("state", paint(terminal, COLOUR[status.state], status.state));
  if (status.lastSuccessMs !== undefined) {
    line("", `last full pass ${ago(status.lastSuccessMs, nowMs)}`);
  } else if (daemon) line("", "no full pass has come to its end yet");
  if (dirtyGroups !== 0) {
    const waiting = dirtyGroups === null ? "everything" : plural(dirtyGroups, "resource group");
    line("", `${waiting} waits to be looked at`);
  }
  line("etcd", etcd.endpoints.join(", "));
  const answers = etcd.latencyMs === undefined
    ? "no answer now"
    : `answers in ${etcd.latencyMs.toFixed(1)} ms`;
  const revision = etcd.revision === ""
    ? ""
    : `, revision ${etcd.revision}${daemon ? " at the last pass" : ""}`;
  line(
    "",
    `${paint(terminal, etcd.latencyMs === undefined ? "red" : "green", answers)}${revision}`,
  );
  line("keys", `${plural(status.keys, "key")} in ${status.stateDir}`);
  for (const component of components) {
    const keys = component.resources.reduce((sum, resource) => sum + resource.keys, 0);
    const doing = daemon ? `, ${doingOf(component, status.state, nowMs)}` : "";
    line("component", `${component.component}: ${plural(keys, "key")}${doing}`);
    for (const resource of component.resources) line("", `${resource.keys} ${resource.gvr}`);
  }
  if (status.secretsLeftOut !== undefined) {
    line("left out", leftOutSecrets(status.secretsLeftOut, daemon));
  }
  // Of a node that has left the pool no file matters, and no pass would look at one.
  if (!daemon && status.state !== "retired") {
    const seen = status.heldBack ? "as the last pass found them" : "not looked at";
    line(
      "files",
      `${seen}; \`edgekeyd --reconcile --dry-run\` looks now, also at what would be held back`,
    );
  }
  const problems = problemsOf(status);
  for (const problem of problems) line(paint(terminal, "yellow", "problem".padEnd(13)), problem);
  if (problems.length === 0) line("problem", "none");
}

/** How a component that a daemon looks after is doing. */
function doingOf(
  { lastSyncMs, conflicts, invalid = 0, heldBack = 0 }: ComponentStatus,
  state: NodeStatus["state"],
  nowMs: number,
): string {
  if (lastSyncMs === undefined) return "not looked at yet";
  const exceptions = [
    ...(heldBack > 0 ? [`${plural(heldBack, "delete")} held back`] : []),
    ...(conflicts > 0 ? [plural(conflicts, "conflict")] : []),
    ...(invalid > 0 ? [plural(invalid, "invalid path")] : []),
  ];
  const when = ago(lastSyncMs, nowMs);
  if (exceptions.length > 0) return `${exceptions.join(", ")}, looked at ${when}`;
  return state === "in-step" || state === "partial" ? `in step ${when}` : `last in step ${when}`;
}

/** What is wrong, each with what to do. */
function problemsOf({ conditions }: NodeStatus): string[] {
  const warnings = conditions.filter(({ kind }) => kind === "warning");
  return [
    ...conditions.flatMap(whyNotReady),
    ...warnings.flatMap(({ words, items, advice }) => [
      words,
      ...items.slice(0, MAX_LISTED).map(itemWords),
      ...(items.length > MAX_LISTED ? [`… and ${items.length - MAX_LISTED} more`] : []),
      `(${advice})`,
    ]),
  ];
}

/** Each reason, and what to do once: it can be long. */
function whyNotReady(condition: NodeStatus["conditions"][number]): string[] {
  const reasons = reasonsOf([condition]);
  if (reasons.length < 2) return reasons;
  const { advice } = condition;
  return [...reasons.map((reason) => reason.replace(`; ${advice}`, "")), `(${advice})`];
}
