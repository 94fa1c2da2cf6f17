/**
 * The daemon's loop and what may be asked of a node, by a daemon or without; what is told of it:
 * status, conditions, metrics, log, systemd.
 *
 * @module
 */
export { Agent, type AgentOptions, type AgentParts } from "./agent.ts";
export type { AgentClock } from "./agent_clock.ts";
export { type Node, type PassRequest } from "./node.ts";
export { type CacheUse, RestingNode, type RestingParts } from "./resting_node.ts";
export { type AnswerTo, type Asked, NodeClient, type Verb, type Verbs } from "./client.ts";
export { type Patience, SocketTransport } from "./socket_transport.ts";
export { ClientError, type NodeAnswer, type NodeRequest, type Transport } from "./transport.ts";
export { type Answers, type SchemaName, SCHEMAS } from "./schemas.ts";
export type { Schema, TYPE, TypeOf } from "./schema.ts";
export { type Log, type LogFields, type LogFormat, type LogLevel, makeLog } from "./log.ts";
export { beatingEtcd } from "./beating_etcd.ts";
export {
  ETCD_CALLS,
  type EtcdCall,
  type EtcdMeter,
  measuredEtcd,
  TXN_OUTCOMES,
  type TxnOutcome,
} from "./measured_etcd.ts";
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
export {
  type Condition,
  CONDITION_PARTS,
  CONDITION_SCHEMAS,
  type ConditionItem,
  type ConditionKind,
  type ConditionName,
  type Facts,
  itemWords,
  NODE_STATES,
  type NodeState,
  reasonsOf,
  statusWords,
  type Surroundings,
  whyNotInStep,
} from "./conditions/mod.ts";
export { ago } from "./ago.ts";
export type { ConnectionParts } from "./connections.ts";
export type { Health } from "./health.ts";
export type { LoopOptions, LoopParts } from "./loop.ts";
export type { Work } from "./requests.ts";
export type { ScheduleOptions } from "./schedule.ts";
export type { AskedWrite } from "./write_log.ts";
export {
  type ComponentStatus,
  type ComponentSummary,
  judgementOf,
  type NodeFacts,
  type NodeStatus,
  type Setup,
} from "./status.ts";
export type { WaitingSince } from "./waiting_groups.ts";
export { checkKnown } from "./known_component.ts";
export { checkResource } from "./known_resource.ts";
