import { EdgekeydError } from "../errors.ts";
import type { PassRequest } from "./agent.ts";
import { API_LIMITS } from "./api/dispatch.ts";
import type { Answers, SchemaName } from "./api/schemas.ts";
import { requestOverSocket, type SocketAnswer, type SocketRequest } from "./socket_request.ts";

/** The daemon answered with an error, or not at all. */
export class ClientError extends EdgekeydError {
  override name = "ClientError";
}

/** How long a daemon is waited for, in ms. */
export interface Patience {
  /** For an answer that it has at hand, or gives up by itself. */
  readonly answerMs: number;
  /** For what may take as long as a first import; meanwhile it must show that it is alive. */
  readonly workMs: number;
  /** Not alive for so long, it hangs. */
  readonly hangMs: number;
}

/** A little more than the daemon itself takes before it answers that it gave up. */
const PATIENCE: Patience = {
  answerMs: API_LIMITS.timeoutMs + 5_000,
  workMs: API_LIMITS.longTimeoutMs + 5_000,
  hangMs: 30_000,
};
/** Between two looks whether a daemon at work is alive. */
const LOOK_MS = 1_000;

/** What is sent beside method and path. */
interface Asked {
  readonly query?: Readonly<Record<string, string | boolean | undefined>>;
  readonly body?: string;
  /** It may take as long as a first import. */
  readonly long?: boolean;
  /** How long to wait for the answer. */
  readonly timeoutMs?: number;
}

/** Speaks to a daemon over its socket; no call waits for ever. */
export class AgentClient {
  readonly #path: string;
  readonly #patience: Patience;

  /**
   * @param path of the socket; nothing is connected yet
   * @param patience how long to wait
   */
  constructor(path: string, patience: Patience = PATIENCE) {
    this.#path = path;
    this.#patience = patience;
  }

  /**
   * What the daemon is doing.
   *
   * @param timeoutMs how long to wait for it
   */
  status(timeoutMs: number): Promise<Answers["Status"]> {
    return this.#ask("GET", "/v1/status", { timeoutMs });
  }

  /** Has a full pass made, or shown. */
  reconcile(
    { dryRun, confirmDeletes, requireSingleTxn }: PassRequest,
  ): Promise<Answers["Reconciled"]> {
    const query = { dryRun, confirmDeletes, requireSingleTxn };
    return this.#ask("POST", "/v1/reconcile", { query, long: true });
  }

  /** Object keys, of all components and resources or of some. */
  keys(component?: string, gvr?: string): Promise<Answers["Keys"]> {
    return this.#ask("GET", "/v1/keys", { query: { component, gvr } });
  }

  /** Who holds an object key. */
  owners(key: string): Promise<Answers["Owners"]> {
    return this.#ask("GET", "/v1/owners", { query: { key } });
  }

  /** Holds etcd against the component-key cache. */
  verify(): Promise<Answers["Verification"]> {
    return this.#ask("GET", "/v1/verify");
  }

  /** Lets a component go. */
  deleteComponent(component: string): Promise<Answers["Written"]> {
    const path = `/v1/components/${encodeURIComponent(component)}`;
    return this.#ask("DELETE", path, { long: true });
  }

  /** Deletes keys that importers wrote and no component there owns. */
  deleteUnclaimed(keys: readonly string[]): Promise<Answers["Written"]> {
    const body = JSON.stringify(keys);
    return this.#ask("POST", "/v1/delete-unclaimed", { body, long: true });
  }

  /** Takes over the keys that a `component-key-cache` of OpenYurt's records. */
  importKeyCache(text: string): Promise<Answers["TakeOver"]> {
    return this.#ask("POST", "/v1/import-key-cache", { body: text, long: true });
  }

  /** Takes the node out of the pool. */
  retire(): Promise<Answers["Written"]> {
    return this.#ask("POST", "/v1/retire", { long: true });
  }

  async #ask<T extends Answers[SchemaName]>(
    method: SocketRequest["method"],
    path: string,
    { query = {}, body, long = false, timeoutMs }: Asked = {},
  ): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    const { status, text } = await this.#send({
      method,
      target: `${path}?${search}`,
      ...(body !== undefined && { body }),
    }, { long, timeoutMs: timeoutMs ?? this.#patience[long ? "workMs" : "answerMs"] });
    const answer = parsed(text);
    if (status >= 200 && status < 300 && answer !== undefined) return answer as T;
    const { code, message } = (answer ?? {}) as { code?: unknown; message?: unknown };
    throw new ClientError(
      typeof code === "string" ? code : "Unreachable",
      typeof message === "string" ? message : `${this.#path} does not speak edgekeyd's API`,
    );
  }

  async #send(
    asked: Omit<SocketRequest, "signal">,
    { long, timeoutMs }: { readonly long: boolean; readonly timeoutMs: number },
  ): Promise<SocketAnswer> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(new SilenceError(timeoutMs)), timeoutMs);
    const answered = new AbortController();
    const alive = long ? this.#watch(over, answered.signal) : Promise.resolve();
    try {
      return await requestOverSocket(this.#path, { ...asked, signal: over.signal });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ClientError("Unreachable", `no answer on ${this.#path}: ${reason}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
      answered.abort();
      await alive;
    }
  }

  /** Gives a long call up once the daemon has not answered anything else for a while either. */
  async #watch(over: AbortController, answered: AbortSignal): Promise<void> {
    const { hangMs } = this.#patience;
    while (!answered.aborted) {
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), hangMs);
      const signal = AbortSignal.any([answered, late.signal]);
      try {
        await requestOverSocket(this.#path, { method: "GET", target: "/healthz", signal });
      } catch {
        if (late.signal.aborted) over.abort(new SilenceError(hangMs));
        // Else it is gone, and the long call fails by itself.
        return;
      } finally {
        clearTimeout(timer);
      }
      await pause(LOOK_MS, answered);
    }
  }
}

/** A daemon that does not answer: what it was asked for may yet be done. */
class SilenceError extends Error {
  /** @param forMs for how long */
  constructor(forMs: number) {
    super(
      `the daemon has been silent for ${forMs / 1_000} s; it hangs or was stopped, and may go on ` +
        "with this once it runs again: restart it, then see `edgekeyd status`",
    );
  }
}

async function pause(ms: number, cut: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  cut.addEventListener("abort", () => resolve(), { once: true });
  if (!cut.aborted) await promise;
  clearTimeout(timer);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
