import { plural } from "../../plural.ts";
import type { Effect, NodeState } from "./definition.ts";
import { type Condition, CONDITIONS } from "./judge.ts";

/**
 * What all conditions together make of a node.
 *
 * @param conditions those that hold, the gravest first
 */
export function stateOf(conditions: readonly Condition[]): NodeState {
  const effect = effectOf(gravestOf(conditions));
  if (effect === "none") return "in-step";
  return effect === "exception" || effect === "unsettled" ? "partial" : effect;
}

/**
 * Why a node is not ready, each with what to do; empty if it is.
 *
 * @param conditions those that hold
 */
export function reasonsOf(conditions: readonly Condition[]): string[] {
  return conditions.filter(({ kind }) => kind === "not-ready").flatMap((one) => {
    const { reason, words = () => one.words } = CONDITIONS.get(one.condition) ?? {};
    return one.items.map((item) => `${reason?.(item) ?? words([item])}; ${one.advice}`);
  });
}

/**
 * What a node warns of while it does its work, each with the first item and what to do.
 *
 * @param conditions those that hold
 */
export function warningsOf(conditions: readonly Condition[]): string[] {
  return conditions.filter(({ kind }) => kind === "warning").map(summaryOf);
}

/**
 * One item, as it is listed below its condition's words.
 *
 * @param item what a condition is about
 */
export function itemWords({ about, reason }: Condition["items"][number]): string {
  return reason === undefined ? about : `${about}: ${reason}`;
}

/**
 * What a node is not in step with, and what to do, in one line.
 *
 * @param conditions those that hold
 */
export function exceptionsOf(conditions: readonly Condition[]): string {
  const exceptions = conditions.filter((condition) => effectOf(condition) === "exception");
  return `in step but for ${exceptions.map(summaryOf).join("; ")}`;
}

/**
 * Why a node is not in step, and what to do, in one line; empty if it is.
 *
 * @param conditions those that hold, the gravest first
 */
export function whyNotInStep(conditions: readonly Condition[]): string {
  const gravest = gravestOf(conditions);
  if (effectOf(gravest) === "exception") return exceptionsOf(conditions);
  return gravest ? reasonsOf([gravest])[0] ?? "" : "";
}

/**
 * How a node is doing, in one line for a person: systemd shows it in `systemctl status`.
 *
 * @param conditions those that hold, the gravest first
 * @param keys how many keys it holds
 */
export function statusWords(conditions: readonly Condition[], keys: number): string {
  const gravest = gravestOf(conditions);
  const effect = effectOf(gravest);
  const same = conditions.filter((one) => effectOf(one) === effect).map(({ words }) => words);
  const label = LABELS[effect];
  if (effect === "none") return [`${label}: ${plural(keys, "key")}`, ...same].join("; ");
  return effect === "exception" ? `${label} ${same.join(", ")}` : `${label}: ${same.join("; ")}`;
}

const LABELS: Readonly<Record<Effect, string>> = {
  "retired": "Retired",
  "etcd-away": "etcd is away",
  "failing": "Failing",
  "starting": "Starting",
  "unsettled": "Not in step",
  "exception": "In step but for",
  "none": "In step",
};

/** Of what is held back, no more than this is explained in one line. */
const MAX_EXPLAINED = 5;

function summaryOf({ kind, words, advice, items }: Condition): string {
  const explained = items.filter(({ reason }) => reason !== undefined).slice(0, MAX_EXPLAINED);
  const shown = kind === "warning" ? items.slice(0, 1) : explained;
  const which = shown.map((item) => `${itemWords(item)}; `).join("");
  return `${words} (${which}${advice})`;
}

/** The first condition that keeps its node from being in step. */
function gravestOf(conditions: readonly Condition[]): Condition | undefined {
  return conditions.find((condition) => effectOf(condition) !== "none");
}

/** One that is not known here comes from a daemon of another version. */
function effectOf(condition: Condition | undefined): Effect {
  return condition ? CONDITIONS.get(condition.condition)?.effect ?? "exception" : "none";
}
