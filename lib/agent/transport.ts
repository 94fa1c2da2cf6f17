import { EdgekeydError } from "../errors.ts";
import type { Answers } from "./schemas.ts";

/** A node answered with an error, or not at all. */
export class ClientError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "ClientError";
  /** What a write did until it failed. */
  readonly written: Answers["Error"]["written"];

  /**
   * Takes over what was answered.
   *
   * @param code the answer's, or `Unreachable` if there was none
   * @param message the answer's words
   * @param options what a write did until it failed, and the underlying cause, if any
   */
  constructor(
    code: string,
    message: string,
    { written, ...options }: ErrorOptions & { readonly written?: Answers["Error"]["written"] } = {},
  ) {
    super(code, message, options);
    this.written = written;
  }
}

/** A request to a node. */
export interface NodeRequest {
  /** HTTP's. */
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** JSON or text, if the path takes it. */
  readonly body?: string;
  /** It may take as long as a first import. */
  readonly long: boolean;
  /** How long to wait for the answer, if not as long as usual. */
  readonly timeoutMs?: number;
}

/** What it was answered with. */
export interface NodeAnswer {
  /** HTTP's. */
  readonly status: number;
  /** The body. */
  readonly text: string;
}

/** Carries requests to a node. */
export interface Transport {
  /** Where they go, for messages. */
  readonly name: string;
  /** Who makes the node's next full pass, for messages. */
  readonly nextPass: string;
  /**
   * Sends a request.
   *
   * @param request the request
   * @returns the answer, be it an error
   * @throws {ClientError} `Unreachable` if there is none
   */
  send(request: NodeRequest): Promise<NodeAnswer>;
}
