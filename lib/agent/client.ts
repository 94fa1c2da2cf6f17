import type { Answers, SchemaName } from "./schemas.ts";
import type { PassRequest } from "./node.ts";
import { ClientError, type NodeRequest, type Transport } from "./transport.ts";

/** What is sent beside method and path. */
interface Asked extends Partial<Pick<NodeRequest, "body" | "long" | "timeoutMs">> {
  readonly query?: Readonly<Record<string, string | boolean | undefined>>;
}

/**
 * Speaks to a node. Whether a daemon answers or, where none runs, this process itself does is all
 * one to who asks.
 *
 * Every call fails with a {@linkcode ClientError} that has the code and the words of the answer.
 */
export class NodeClient {
  readonly #transport: Transport;

  /**
   * Makes it; nothing is sent yet.
   *
   * @param transport carries the requests
   */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Who makes the node's next full pass, for messages. */
  get nextPass(): string {
    return this.#transport.nextPass;
  }

  /**
   * How the node is doing.
   *
   * @param timeoutMs how long to wait for the answer, if not as long as usual
   */
  status(timeoutMs?: number): Promise<Answers["Status"]> {
    return this.#ask("GET", "/v1/status", timeoutMs === undefined ? {} : { timeoutMs });
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

  /** All components that are known: those that hold keys, did once, or stand in the fs cache. */
  knownComponents(): Promise<Answers["Components"]> {
    return this.#ask("GET", "/v1/components", { query: { known: true } });
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

  /** Deletes keys that importers wrote and no component of the node owns. */
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
    method: NodeRequest["method"],
    path: string,
    { query = {}, long = false, ...more }: Asked = {},
  ): Promise<T> {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    const target = `${path}?${search}`;
    const { status, text } = await this.#transport.send({ method, target, long, ...more });
    const answer = parsed(text);
    if (status >= 200 && status < 300 && answer !== undefined) return answer as T;
    throw errorOf(answer, this.#transport.name);
  }
}

function errorOf(answer: unknown, from: string): ClientError {
  const { code, message, written } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof code !== "string" || typeof message !== "string") {
    return new ClientError("Unreachable", `${from} does not speak edgekeyd's API`);
  }
  return new ClientError(code, message, { written: written as Answers["Error"]["written"] });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
