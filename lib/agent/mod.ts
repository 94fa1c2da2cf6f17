export { Agent, type AgentOptions, type AgentParts } from "./agent.ts";
export { type Log, type LogFields, type LogLevel, makeLog } from "./log.ts";
export { type EtcdCall, type EtcdMeter, measuredEtcd, type TxnOutcome } from "./measured_etcd.ts";
export { measuredKv } from "./measured_kv.ts";
export { createMetrics, type Metrics, METRICS_CONTENT_TYPE } from "./metrics.ts";
export { type Notifier, type NotifierOptions, systemdNotifier } from "./notify.ts";
export { NotReadyError } from "./operations.ts";
export { type AgentStatus, statusOf } from "./status.ts";
export { statusWords } from "./status_words.ts";
