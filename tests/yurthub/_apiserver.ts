import { generateKeyPairSync } from "node:crypto";
import type { TestAuthority } from "../support/certificates.ts";
import { type EtcdServer, freePort, startEtcd } from "../support/etcd_server.ts";
import { Program } from "./_program.ts";

/** What an apiserver answered. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

const TOKEN = "a-token-of-this-test";
const START_MS = 120_000;
const REQUEST_MS = 10_000;
/** Controllers that these plugins wait for do not run here. */
const WITHOUT =
  "ServiceAccount,NamespaceLifecycle,Priority,StorageObjectInUseProtection,ResourceQuota,LimitRanger,RuntimeClass";

/** What an apiserver stands on. */
export interface ApiServerPlace {
  /** Whoever gives one ends it; else the apiserver has an etcd of its own. */
  readonly etcd?: EtcdServer;
  /** `--service-cluster-ip-range`. */
  readonly serviceRange?: string;
}

/** A change that a watch tells of. */
export interface ApiEvent {
  /** `ADDED`, `MODIFIED` or `DELETED`. */
  readonly type: string;
  readonly object: { readonly metadata: { readonly name: string } };
}

/** A real kube-apiserver: the cloud's, on an etcd of its own, or a pool's. */
export class ApiServer implements AsyncDisposable {
  readonly endpoint: string;
  readonly token = TOKEN;
  readonly #ownEtcd: EtcdServer | undefined;
  readonly #client: Deno.HttpClient;
  readonly #program: Program;

  private constructor(
    port: number,
    ownEtcd: EtcdServer | undefined,
    client: Deno.HttpClient,
    program: Program,
  ) {
    this.endpoint = `https://127.0.0.1:${port}`;
    this.#ownEtcd = ownEtcd;
    this.#client = client;
    this.#program = program;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param binary a kube-apiserver
   * @param directory an existing one, for its files
   * @param authority signs its certificate, and its clients'
   * @param place what it stands on
   */
  static async start(
    binary: string,
    directory: string,
    authority: TestAuthority,
    place: ApiServerPlace = {},
  ): Promise<ApiServer> {
    const { serviceRange = "10.96.0.0/16" } = place;
    const ownEtcd = place.etcd ? undefined : await startEtcd();
    const etcd = place.etcd ?? ownEtcd;
    if (!etcd) throw new Error("there is no etcd");
    const port = freePort();
    const serving = authority.issue({ name: "apiserver", hosts: ["127.0.0.1", "10.96.0.1"] });
    const signing = `${directory}/service-accounts.key`;
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
    });
    Deno.writeTextFileSync(signing, privateKey, { mode: 0o600 });
    const tokens = `${directory}/tokens.csv`;
    Deno.writeTextFileSync(tokens, `${TOKEN},admin,1,"system:masters"\n`, { mode: 0o600 });
    const program = new Program(binary, [
      `--etcd-servers=${etcd.endpoint}`,
      `--service-account-key-file=${signing}`,
      `--service-account-signing-key-file=${signing}`,
      "--service-account-issuer=https://cloud",
      "--authorization-mode=AlwaysAllow",
      `--token-auth-file=${tokens}`,
      `--client-ca-file=${authority.caFile}`,
      `--tls-cert-file=${serving.certFile}`,
      `--tls-private-key-file=${serving.keyFile}`,
      `--cert-dir=${directory}/certs`,
      `--secure-port=${port}`,
      "--bind-address=127.0.0.1",
      `--service-cluster-ip-range=${serviceRange}`,
      `--disable-admission-plugins=${WITHOUT}`,
    ], `${directory}/apiserver.log`);
    const ca = Deno.readTextFileSync(authority.caFile);
    const client = Deno.createHttpClient({ caCerts: [ca] });
    const server = new ApiServer(port, ownEtcd, client, program);
    await server.start();
    return server;
  }

  /** Starts it again after {@linkcode ApiServer.kill}. */
  async start(): Promise<void> {
    await this.#program.start();
    await this.#program.until(START_MS, async () => {
      return (await this.request("GET", "/readyz")).status === 200;
    });
  }

  /** Ends it at once: the cloud is out of reach. */
  async kill(): Promise<void> {
    await this.#program.kill();
  }

  /**
   * One request, as the cloud's administrator.
   *
   * @param method of HTTP
   * @param path with its query
   * @param body sent as JSON
   * @param type of the body
   */
  async request(
    method: string,
    path: string,
    body?: object,
    type = "application/json",
  ): Promise<ApiAnswer> {
    const response = await fetch(`${this.endpoint}${path}`, {
      method,
      client: this.#client,
      signal: AbortSignal.timeout(REQUEST_MS),
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": type },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  }

  /**
   * Watches a collection, until the signal says that it is enough.
   *
   * @param path of the collection, with the resourceVersion from which on
   * @param signal ends it
   */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<ApiEvent> {
    const { body } = await fetch(`${this.endpoint}${path}`, {
      client: this.#client,
      signal,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    let rest = "";
    for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.kill();
    this.#client.close();
    await this.#ownEtcd?.[Symbol.asyncDispose]();
  }
}
