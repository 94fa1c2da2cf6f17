import { Buffer } from "node:buffer";
import type { IWatchCreateRequest, IWatchResponse } from "etcd3";
import { CallFailure, GrpcCode } from "./call_failure.ts";
import type { CallingClient } from "./calls.ts";
import type { CallOptions } from "./call_options.ts";
import { msUntil } from "./deadline.ts";
import type { WatchEvent, WatchRequest } from "./key_watch.ts";
import type { ResponseHeader } from "./messages.ts";
import { streamFailure, streamMetadata, type StreamStatus } from "./raw_stream.ts";

/** How a watch ends that nobody gave a status. */
const CUT_OFF = { code: GrpcCode.UNAVAILABLE, details: "the watch was ended without a reason" };
const CLOSED = { code: GrpcCode.UNAVAILABLE, details: "the etcd client is closed" };
const OVERDUE = { code: GrpcCode.DEADLINE_EXCEEDED, details: "Deadline exceeded" };

/** A watch as one endpoint keeps it. */
export interface WatchStream {
  /** Everything after its revision is told. */
  readonly header: ResponseHeader;
  /** Settles when it has ended: with why, or with undefined if it was closed. */
  readonly ended: Promise<CallFailure | undefined>;
  /** Ends it. */
  close(): void;
}

/**
 * Opens a stream of its own for a watch. etcd ends it by itself when its cluster has had no leader
 * for a while: what it does not hear of, it can't tell.
 *
 * @param client etcd3's, which would take up a watch that broke at its old revision; so this is its
 * raw stream
 * @param request what to watch
 * @param options by when it must have begun, who asks, and what closes it
 * @param told called with each event
 * @throws {CallFailure} if it does not begin
 */
export async function openWatch(
  client: CallingClient["watchClient"],
  request: WatchRequest,
  { deadline, token, signal }: CallOptions & { readonly signal: AbortSignal },
  told: (event: WatchEvent) => void,
): Promise<WatchStream> {
  const begun = Promise.withResolvers<ResponseHeader>();
  const { promise: ended, resolve: end } = Promise.withResolvers<CallFailure | undefined>();
  const stream = await client.watch({ interceptors: [streamMetadata(token)] }).catch(() => {
    throw new CallFailure(CLOSED);
  });
  let open = true;
  const finish = (failure: CallFailure | undefined) => {
    if (!open) return;
    open = false;
    signal.removeEventListener("abort", close);
    stream.cancel();
    end(failure);
    begun.reject(failure ?? new CallFailure(CLOSED));
  };
  const close = () => finish(undefined);
  if (signal.aborted) close();
  else signal.addEventListener("abort", close);
  const wanted = watchesOf(request);
  let created = 0;
  const fail = (status: StreamStatus) => finish(streamFailure(status, token));
  stream.on("data", (response: IWatchResponse) => {
    if (!open) return;
    if (response.canceled) return fail(statusOf(response));
    if (response.created && ++created === wanted.length) begun.resolve(response.header);
    for (const { type, kv } of response.events) {
      told({
        kind: type === "Delete" ? "delete" : "put",
        key: String(kv?.key),
        value: String(kv?.value),
        modRevision: String(kv?.mod_revision),
      });
    }
  });
  // The status says it all, and comes right behind it.
  stream.on("error", () => {});
  stream.on("status", (status) => fail(status.code ? status : CUT_OFF));
  const overdue = setTimeout(() => fail(OVERDUE), msUntil(deadline));
  try {
    for (const watch of wanted) stream.write({ create_request: watch });
    return { header: await begun.promise, ended, close };
  } finally {
    clearTimeout(overdue);
  }
}

/**
 * Both in one stream. All deletes of a Txn come in one message: asked for pieces (`fragment`), etcd
 * 3.5.1 and 3.6.6 told nothing of 100,000 within 40 s, nor of what came after them.
 */
function watchesOf({ deletedUnder, key }: WatchRequest): IWatchCreateRequest[] {
  const first = Buffer.from(deletedUnder);
  const end = Buffer.from(first);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return [
    { key: first, range_end: end, filters: ["Noput"] },
    { key: Buffer.from(key) },
  ];
}

/**
 * A watch that etcd cancels has its reason in words, in older versions those of a gRPC error. etcd
 * before 3.6 says of a token that it does not know that permission was denied.
 */
function statusOf({ cancel_reason: reason, compact_revision: compacted }: IWatchResponse) {
  if (compacted !== "0") return { code: GrpcCode.OUT_OF_RANGE, details: "compacted" };
  const details = reason.replace(/^rpc error: code = \w+ desc = /, "") || "watch canceled";
  const code = details.includes("permission denied")
    ? GrpcCode.PERMISSION_DENIED
    : GrpcCode.FAILED_PRECONDITION;
  return { code, details };
}
