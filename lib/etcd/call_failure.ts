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
  /** The type of an answer that was none of gRPC's, as `text/html`; undefined if none came. */
  readonly foreignType: string | undefined;

  /**
   * @param status as gRPC reports it
   * @param foreignType the type of an answer that is none of gRPC's, if one came
   */
  constructor(
    status: { readonly code: number; readonly details: string },
    foreignType?: string,
  ) {
    super(`gRPC status ${status.code}: ${status.details}`);
    this.code = status.code;
    this.details = status.details;
    this.foreignType = foreignType;
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
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
