import { ApiError, TooManyRequestsError } from "./api_error.ts";

/** What of a request its answer depends on. */
export type ApiRequest = Pick<Request, "method" | "url" | "headers" | "body">;

/** What all bodies together may hold while they are worked on. */
export class BodyBudget {
  readonly #waitMs: number;
  readonly #waiting = new Set<() => void>();
  #free: number;

  /**
   * @param maxBytes in all
   * @param waitMs how long a part of it is waited for
   */
  constructor(maxBytes: number, waitMs: number) {
    this.#free = maxBytes;
    this.#waitMs = waitMs;
  }

  /**
   * Takes a part of it, as soon as so much is left.
   *
   * @throws {TooManyRequestsError} if that is not in time
   */
  async take(bytes: number): Promise<void> {
    const endMs = performance.now() + this.#waitMs;
    while (bytes > this.#free) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) {
        throw new TooManyRequestsError("too much is being sent at once; try again later");
      }
      await this.#changed(leftMs);
    }
    this.#free -= bytes;
  }

  /** Gives it back. */
  give(bytes: number): void {
    this.#free += bytes;
    for (const wake of this.#waiting) wake();
  }

  /** Waits until some was given back, or so long. */
  async #changed(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#waiting.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }
}

/** What limits one body. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** For the whole of it to arrive. */
  readonly timeoutMs: number;
  readonly budget: BodyBudget;
}

/** A body, and how to give back its part of the budget. */
export interface HeldBody {
  readonly bytes: Uint8Array;
  release(): void;
}

/**
 * Reads a request's body.
 *
 * @param request the request
 * @param limits what it may take
 * @throws {ApiError} `TooLarge`, `RequestTimeout`, `TooManyRequests`, or `BadRequest` if it broke
 * off
 */
export async function readBody(request: ApiRequest, limits: BodyLimits): Promise<HeldBody> {
  const { maxBytes, timeoutMs, budget } = limits;
  const tooLarge = () => new ApiError("TooLarge", `the body holds more than ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  const reader = request.body?.getReader();
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), timeoutMs);
  const chunks: Uint8Array[] = [];
  let taken = 0;
  try {
    while (reader) {
      const next = await Promise.race([reader.read(), late]);
      if (next === "late") {
        throw new ApiError("RequestTimeout", `the body did not come within ${timeoutMs} ms`);
      }
      if (next.done) break;
      if (taken + next.value.length > maxBytes) throw tooLarge();
      await budget.take(next.value.length);
      taken += next.value.length;
      chunks.push(next.value);
    }
  } catch (error) {
    budget.give(taken);
    // Nobody waits for the rest, which may never come.
    reader?.cancel().catch(() => {});
    if (error instanceof ApiError) throw error;
    throw new ApiError("BadRequest", "the body broke off", { cause: error });
  } finally {
    clearTimeout(timer);
  }
  return { bytes: joined(chunks, taken), release: () => budget.give(taken) };
}

/**
 * Refuses a body where none is taken. No more is read than shows that there is one: one that says
 * its length is not read at all, any other up to its first byte.
 *
 * @param request the request
 * @param timeoutMs for the end of an empty body to arrive; one that does not end is not empty
 * @param hint what to do instead
 * @throws {ApiError} `BadRequest`
 */
export async function refuseBody(
  request: ApiRequest,
  timeoutMs: number,
  hint: string,
): Promise<void> {
  refuseAnnouncedBody(request, hint);
  try {
    await readBody(request, { maxBytes: 0, timeoutMs, budget: NO_BUDGET });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new ApiError("BadRequest", hint, { cause: error });
  }
}

/**
 * The same, by the headers alone: for what must be answered at once.
 *
 * @param request the request
 * @param hint what to do instead
 * @throws {ApiError} `BadRequest`
 */
export function refuseAnnouncedBody({ headers, body }: ApiRequest, hint: string): void {
  // No body is handed over with a GET, whatever was sent.
  const isUnseen = body === null && headers.has("transfer-encoding");
  if (isUnseen || Number(headers.get("content-length") ?? 0) > 0) {
    throw new ApiError("BadRequest", hint);
  }
}

const NO_BUDGET = new BodyBudget(0, 0);

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
