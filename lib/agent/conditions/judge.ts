import { withStateDir } from "../../own_commands.ts";
import { listOf, oneOf, record, type Schema, TEXT, type TypeOf } from "../schema.ts";
import { CONDITION_PARTS, type Definition } from "./definition.ts";
import type { Facts } from "./facts.ts";
import { NOT_READY } from "./not_ready.ts";
import { WARNINGS } from "./warnings.ts";

/**
 * Every condition of a node, the gravest first. Readiness, status, systemd's line, the log, the
 * metrics and the API's schema are made from it. A name stays what it is: dashboards and programs
 * know it.
 */
const TABLE = { ...NOT_READY, ...WARNINGS };

const NAMES = Object.keys(TABLE) as (keyof typeof TABLE)[];

/** The schema of {@linkcode Condition}. */
export const CONDITION_SCHEMAS = {
  Condition: record({
    condition: oneOf(NAMES),
    kind: CONDITION_PARTS.kind,
    words: TEXT,
    advice: TEXT,
    items: listOf(CONDITION_PARTS.item),
  }),
} as const satisfies Readonly<Record<string, Schema>>;

/** A condition that holds, and all that it is about. */
export type Condition = TypeOf<typeof CONDITION_SCHEMAS["Condition"]>;

/** The name of a condition. */
export type ConditionName = Condition["condition"];

/** What is said of each condition, the gravest first. */
export const CONDITIONS: ReadonlyMap<ConditionName, Definition> = new Map(
  NAMES.map((name) => [name, TABLE[name]]),
);

/**
 * The conditions that hold.
 *
 * @param facts what was found out
 * @returns the gravest first
 */
export function conditionsOf(facts: Facts): Condition[] {
  const told = (text: string) => withStateDir(text, facts.namedStateDir);
  return [...CONDITIONS].flatMap(([condition, definition]) => {
    const { kind, items: itemsOf, words, advice } = definition;
    const items = itemsOf(facts).map(({ reason, ...item }) => ({
      ...item,
      ...(reason !== undefined && { reason: told(reason) }),
    }));
    if (items.length === 0) return [];
    const help = told(typeof advice === "string" ? advice : advice(items, facts));
    return [{ condition, kind, words: words(items), advice: help, items }];
  });
}
