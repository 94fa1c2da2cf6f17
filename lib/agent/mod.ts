export { Agent, type AgentOptions, type AgentParts, type PassRequest } from "./agent.ts";
export { ComponentClashError } from "./component_clash.ts";
export { AgentClient, ClientError } from "./client.ts";
export type { Answers } from "./api/schemas.ts";
export { type Log, type LogFields, type LogFormat, type LogLevel, makeLog } from "./log.ts";
export { beatingEtcd } from "./beating_etcd.ts";
export { type EtcdCall, type EtcdMeter, measuredEtcd, type TxnOutcome } from "./measured_etcd.ts";
export { measuredKv } from "./measured_kv.ts";
export {
  createMetrics,
  type MeasuredStatus,
  type Metrics,
  METRICS_CONTENT_TYPE,
} from "./metrics.ts";
export { type Notifier, type NotifierOptions, systemdNotifier } from "./notify.ts";
export { Reloads } from "./reloads.ts";
export { NotReadyError } from "./operations.ts";
export type { ConditionItem, ConditionKind, Facts, NodeState } from "./condition.ts";
export { type Condition, type ConditionName, conditionsOf } from "./conditions.ts";
export {
  exceptionsOf,
  itemWords,
  reasonsOf,
  statusWords,
  whyNotInStep,
} from "./condition_words.ts";
export { healthAfterFailure, UNKNOWN_HEALTH } from "./health.ts";
export {
  type AgentStatus,
  cacheStatusOf,
  type ComponentStatus,
  judgementOf,
  type NodeStatus,
  ownersOf,
  type Setup,
  type ShownOwner,
  statusOf,
} from "./status.ts";
