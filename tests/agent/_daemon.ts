import { deepStrictEqual } from "node:assert/strict";
import type { NodeStatus } from "../../lib/agent/mod.ts";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";
import type { EdgeNode } from "../e2e/_node.ts";

/** What the API answered. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, if it is JSON. */
  readonly json: unknown;
}

/** What a daemon says of its node, which is more than is known where none runs. */
export type AgentStatus =
  & NodeStatus
  & Required<Pick<NodeStatus, "settings" | "dirtyGroups" | "invalid" | "heldBack">>;

/** A running daemon, and the way to speak to it. */
export interface DaemonProcess extends AsyncDisposable {
  readonly socket: string;
  readonly pid: number;
  /** One request. */
  ask(method: string, path: string, body?: BodyInit): Promise<Answered>;
  status(): Promise<AgentStatus>;
  kill(signal: Deno.Signal): void;
  /** How it ended. */
  readonly ended: Promise<EdgekeydResult>;
  /** Ends it with SIGTERM. */
  stop(): Promise<EdgekeydResult & { readonly stopMs: number }>;
}

/**
 * What is said of an etcd that was killed: the call that finds it out may have been on its way, or
 * was the first of a new connection.
 */
export const KILLED = /(can't reach|the connection to) etcd at /;

/** Far less than --lock-timeout, which a run that waits for the lock would need. */
export const AT_ONCE_MS = 15_000;

/** Flags with which a daemon in a test reacts at once. */
export const SWIFT = ["--debounce=50ms", "--settle-time=200ms", "--retry-max=500ms"];

/**
 * Starts a daemon on a node and waits until its API answers.
 *
 * @param node where; its socket is `api.sock` below the node's root
 * @param args more flags
 * @param env environment variables
 */
export async function startDaemon(
  node: EdgeNode,
  args: readonly string[] = SWIFT,
  env: Readonly<Record<string, string>> = {},
): Promise<DaemonProcess> {
  const socket = `${node.root}/api.sock`;
  const options = { timeoutMs: 120_000, env };
  const process = node.start(["run", `--listen=unix:${socket}`, ...args], options);
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const ask = async (method: string, path: string, body?: BodyInit): Promise<Answered> => {
    // An address: a name would be looked up, though the socket is what is connected to.
    const isText = path.startsWith("/v1/import-key-cache");
    const type = isText ? "text/plain" : "application/json";
    const response = await fetch(`http://127.0.0.1${path}`, {
      method,
      client,
      ...(body !== undefined && { body, headers: { "content-type": type } }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  };
  const daemon: DaemonProcess = {
    socket,
    pid: process.pid,
    ask,
    status: async () => (await ask("GET", "/v1/status")).json as AgentStatus,
    kill: (signal) => process.kill(signal),
    ended: process.result,
    async stop() {
      const startMs = performance.now();
      process.kill("SIGTERM");
      const result = await process.result;
      return { ...result, stopMs: performance.now() - startMs };
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await process[Symbol.asyncDispose]();
    },
  };
  const ended = process.result.then(({ stderr }) => {
    throw new Error(`the daemon ended: ${stderr}`);
  });
  // Once it answers, it ends when the test wants it to.
  ended.catch(() => {});
  await Promise.race([
    ended,
    until("the API answers", async () => (await ask("GET", "/healthz")).status === 200),
  ]);
  return daemon;
}

/** Waits until the daemon is in step with its cache for the first time. */
export async function ready(daemon: DaemonProcess): Promise<void> {
  const isReady = async () => (await daemon.ask("GET", "/readyz")).status === 200;
  // A connection that went deaf is found out by its keepalive, which takes 15 s.
  await until("ready", isReady, 40_000);
}

/**
 * Asks again and again until it holds.
 *
 * @param what for the message
 * @param holds tells whether it does; what it throws counts as no
 * @param timeoutMs how long to ask
 */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  timeoutMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      if (await holds()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
}

/** Holds an answer to an error's status and code. */
export function expectError(answered: Answered, status: number, code: string): void {
  const { code: said } = (answered.json ?? {}) as { code?: unknown };
  deepStrictEqual({ status: answered.status, code: said }, { status, code }, answered.text);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
