import { CallFailure } from "./call_failure.ts";
import { checked } from "./checked.ts";
import { toEtcdError } from "./classify.ts";
import { EtcdConfigError } from "./config_error.ts";
import type { Connection } from "./connection.ts";
import type { TlsCredentials, TlsFiles, User, UserFiles } from "./credentials.ts";
import { deadlineIn, longestCallMs, msUntil } from "./deadline.ts";
import { EtcdError } from "./errors.ts";
import type { Etcd, RangesResponse } from "./etcd.ts";
import { Failover } from "./failover.ts";
import type { KeyWatch, WatchEvent, WatchRequest } from "./key_watch.ts";
import { leasesBy } from "./lease_calls.ts";
import { Login } from "./login.ts";
import { Members } from "./members.ts";
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from "./messages.ts";
import { firstDenied, type KeyRange, writeQuestion, writtenKeys } from "./written_keys.ts";
import {
  type Denial,
  deniedRead,
  type Identity,
  identityOf,
  permissionDenied,
} from "./permissions.ts";
import { PermittedRanges } from "./permitted_ranges.ts";
import { explainConnectFailure } from "./explain_connect_failure.ts";

/** The largest answer that is accepted, in bytes; ranges are paged to stay far below it. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Of the time of a call, while nobody has answered yet; the rest is for finding out why. */
const CONNECTING_SHARE = 0.8;

/** Where etcd is, and who we are to it. */
export interface EtcdOptions extends TlsFiles, UserFiles {
  /** As `parseEndpoints` returns them. */
  readonly endpoints: readonly string[];
  /** The longest that a call may take, in milliseconds; a Txn gets more, by its size. */
  readonly timeoutMs: number;
}

/**
 * Reads and checks all files, and makes a client. It connects at the first call, so that an etcd
 * that is away is no error here.
 *
 * @param options where, who, how long
 * @throws {EtcdConfigError} if a file or a combination of options can't work
 */
export async function connect(options: EtcdOptions): Promise<Etcd> {
  return checked(await connectUnchecked(options));
}

/**
 * As {@linkcode connect}, but answers come as etcd gives them, to requests that edgekeyd itself
 * never makes too: for the suite that holds a model to etcd.
 *
 * @param options where, who, how long
 * @throws {EtcdConfigError} if a file or a combination of options can't work
 */
export async function connectUnchecked(options: EtcdOptions): Promise<Etcd> {
  if (options.endpoints.length === 0) {
    throw new EtcdConfigError("--etcd-servers names no endpoint");
  }
  // Crypto, gRPC and etcd3 take over 100 ms to load, which `--help` and the like need not wait for.
  const { readTlsCredentials, readUser } = await import("./credentials.ts");
  const tls = readTlsCredentials(options.endpoints, options);
  const user = readUser(options);
  const { Connection } = await import("./connection.ts");
  const connections = options.endpoints.map((endpoint) =>
    new Connection(endpoint, tls, MAX_ANSWER_BYTES)
  );
  return new EtcdClient(connections, options.timeoutMs, tls, user);
}

/** What one attempt may use. */
interface Attempt {
  readonly connection: Connection;
  readonly deadline: number;
  readonly token: string | undefined;
}

class EtcdClient implements Etcd {
  readonly #connections: readonly Connection[];
  readonly #failover: Failover<Connection>;
  readonly #members: Members;
  readonly #timeoutMs: number;
  readonly #tls: TlsCredentials | undefined;
  readonly #username: string | undefined;
  readonly #identity: Identity | undefined;
  readonly #login: Login | undefined;
  readonly #permitted = new PermittedRanges(() => performance.now());
  readonly leases = leasesBy((send) => this.#call(this.#timeoutMs, true, send));
  #closed = false;
  /** While nobody has answered, some time is kept to find out why. */
  #isMet = false;

  constructor(
    connections: readonly Connection[],
    timeoutMs: number,
    tls: TlsCredentials | undefined,
    user: User | undefined,
  ) {
    this.#connections = connections;
    this.#failover = new Failover(connections);
    this.#members = new Members(connections);
    this.#timeoutMs = timeoutMs;
    this.#tls = tls;
    this.#username = user?.name;
    this.#identity = identityOf(user, tls);
    this.#login = user && new Login(user, timeoutMs);
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    try {
      return await this.#call(
        this.#timeoutMs,
        true,
        ({ connection, ...options }) =>
          this.#members.sameCluster(connection, options, connection.range(request, options)),
      );
    } catch (error) {
      throw isDenied(error) ? await this.#denied(deniedRead(request), error) : error;
    }
  }

