/**
 * The status that gRPC ended a call with, if it was not OK. Never leaves this folder: callers get
 * an EtcdError.
 */
export class CallFailure extends Error {
  override name = "CallFailure";
  /** gRPC status code, 1 to 16. */
  readonly code: number;
  /** What the server, or the client's transport, said. */
  readonly details: string;

  /** @param status as gRPC reports it */
  constructor(status: { readonly code: number; readonly details: string }) {
    super(`gRPC status ${status.code}: ${status.details}`);
    this.code = status.code;
    this.details = status.details;
  }
}

/** The gRPC status codes that are told apart here; numbers, so that grpc-js loads when needed. */
export const GrpcCode = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  OUT_OF_RANGE: 11,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;
