/** What requests may take. */
export interface ApiLimits {
  /** Requests that are worked on at once. */
  readonly maxOpen: number;
  /** Requests that wait until one of these is done: fewer than connections have room for. */
  readonly maxWaiting: number;
  /** For one of these to be let in, and for room for a body that arrives. */
  readonly waitMs: number;
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
  /** Connections that are open at once. */
  readonly maxConnections: number;
  /** For the head of a request to arrive, counted from the moment of the connection. */
  readonly headTimeoutMs: number;
  /** For 64 KiB of an answer to be taken. */
  readonly stallTimeoutMs: number;
}

/** What the API's limits are unless a test sets others. */
export const API_LIMITS: ApiLimits = {
  maxOpen: 32,
  maxWaiting: 64,
  waitMs: 1_000,
  maxBodyBytes: 32 * 1024 * 1024,
  maxBodiesBytes: 64 * 1024 * 1024,
  bodyTimeoutMs: 10_000,
  timeoutMs: 30_000,
  longTimeoutMs: 900_000,
  maxConnections: 128,
  headTimeoutMs: 10_000,
  stallTimeoutMs: 30_000,
};
