import type { StatusObject } from "@grpc/grpc-js";
import type { ILeaseKeepAliveResponse } from "etcd3";
import { CallFailure, GrpcCode } from "./call_failure.ts";
import type { CallingClient } from "./calls.ts";
import type { CallOptions } from "./call_options.ts";
import { msUntil } from "./deadline.ts";
import { streamFailure, streamMetadata } from "./raw_stream.ts";

/** How a stream ends that nobody gave a status. */
const CUT_OFF = { code: GrpcCode.UNAVAILABLE, details: "the stream was ended without an answer" };
const CLOSED = { code: GrpcCode.UNAVAILABLE, details: "the etcd client is closed" };

/**
 * Keeps a lease: one question and one answer, for which etcd has a stream alone.
 *
 * @param client etcd3's
 * @param id the lease, decimal
 * @param options by when it must have answered, and who asks
 * @returns etcd's answer; its TTL is 0 if there is no such lease
 * @throws {CallFailure}
 */
export async function keepLease(
  client: CallingClient["leaseClient"],
  id: string,
  { deadline, token }: CallOptions,
): Promise<ILeaseKeepAliveResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<ILeaseKeepAliveResponse>();
  const stream = await client
    .leaseKeepAlive({
      deadline: Date.now() + msUntil(deadline),
      interceptors: [streamMetadata(token)],
    })
    .catch(() => {
      throw new CallFailure(CLOSED);
    });
  stream.on("data", resolve);
  // The status says it all, and comes right behind it.
  stream.on("error", () => {});
  stream.on("status", (status: StatusObject) => {
    reject(streamFailure(status.code ? status : CUT_OFF, token));
  });
  try {
    stream.write({ ID: id });
    return await promise;
  } finally {
    stream.cancel();
  }
}
