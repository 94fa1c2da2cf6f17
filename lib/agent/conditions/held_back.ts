import { plural } from "../../plural.ts";
import type { ConditionItem } from "./definition.ts";
import type { Facts } from "./facts.ts";

/**
 * Components whose deletes are held back, each with what is left of it in the fs cache now.
 *
 * @param facts what was found out
 */
export function heldBackItems({ heldBack = [], ...facts }: Facts): ConditionItem[] {
  return heldBack.map(({ component, deletes, secrets }) => {
    const reasons = [
      ...remains(component, facts, secrets === deletes),
      ...(secrets === undefined ? [] : [leftOutSecrets(secrets)]),
    ];
    return {
      about: component,
      count: deletes,
      ...(reasons.length > 0 && { reason: reasons.join("; ") }),
    };
  });
}

/** Files of Secrets that are left out stand there all the same. */
function remains(component: string, facts: Facts, isOfSecrets: boolean): string[] {
  const left = facts.remainsOf?.(component);
  if (left === undefined) return [];
  const directory = `its directory ${left.directory}`;
  switch (left.kind) {
    case "gone":
      return [`${directory} is gone`];
    case "empty":
      return [`${directory} is there and has no file in it`];
    case "filled":
      return isOfSecrets ? [] : [`${directory} is there and has other files`];
  }
}

function leftOutSecrets(secrets: number): string {
  return `with ${plural(secrets, "core Secret")}, left out without --include-secrets`;
}

/**
 * All of them in one line.
 *
 * @param items each of them
 */
export function heldBackWords(items: readonly ConditionItem[]): string {
  const names = items.map(({ about }) => about).join(", ");
  const deletes = items.reduce((sum, { count = 0 }) => sum + count, 0);
  // What is gone and shares all its keys has none to delete, and is held back too.
  return deletes > 0
    ? `${plural(deletes, "delete")} of ${names} held back`
    : `${plural(items.length, "component")} (${names}) held back`;
}

/**
 * One of them in a line.
 *
 * @param item it
 */
export function heldBackReason({ about, count = 0, reason }: ConditionItem): string {
  const why = reason === undefined ? "" : ` (${reason})`;
  return count > 0
    ? `${plural(count, "delete")} of ${about} ${count === 1 ? "is" : "are"} held back${why}`
    : `${about} is held back from letting go of keys, all of which others hold too${why}`;
}

/** More commands than this are not spelt out in one line. */
const MAX_NAMED = 5;

/**
 * What to do about all of them.
 *
 * @param items each of them
 * @param facts what was found out
 */
export function heldBackAdvice(items: readonly ConditionItem[], facts: Facts): string {
  const { heldBack = [], remainsOf } = facts;
  const areSecrets = heldBack.some(({ secrets }) => secrets !== undefined);
  const kinds = new Map(items.map(({ about }) => [about, remainsOf?.(about)?.kind]));
  const gone = [...kinds].flatMap(([about, kind]) => kind === "gone" ? [about] : []);
  const isUnknown = [...kinds.values()].every((kind) => kind === undefined);
  const commands = (isUnknown ? ["NAME"] : gone.slice(0, MAX_NAMED))
    .map((component) => `\`edgekeyd delete-component ${component}\``);
  return "see whether the fs cache's disk is mounted, and put back what is not meant to be gone; " +
    (areSecrets
      ? "give --include-secrets if Secrets are to stay (a daemon has to be started anew for that); "
      : "") +
    "`edgekeyd --reconcile --dry-run --confirm-deletes` lists the keys; only if the deletes are " +
    "meant, run `edgekeyd --reconcile --confirm-deletes`" +
    (commands.length > 0
      ? `, or ${commands.join(", ")} for a component whose directory is gone`
      : "");
}
