import type { TestAuthority } from "../support/certificates.ts";
import { freePort } from "../support/etcd_server.ts";
import type { ApiServer } from "./_apiserver.ts";
import { Program } from "./_program.ts";

export const NODE = "edge-1";
const START_MS = 120_000;
const HEADERS_MS = 10_000;

/** How a client of the node asks. */
export interface HubRequest {
  /** Its user agent: yurthub takes the first word for the component. */
  readonly agent: string;
  readonly method?: string;
  readonly body?: object;
  readonly type?: string;
  readonly accept?: string;
  /** Ends a watch. */
  readonly signal?: AbortSignal;
}

/** A real yurthub in edge mode, and the cache that it writes. */
export class Hub implements AsyncDisposable {
  readonly cacheDir: string;
  readonly #endpoint: string;
  readonly #program: Program;

  private constructor(cacheDir: string, port: number, program: Program) {
    this.cacheDir = cacheDir;
    this.#endpoint = `http://127.0.0.1:${port}`;
    this.#program = program;
  }

  /**
   * Starts it and waits until it answers.
   *
   * @param binary a yurthub
   * @param directory an existing one, for its files
   * @param cloud what it stands before
   * @param authority signs its certificates
   */
  static async start(
    binary: string,
    directory: string,
    cloud: ApiServer,
    authority: TestAuthority,
  ): Promise<Hub> {
    const root = `${directory}/hub`;
    const cacheDir = `${directory}/cache`;
    Deno.mkdirSync(`${root}/pki`, { recursive: true });
    Deno.mkdirSync(cacheDir);
    const [client, serving] = [
      authority.issue({
        name: `system:node:${NODE}`,
        organizations: ["openyurt:yurthub", "system:nodes"],
      }),
      authority.issue({ name: "hub-serving", hosts: ["127.0.0.1", "10.96.0.1", "kubernetes"] }),
    ];
    Deno.copyFileSync(authority.caFile, `${root}/pki/ca.crt`);
    for (const [name, { certFile, keyFile }] of [["", client], ["-server", serving]] as const) {
      const pair = Deno.readTextFileSync(certFile) + Deno.readTextFileSync(keyFile);
      Deno.writeTextFileSync(`${root}/pki/yurthub${name}-current.pem`, pair, { mode: 0o600 });
    }
    const bootstrap = `${root}/bootstrap-hub.conf`;
    Deno.writeTextFileSync(bootstrap, kubeconfig(cloud, authority.caFile), { mode: 0o600 });
    const port = freePort();
    const program = new Program(binary, [
      "--v=2",
      "--working-mode=edge",
      `--node-name=${NODE}`,
      "--nodepool-name=pool1",
      "--node-ip=127.0.0.1",
      `--server-addr=${cloud.endpoint}`,
      "--bootstrap-mode=token",
      `--bootstrap-file=${bootstrap}`,
      `--root-dir=${root}`,
      `--disk-cache-path=${cacheDir}/`,
      "--enable-dummy-if=false",
      "--bind-address=127.0.0.1",
      "--bind-proxy-address=127.0.0.1",
      `--serve-port=${freePort()}`,
      `--proxy-port=${port}`,
      `--proxy-secure-port=${freePort()}`,
      `--multiplexer-port=${freePort()}`,
      "--heartbeat-interval-seconds=2",
    ], `${directory}/hub.log`);
    const hub = new Hub(cacheDir, port, program);
    await hub.start();
    return hub;
  }

  /** Starts it again after {@linkcode Hub.kill}. */
  async start(): Promise<void> {
    await this.#program.start();
    await this.#program.until(START_MS, async () => {
      const answer = await this.ask("/version", { agent: "kubelet/v1" });
      await answer.body?.cancel();
      return answer.ok;
    });
  }

  /** Ends it with SIGKILL. */
  async kill(): Promise<void> {
    await this.#program.kill();
  }

  /**
   * Asks it as a client of the node does.
   *
   * @param path with its query
   * @param request how
   */
  async ask(path: string, request: HubRequest): Promise<Response> {
    const { agent, method = "GET", body, type = "application/json", signal } = request;
    return await fetch(`${this.#endpoint}${path}`, {
      method,
      signal: signal ?? AbortSignal.timeout(HEADERS_MS),
      headers: {
        "user-agent": agent,
        accept: request.accept ?? "application/json",
        ...(body && { "content-type": type }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

function kubeconfig(cloud: ApiServer, caFile: string): string {
  const ca = btoa(Deno.readTextFileSync(caFile));
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name: "cloud",
      cluster: { server: cloud.endpoint, "certificate-authority-data": ca },
    }],
    users: [{ name: "user", user: { token: cloud.token } }],
    contexts: [{ name: "context", context: { cluster: "cloud", user: "user" } }],
    "current-context": "context",
  });
}
