/** What requests may take. */
export interface ApiLimits {
  /** Requests that are worked on at once. */
  readonly maxOpen: number;
  /** One body. */
  readonly maxBodyBytes: number;
  /** All bodies that are worked on at once. */
  readonly maxBodiesBytes: number;
  /** For a body to arrive. */
  readonly bodyTimeoutMs: number;
  /** For a request to be answered. */
  readonly timeoutMs: number;
  /** For one that may take as long as a first import. */
  readonly longTimeoutMs: number;
}

/** What the API's limits are unless a test sets others. */
export const API_LIMITS: ApiLimits = {
  maxOpen: 32,
  maxBodyBytes: 32 * 1024 * 1024,
  maxBodiesBytes: 64 * 1024 * 1024,
  bodyTimeoutMs: 10_000,
  timeoutMs: 30_000,
  longTimeoutMs: 900_000,
};