  async rangeAll(requests: readonly RangeRequest[]): Promise<RangesResponse> {
    try {
      return await this.#call(
        this.#timeoutMs,
        true,
        ({ connection, ...options }) =>
          this.#members.sameCluster(connection, options, connection.rangeAll(requests, options)),
      );
    } catch (error) {
      if (!isDenied(error)) throw error;
      // etcd does not say which of them it denied.
      for (const request of requests) await this.range({ ...request, limit: 1, keys_only: true });
      throw error;
    }
  }

  /**
   * etcd before 3.4.42, 3.5.28 and 3.6.9 does not check permissions in nested Txns, and later ones
   * don't say which key they denied: so it is asked before, if it knows us as somebody. Each
   * question is a proposal to all members as the Txn is, so that an answer counts for a while.
   */
  async txn(request: TxnRequest, bytes = 0): Promise<TxnResponse> {
    if (this.#identity) {
      await this.#checkWrites(this.#permitted.unknown(writtenKeys(request, { nestedOnly: true })));
    }
    try {
      return await this.#send(request, bytes);
    } catch (error) {
      if (!isDenied(error)) throw error;
      this.#permitted.clear();
      await this.#checkWrites(writtenKeys(request));
      throw error;
    }
  }

  async hasNoSpaceAlarm(): Promise<boolean> {
    const { alarms } = await this.#call(
      this.#timeoutMs,
      true,
      ({ connection, ...options }) => connection.alarms(options),
    );
    return alarms.some(({ alarm }) => alarm === "Nospace");
  }

  async watch(request: WatchRequest, told: (event: WatchEvent) => void): Promise<KeyWatch> {
    const username = this.#username;
    try {
      return await this.#call(this.#timeoutMs, true, async ({ connection, ...options }) => {
        const { endpoint } = connection;
        const { ended, ...watch } = await connection.watch(request, options, told);
        const why = ended.then((failure) =>
          failure && toEtcdError(failure, { endpoint, username })
        );
        return { ...watch, ended: why };
      });
    } catch (error) {
      const denial = { access: "read", first: request.deletedUnder } as const;
      throw isDenied(error) ? await this.#denied(denial, error) : error;
    }
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#connections) connection.close();
  }

  #send(request: TxnRequest, bytes: number): Promise<TxnResponse> {
    return this.#call(
      longestCallMs(this.#timeoutMs, bytes),
      false,
      ({ connection, ...options }) => connection.txn(request, options),
    );
  }

  /** @throws {EtcdError} `permission-denied`, with the first key that may not be written */
  async #checkWrites(keys: readonly string[]): Promise<void> {
    let refusal: unknown;
    const denied = await firstDenied(keys, async (ranges: readonly KeyRange[]) => {
      try {
        await this.#send(writeQuestion(ranges), 0);
        this.#permitted.add(ranges);
        return true;
      } catch (error) {
        if (!isDenied(error)) throw error;
        this.#permitted.clear();
        refusal = error;
        return false;
      }
    });
    if (denied !== undefined) {
      throw await this.#denied({ access: "write", first: denied }, refusal);
    }
  }

  /** Says which key and which role; without those, if etcd does not tell the role. */
  async #denied(denial: Denial, refusal: unknown): Promise<unknown> {
    const identity = this.#identity;
    if (!identity) return refusal;
    const endpoint = this.#failover.preferred?.endpoint ?? "";
    let roles: readonly string[] | undefined;
    try {
      roles = await this.#call(
        this.#timeoutMs,
        true,
        ({ connection, ...options }) => connection.rolesOf(identity.name, options),
      );
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
    }
    return permissionDenied(endpoint, denial, identity, roles, refusal);
  }

  async #call<T>(
    timeoutMs: number,
    idempotent: boolean,
    send: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw new EtcdError("unreachable", "the etcd client is closed");
    const deadline = deadlineIn(timeoutMs);
    await this.#members.check(deadline);
    try {
      const answer = await this.#failover.run(
        this.#isMet ? deadline : deadlineIn(msUntil(deadline) * CONNECTING_SHARE),
        idempotent,
        (connection, until) => this.#attempt(connection, until, send),
      );
      this.#isMet = true;
      return answer;
    } catch (error) {
      const connecting = error instanceof EtcdError && error.reason === "unreachable";
      this.#isMet &&= !connecting;
      if (!connecting || msUntil(deadline) <= 0) throw error;
      throw await this.#explained(error, deadline);
    }
  }

  async #attempt<T>(
    connection: Connection,
    deadline: number,
    send: (attempt: Attempt) => Promise<T>,
  ): Promise<T> {
    const withToken = (token: string | undefined) => send({ connection, deadline, token });
    try {
      return await (this.#login
        ? this.#login.withToken(connection, deadline, withToken)
        : withToken(undefined));
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      throw toEtcdError(error, { endpoint: connection.endpoint, username: this.#username });
    }
  }

  /** gRPC says little of what it can't talk to, so that a failure to connect is worth a look. */
  async #explained(error: EtcdError, deadline: number): Promise<EtcdError> {
    const findings = await Promise.all(
      this.#connections.map(({ endpoint }) => explainConnectFailure(endpoint, this.#tls, deadline)),
    );
    const [finding] = findings.filter((found) => found !== undefined);
    return finding ? new EtcdError(finding.reason, finding.text, { cause: error }) : error;
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof EtcdError && error.reason === "permission-denied";
}
