import { COUNT, oneOf, record, type Schema, TEXT, type TypeOf } from "../schema.ts";
import type { Facts } from "./facts.ts";

/** The schemas of what each condition is told by. */
export const CONDITION_PARTS = {
  kind: oneOf(["not-ready", "warning"]),
  item: record({ about: TEXT, "reason?": TEXT, "count?": COUNT }),
} as const satisfies Readonly<Record<string, Schema>>;

/** One thing that a condition is about: a key, a path, a component. */
export type ConditionItem = TypeOf<typeof CONDITION_PARTS["item"]>;

/**
 * What a condition asks for: `not-ready`, that somebody acts or waits; `warning`, that somebody
 * looks at it some time, for the node does its work all the same.
 */
export type ConditionKind = TypeOf<typeof CONDITION_PARTS["kind"]>;

/** How a node is doing, in a word. */
export const NODE_STATES = [
  "starting",
  "in-step",
  "partial",
  "etcd-away",
  "failing",
  "retired",
] as const;

/** One of {@linkcode NODE_STATES}. */
export type NodeState = typeof NODE_STATES[number];

/**
 * What a condition makes of its node. `none`: it stays in step. `exception`: in step but for this.
 * `unsettled`: the next pass has something to put right. Else the state itself.
 */
export type Effect =
  | Exclude<NodeState, "in-step" | "partial">
  | "unsettled"
  | "exception"
  | "none";

/** All that is said of a condition anywhere. */
export interface Definition {
  /** Whether somebody has to act, or to look some time. */
  readonly kind: ConditionKind;
  /** What it makes of its node. */
  readonly effect: Effect;
  /** What it is about now; empty if it does not hold. */
  readonly items: (facts: Facts) => readonly ConditionItem[];
  /** All items in one line. An exception's words also stand behind "in step but for". */
  readonly words: (items: readonly ConditionItem[]) => string;
  /** One item in a line, where the words are not what should be said of it alone. */
  readonly reason?: (item: ConditionItem) => string;
  /** What to do; a function if that depends on what it is about. */
  readonly advice: string | ((items: readonly ConditionItem[], facts: Facts) => string);
  /** How the log tells of an item; absent where what it comes from is told when it happens. */
  readonly log?: ConditionLogWords;
}

/** What the log says of an item, and what its fields are called there. */
export interface ConditionLogWords {
  /** Of one that is new, or changed. */
  readonly appeared: string;
  /** Of one that is gone. */
  readonly cleared: string;
  /** The field that has what it is about. */
  readonly about: string;
  /** The field that has the count. */
  readonly count?: string;
}
