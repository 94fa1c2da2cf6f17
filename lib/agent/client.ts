import type { AskedRoute } from "./api/mod.ts";
import type { Answers } from "./schemas.ts";
import { ClientError, type NodeRequest, type Transport } from "./transport.ts";

/** The routes that can be asked, by method and path, as in `GET /v1/keys`. */
export type Verbs = {
  readonly [Route in AskedRoute as `${Route["method"]} ${Route["path"]}`]: Route;
};

/** What can be asked for. */
export type Verb = keyof Verbs;

/** What is sent beside method and path. */
export interface Asked<Of extends Verb> extends Pick<NodeRequest, "body" | "timeoutMs"> {
  /** What stands in the path for its `{parameters}`. */
  readonly path?: Readonly<Record<string, string>>;
  /** What is undefined is left out. */
  readonly query?: Readonly<
    Partial<Record<NonNullable<Verbs[Of]["query"]>[number]["name"], string | boolean | undefined>>
  >;
}

/** What is answered. */
export type AnswerTo<Of extends Verb> = Awaited<ReturnType<Verbs[Of]["answer"]>>["body"];

/**
 * Speaks to a node. Whether a daemon answers or, where none runs, this process itself does is all
 * one to who asks.
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
   * Asks for something.
   *
   * @param verb method and path of one of the API's routes
   * @param asked what goes with it
   * @returns the answer
   * @throws {ClientError} with the code and the words of the answer, if it is an error
   */
  async ask<Of extends Verb>(verb: Of, asked: Asked<Of> = {}): Promise<AnswerTo<Of>> {
    const { path = {}, query = {}, ...more } = asked;
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    const [method = "", template = ""] = verb.split(" ");
    const named = template.replace(
      /\{(\w+)\}/g,
      (_, name: string) => encodeURIComponent(path[name] ?? ""),
    );
    // What changes something may take as long as a first import.
    const long = method !== "GET";
    const { status, text } = await this.#transport.send({
      method,
      target: `${named}?${search}`,
      long,
      ...more,
    });
    const answer = parsed(text);
    if (status >= 200 && status < 300 && answer !== undefined) return answer as AnswerTo<Of>;
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
