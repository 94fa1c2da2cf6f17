// First of all: etcd3 must find this grpc-js, not pull in another.
import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { noop } from "cockatiel";
import { Etcd3, type IAlarmResponse } from "etcd3";
import { CallFailure } from "./call_failure.ts";
import type { CallingClient } from "./calls.ts";
import type { CallOptions } from "./call_options.ts";
import type { MemberStatus } from "./members.ts";
import type { TlsCredentials } from "./credentials.ts";
import { msUntil } from "./deadline.ts";
import { isHttps } from "./endpoints.ts";
import type { RangesResponse } from "./etcd.ts";
import { limitHandshakes } from "./handshake_limit.ts";
import { keepLease } from "./keep_lease.ts";
import type { WatchEvent, WatchRequest } from "./key_watch.ts";
import type { Lease } from "./leases.ts";
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from "./messages.ts";
import { allowTlsToIpAddresses } from "./tls_servername.ts";
import { isPeerPort } from "./peer_port.ts";
import { openWatch, type WatchStream } from "./watch_stream.ts";

/**
 * The channel settings. Nothing is sent twice behind our back and no proxy stands between. etcd3
 * gives up a channel after a failure, so that the next call connects anew; what the old one still
 * tries by itself is over after its first backoff. The longest Txn outlasts many a connection,
 * hence keepalive: during calls only, and no more often than etcd allows
 * (`--grpc-keepalive-min-time`). A ping waits in line behind what was sent before it, so that its
 * answer may take as long as a whole request does on the slowest uplink (1.5 MiB at 64 KiB/s take
 * 24 s): given less time, it would cut off the very Txn that it watches over. What may be sent is
 * not limited by default.
 */
const CHANNEL_OPTIONS: grpc.ChannelOptions = {
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.initial_reconnect_backoff_ms": 5,
  "grpc.max_reconnect_backoff_ms": 500,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 30_000,
  "grpc.keepalive_permit_without_calls": 0,
  // With a pool of the whole process, a closed client's sockets would live on.
  "grpc.use_local_subchannel_pool": 1,
};

/** What a header can hold of a token (gRPC over HTTP/2, ASCII-Value). */
const SENDABLE = /^[\x21-\x7e]+$/;

/** What is said of a foreign answer's type is no longer than this. */
const MAX_TYPE_LENGTH = 40;

/**
 * A watch says nothing for days, so that only keepalive tells a connection that is dead. It has a
 * connection of its own, in which no Txn stands before a ping. etcd takes a ping more often than
 * every 5 s (`--grpc-keepalive-min-time`) for an attack.
 */
const WATCH_CHANNEL_OPTIONS: grpc.ChannelOptions = {
  ...CHANNEL_OPTIONS,
  "grpc.keepalive_time_ms": 6_000,
  "grpc.keepalive_timeout_ms": 2_000,
};

/**
 * etcd3 for ONE endpoint, stripped of all that it does by itself: retries, circuit breaker, choice
 * of host, login. A method is one attempt on the wire.
 */
export class Connection {
  readonly endpoint: string;
  readonly #tls: TlsCredentials | undefined;
  readonly #etcd: CallingClient;
  /** Another one, for watches. */
  readonly #watching: CallingClient;
  readonly #closed = new AbortController();

  /**
   * Connects at the first call, not before.
   *
   * @param endpoint `scheme://host:port`
   * @param tls for https
   * @param maxAnswerBytes the largest answer to accept
   */
  constructor(endpoint: string, tls: TlsCredentials | undefined, maxAnswerBytes: number) {
    this.endpoint = endpoint;
    this.#tls = tls;
    if (isHttps(endpoint)) allowTlsToIpAddresses();
    limitHandshakes();
    const client = (channelOptions: grpc.ChannelOptions) =>
      new Etcd3({
        hosts: endpoint,
        ...(tls && { credentials: credentialBuffers(tls) }),
        faultHandling: { host: () => noop, global: noop },
        grpcOptions: { ...channelOptions, "grpc.max_receive_message_length": maxAnswerBytes },
      });
    this.#etcd = client(CHANNEL_OPTIONS);
    this.#watching = client(WATCH_CHANNEL_OPTIONS);
  }

