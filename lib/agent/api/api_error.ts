import { EdgekeydError } from "../../errors.ts";
import { EtcdError } from "../../etcd/mod.ts";

/** The HTTP status of each error code that the API answers with. */
export const STATUS_OF = {
  BadRequest: 400,
  NotFound: 404,
  UnknownPath: 404,
  MethodNotAllowed: 405,
  RequestTimeout: 408,
  KeyExists: 409,
  UpdateConflict: 409,
  ComponentClash: 409,
  NotUnclaimed: 409,
  TooLarge: 413,
  NoContent: 422,
  InvalidContent: 422,
  EmptyComponent: 422,
  EmptyResource: 422,
  EmptyKey: 422,
  UnrecognizedKey: 422,
  TooManyRequests: 429,
  Internal: 500,
  NotReady: 503,
  Unknown: 504,
} as const;

/** A stable name for what went wrong. */
export type ErrorCode = keyof typeof STATUS_OF;

/** All of them. */
export const ERROR_CODES = Object.keys(STATUS_OF) as ErrorCode[];

/** A request that is answered with an error. */
export class ApiError extends EdgekeydError {
  override name = "ApiError";
  declare readonly code: ErrorCode;

  /**
   * @param code what went wrong
   * @param message what, where, and what to do; one line
   * @param options the underlying cause, if any
   */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }

  get status(): number {
    return STATUS_OF[this.code];
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
]);

/**
 * The error that a failure is answered with.
 *
 * @param failure what went wrong
 */
export function apiErrorOf(failure: EdgekeydError): ApiError {
  const { code, message } = failure;
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
