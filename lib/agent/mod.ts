export { Agent, type AgentOptions, type AgentParts } from "./agent.ts";
export { type Log, type LogFields, type LogLevel, makeLog } from "./log.ts";
export { NotReadyError } from "./operations.ts";
export { type AgentStatus, statusOf } from "./status.ts";
