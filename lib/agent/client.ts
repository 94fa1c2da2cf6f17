import { EdgekeydError } from "../errors.ts";
import type { ReconcileReport, TakeOver, Verification } from "../reconcile/mod.ts";
import type { PassRequest } from "./agent.ts";
import type { AgentStatus, ShownOwner } from "./status.ts";

/** The daemon answered with an error, or not at all. */
export class ClientError extends EdgekeydError {
  override name = "ClientError";
}

/** What `POST /v1/reconcile` answers. */
export interface ReconcileAnswer {
  readonly report: ReconcileReport;
  readonly notes: readonly string[];
  readonly busy: readonly string[];
  /** Why it did not come to its end. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** What an operation wrote. */
export interface WriteAnswer {
  readonly deleted: number;
  readonly released: number;
  readonly conflicts: readonly { readonly key: string; readonly reason: string }[];
  readonly txns: number;
  /** A group was split over several Txns. */
  readonly staged: boolean;
}

/** Speaks to a daemon over its socket. */
export class AgentClient implements Disposable {
  readonly #path: string;
  readonly #client: Deno.HttpClient;

  /** @param path of the socket; nothing is connected yet */
  constructor(path: string) {
    this.#path = path;
    this.#client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  }

  /**
   * What the daemon is doing.
   *
   * @param timeoutMs how long to wait for it
   */
  status(timeoutMs: number): Promise<AgentStatus> {
    return this.#ask("GET", "/v1/status", {}, { signal: AbortSignal.timeout(timeoutMs) });
  }

  /** Has a full pass made, or shown. */
  reconcile({ dryRun, confirmDeletes, requireSingleTxn }: PassRequest): Promise<ReconcileAnswer> {
    const query = { dryRun, confirmDeletes, requireSingleTxn };
    return this.#ask("POST", "/v1/reconcile", query);
  }

  /** Object keys, of all components and resources or of some. */
  keys(component?: string, gvr?: string): Promise<string[]> {
    return this.#ask("GET", "/v1/keys", { component, gvr });
  }

  /** Who holds an object key. */
  owners(key: string): Promise<ShownOwner[]> {
    return this.#ask("GET", "/v1/owners", { key });
  }

  /** Holds etcd against the component-key cache. */
  async verify(): Promise<Verification> {
    const answer = await this.#ask<Omit<Verification, "fence"> & { fence?: string }>(
      "GET",
      "/v1/verify",
    );
    return { ...answer, fence: answer.fence };
  }

  /** Lets a component go. */
  deleteComponent(component: string): Promise<WriteAnswer> {
    return this.#ask("DELETE", `/v1/components/${encodeURIComponent(component)}`);
  }

  /** Deletes keys that importers wrote and no component there owns. */
  deleteUnclaimed(keys: readonly string[]): Promise<WriteAnswer> {
    return this.#ask("POST", "/v1/delete-unclaimed", {}, { body: JSON.stringify(keys) });
  }

  /** Takes over the keys that a `component-key-cache` of OpenYurt's records. */
  importKeyCache(text: string): Promise<TakeOver> {
    return this.#ask("POST", "/v1/import-key-cache", {}, { body: text });
  }

  /** Takes the node out of the pool. */
  retire(): Promise<WriteAnswer> {
    return this.#ask("POST", "/v1/retire");
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  async #ask<T>(
    method: string,
    path: string,
    query: Readonly<Record<string, string | boolean | undefined>> = {},
    init: Pick<RequestInit, "body" | "signal"> = {},
  ): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    let response: Response;
    let text: string;
    try {
      response = await fetch(`http://edgekeyd${path}?${search}`, {
        ...init,
        method,
        client: this.#client,
      });
      text = await response.text();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ClientError("Unreachable", `no answer on ${this.#path}: ${reason}`, {
        cause: error,
      });
    }
    const answer = parsed(text);
    if (response.ok && answer !== undefined) return answer as T;
    const { code, message } = (answer ?? {}) as { code?: unknown; message?: unknown };
    throw new ClientError(
      typeof code === "string" ? code : "Unreachable",
      typeof message === "string" ? message : `${this.#path} does not speak edgekeyd's API`,
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
