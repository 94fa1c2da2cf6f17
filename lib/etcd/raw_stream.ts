import * as grpc from "@grpc/grpc-js";
import { CallFailure } from "./call_failure.ts";

/** How a stream ended, as gRPC says it. */
export type StreamStatus = Pick<grpc.StatusObject, "code" | "details">;

/**
 * Says to etcd what etcd3 leaves out of a raw stream: who asks, and that a member without a leader
 * is no use.
 *
 * @param token etcd's auth token, if there is one
 * @returns what puts it into the stream's metadata
 */
export function streamMetadata(token: string | undefined): grpc.Interceptor {
  return (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        if (token !== undefined) metadata.set("token", token);
        metadata.set("hasleader", "true");
        next(metadata, listener);
      },
    });
}

/**
 * Why a stream ended, without the token: a server or a proxy may repeat what it was sent.
 *
 * @param status how it ended
 * @param token etcd's auth token, if there is one
 */
export function streamFailure(
  { code, details }: StreamStatus,
  token: string | undefined,
): CallFailure {
  return new CallFailure({
    code,
    details: token ? details.replaceAll(token, "[hidden]") : details,
  });
}