  /** @throws {CallFailure} */
  range(request: RangeRequest, options: CallOptions): Promise<RangeResponse> {
    return send(options, (grpcOptions) => this.#etcd.kv.range(request, grpcOptions));
  }

  /**
   * Several ranges in one Txn.
   *
   * @throws {CallFailure}
   */
  async rangeAll(
    requests: readonly RangeRequest[],
    options: CallOptions,
  ): Promise<RangesResponse> {
    const success = requests.map((request) => ({ request_range: request }));
    const request = { compare: [], success, failure: [] };
    const { header, responses } = await send(
      options,
      (grpcOptions) => this.#etcd.kv.txn(request, grpcOptions),
    );
    return { header, answers: responses.map((one) => one.response_range) };
  }

  /** @throws {CallFailure} */
  txn(request: TxnRequest, options: CallOptions): Promise<TxnResponse> {
    return send(options, (grpcOptions) => this.#etcd.kv.txn(request, grpcOptions));
  }

  /**
   * What this member says of itself, which needs neither a leader nor a user.
   *
   * @throws {CallFailure}
   */
  async status(deadline: number): Promise<MemberStatus> {
    const { header, version } = await send(
      { deadline },
      (grpcOptions) => this.#etcd.maintenance.status(grpcOptions),
    );
    return { clusterId: header.cluster_id, version };
  }

  /** Looks whether the endpoint is etcd's peer port, on a connection of its own. */
  isPeerPort(deadline: number): Promise<boolean> {
    return isPeerPort(this.endpoint, this.#tls, deadline);
  }

  /**
   * All alarms of all members.
   *
   * @throws {CallFailure}
   */
  alarms(options: CallOptions): Promise<IAlarmResponse> {
    return send(
      options,
      (grpcOptions) => this.#etcd.maintenance.alarm({ action: "Get", alarm: "None" }, grpcOptions),
    );
  }

  /**
   * @returns a token for further calls
   * @throws {CallFailure} also if it is none that can be sent
   */
  async authenticate(name: string, password: string, options: CallOptions): Promise<string> {
    const answer = await send(
      options,
      (grpcOptions) => this.#etcd.auth.authenticate({ name, password }, grpcOptions),
      password,
    );
    // gRPC would refuse it with words that hold it.
    if (SENDABLE.test(answer.token)) return answer.token;
    const details = "the token that it gave out can't be sent";
    throw new CallFailure({ code: grpc.status.UNAUTHENTICATED, details });
  }

  /**
   * @returns the roles of a user; etcd tells everyone their own
   * @throws {CallFailure}
   */
  async rolesOf(name: string, options: CallOptions): Promise<string[]> {
    const answer = await send(
      options,
      (grpcOptions) => this.#etcd.auth.userGet({ name }, grpcOptions),
    );
    return answer.roles;
  }

  /**
   * @param told called with each event
   * @returns the watch, once etcd has begun it; the deadline is for that alone
   * @throws {CallFailure}
   */
  async watch(
    request: WatchRequest,
    options: CallOptions,
    told: (event: WatchEvent) => void,
  ): Promise<WatchStream> {
    const { signal } = this.#closed;
    return await openWatch(this.#watching.watchClient, request, { ...options, signal }, told);
  }

  /**
   * @returns a lease that lasts at least so long
   * @throws {CallFailure}
   */
  async grantLease(ttlSeconds: number, options: CallOptions): Promise<Lease> {
    const { ID, TTL } = await send(
      options,
      (grpcOptions) => this.#etcd.leaseClient.leaseGrant({ TTL: ttlSeconds }, grpcOptions),
    );
    return { id: ID, ttlSeconds: Number(TTL) };
  }

  /**
   * @returns the lease, which has its whole time again; undefined if there is none
   * @throws {CallFailure}
   */
  async keepLease(id: string, options: CallOptions): Promise<Lease | undefined> {
    const { ID, TTL } = await keepLease(this.#etcd.leaseClient, id, options);
    return Number(TTL) > 0 ? { id: ID, ttlSeconds: Number(TTL) } : undefined;
  }

  /** Calls in flight end as they would have, watches at once; no new one may follow. */
  close(): void {
    this.#etcd.close();
    this.#closed.abort();
    this.#watching.close();
  }
}

/**
 * Runs one call with an interceptor of ours, which sets the deadline, adds the token, and takes the
 * status as gRPC says it: etcd3 throws the code away and, on an invalid token, would call itself
 * without end. So it is told the code only.
 *
 * @param options deadline and token
 * @param call the call
 * @param secret what no error may hold; the token, if nothing else is given
 */
async function send<T>(
  options: CallOptions,
  call: (grpcOptions: grpc.CallOptions) => Promise<T>,
  secret = options.token,
): Promise<T> {
  let status: grpc.StatusObject | undefined;
  let foreignType: string | undefined;
  const interceptor: grpc.Interceptor = (callOptions, nextCall) => {
    // gRPC takes a moment of the wall clock, and makes a timer of what is left as the call starts.
    const deadline = Date.now() + msUntil(options.deadline);
    return new grpc.InterceptingCall(nextCall({ ...callOptions, deadline }), {
      start(metadata, _listener, next) {
        if (options.token !== undefined) metadata.set("token", options.token);
        next(metadata, {
          onReceiveMetadata(received, pass) {
            foreignType = foreignTypeIn(received);
            pass(received);
          },
          onReceiveStatus(received, pass) {
            status = received;
            pass({ ...received, details: "" });
          },
        });
      },
    });
  };
  try {
    return await call({ interceptors: [interceptor] });
  } catch (cause) {
    // Without a status the call was not even started: etcd3 or the encoder refused it.
    const refusal = cause instanceof Error ? cause.message : String(cause);
    const { code, details } = status ?? { code: grpc.status.INVALID_ARGUMENT, details: refusal };
    // A server or a proxy may repeat what it was sent.
    const shown = secret ? details.replaceAll(secret, "[hidden]") : details;
    throw new CallFailure({ code, details: shown }, foreignType);
  }
}

/** A proxy, say, answers by itself; gRPC would take its page for a message without end. */
function foreignTypeIn(headers: grpc.Metadata): string | undefined {
  const [type] = headers.get("content-type");
  const isForeign = typeof type === "string" && !type.startsWith("application/grpc");
  return isForeign ? type.slice(0, MAX_TYPE_LENGTH) : undefined;
}

function credentialBuffers(tls: TlsCredentials) {
  return {
    rootCertificate: Buffer.from(tls.ca),
    ...(tls.client && {
      certChain: Buffer.from(tls.client.cert),
      privateKey: Buffer.from(tls.client.key),
    }),
  };
}
