/** The HTTP status of each error code that the API answers with. */
export const STATUS_OF = {
  BadRequest: 400,
  SecretsLeftOut: 403,
  NotFound: 404,
  UnknownPath: 404,
  MethodNotAllowed: 405,
  RequestTimeout: 408,
  KeyExists: 409,
  UpdateConflict: 409,
  ComponentClash: 409,
  NotUnclaimed: 409,
  TooLarge: 413,
  UnsupportedMediaType: 415,
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
