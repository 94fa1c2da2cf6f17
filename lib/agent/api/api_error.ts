import { EdgekeydError } from "../../errors.ts";
import { EtcdError } from "../../etcd/mod.ts";
import { type ErrorCode, STATUS_OF } from "../error_codes.ts";
import { InterruptedWriteError } from "../interrupted_write.ts";

/** A request that is answered with an error. */
export class ApiError extends EdgekeydError {
  /** What it is called where it is shown. */
  override name = "ApiError";
  /** What went wrong. */
  declare readonly code: ErrorCode;
  /** What else the answer says, by the name of the header. */
  readonly headers: Readonly<Record<string, string>>;

  /**
   * Says what is answered.
   *
   * @param code what went wrong
   * @param message what, where, and what to do; one line
   * @param options the underlying cause and headers, if any
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    const { headers = {}, ...rest } = options;
    super(code, message, rest);
    this.headers = headers;
  }

  /** HTTP's, for this code. */
  get status(): number {
    return STATUS_OF[this.code];
  }
}

/** There is no room for a request now. */
export class TooManyRequestsError extends ApiError {
  override name = "TooManyRequestsError";

  /** @param message what there is too much of */
  constructor(message: string) {
    super("TooManyRequests", message, { headers: { "retry-after": "1" } });
  }
}

/** Codes of failures that lie with etcd, the cache or the fs cache: the same may go well later. */
const PASSING: ReadonlySet<string> = new Set([
  "CacheRoot",
  "CacheTooLarge",
  "Contention",
  "Etcd",
  "EtcdConfig",
  "Fence",
  "KeyCache",
  "OtherCluster",
  "OtherEtcd",
  "Retired",
]);

/**
 * The error that a failure is answered with.
 *
 * @param failure what went wrong
 */
export function apiErrorOf(failure: EdgekeydError): ApiError {
  const { code, message } = failure;
  if (failure instanceof InterruptedWriteError) return apiErrorOf(failure.cause);
  if (failure instanceof ApiError) return failure;
  // etcd takes less than the flags say: that does not pass.
  if (failure instanceof EtcdError && /^too-/.test(failure.reason)) {
    return new ApiError("TooLarge", message, { cause: failure });
  }
  if (PASSING.has(code)) return new ApiError("NotReady", message, { cause: failure });
  if (isErrorCode(code)) return new ApiError(code, message, { cause: failure });
  return new ApiError("Internal", message, { cause: failure });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(STATUS_OF, code);
}
