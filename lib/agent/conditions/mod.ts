/**
 * All that can be wrong with a node, each thing one entry of a table: `not_ready.ts` and
 * `warnings.ts` have the entries, `facts.ts` what they are judged by.
 *
 * @module
 */
export {
  CONDITION_PARTS,
  type ConditionItem,
  type ConditionKind,
  type ConditionLogWords,
  type Definition,
  type Effect,
  NODE_STATES,
  type NodeState,
} from "./definition.ts";
export type { Facts, Surroundings } from "./facts.ts";
export {
  type Condition,
  CONDITION_SCHEMAS,
  type ConditionName,
  CONDITIONS,
  conditionsOf,
} from "./judge.ts";
export { ConditionLog } from "./log.ts";
export {
  exceptionsOf,
  itemWords,
  reasonsOf,
  stateOf,
  statusWords,
  warningsOf,
  whyNotInStep,
} from "./words.ts";
