import { fromFileUrl } from "@std/path";
import { cleanEnv } from "./edgekeyd_process.ts";

/** A real etcd on a free loopback port, started and owned by one test file. */
export interface EtcdServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` (or https, if certificates were given). */
  readonly endpoint: string;
  readonly port: number;
  readonly dataDir: string;
  /** The pid of the running process. */
  pid(): number;
  /** Sends a signal and, unless it is SIGSTOP or SIGCONT, waits until the process is gone. */
  kill(signal?: Deno.Signal): Promise<void>;
  /** Starts it again on the same port; with `wipe`, on an empty data directory. */
  start(options?: { wipe?: boolean }): Promise<void>;
}

export interface EtcdOptions {
  /** Which binary; by default EDGEKEYD_TEST_ETCD, else the `etcd` that setup found. */
  binary?: string;
  /** More flags, for example `--max-txn-ops=20`. */
  args?: string[];
  /** The scheme of the client URL; `https` needs the certificate flags in `args`. */
  scheme?: "http" | "https";
}

const START_DEADLINE_MS = 20_000;
const START_ATTEMPTS = 3;
const STOP_DEADLINE_MS = 5_000;
/** Linux gives ports from 32768 on to connections, unless it is told otherwise. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
const PORT_ATTEMPTS = 100;

/**
 * The etcd binary that tests run on: EDGEKEYD_TEST_ETCD, else `.tools/bin/etcd` of the project,
 * else the one on the PATH.
 */
export function etcdBinary(): string {
  const named = Deno.env.get("EDGEKEYD_TEST_ETCD");
  if (named) return named;
  const local = fromFileUrl(new URL("../../.tools/bin/etcd", import.meta.url));
  try {
    Deno.statSync(local);
    return local;
  } catch {
    return "etcd";
  }
}

/**
 * Starts an etcd and waits until it answers; `await using` it, or call its dispose. A port that
 * was free may be taken by the time etcd binds it, so that is tried a few times.
 */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  for (let attempt = 1;; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(options: EtcdOptions): Promise<EtcdServer> {
  const port = freePort();
  const peerPort = freePort();
  const metrics = `http://127.0.0.1:${freePort()}`;
  const scheme = options.scheme ?? "http";
  const endpoint = `${scheme}://127.0.0.1:${port}`;
  const dataDir = Deno.makeTempDirSync({ prefix: "edgekeyd-etcd-" });
  let child: Deno.ChildProcess | undefined;

  async function start({ wipe = false } = {}) {
    if (wipe) {
      Deno.removeSync(dataDir, { recursive: true });
      Deno.mkdirSync(dataDir, { mode: 0o700 });
    }
    const peer = `http://127.0.0.1:${peerPort}`;
    child = new Deno.Command(options.binary ?? etcdBinary(), {
      args: [
        "--name=t",
        `--data-dir=${dataDir}`,
        `--listen-client-urls=${endpoint}`,
        `--advertise-client-urls=${endpoint}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=t=${peer}`,
        `--listen-metrics-urls=${metrics}`,
        "--unsafe-no-fsync",
        "--logger=zap",
        "--log-level=error",
        ...(options.args ?? []),
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      // An ETCD_NAME, say, of the machine's would be in the way of our flags.
      clearEnv: true,
      env: cleanEnv({ ETCD_UNSUPPORTED_ARCH: Deno.build.arch === "aarch64" ? "arm64" : "" }),
    }).spawn();
    const started = child;
    let ended = false;
    started.status.then(() => ended = true);
    const deadline = Date.now() + START_DEADLINE_MS;
    // One that has ended may have lost its ports to another etcd, which answers in its place.
    while (!(await hasLeader(metrics)) || ended) {
      if (ended || Date.now() > deadline) {
        if (!ended) started.kill("SIGKILL");
        await started.status;
        throw new Error(`etcd on port ${port} did not get ready`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  try {
    await start();
  } catch (error) {
    Deno.removeSync(dataDir, { recursive: true });
    throw error;
  }
  const server: EtcdServer = {
    endpoint,
    port,
    dataDir,
    pid() {
      if (!child) throw new Error("etcd is not running");
      return child.pid;
    },
    async kill(signal = "SIGKILL") {
      if (!child) return;
      child.kill(signal);
      if (signal === "SIGSTOP") await stopped(child.pid);
      if (signal === "SIGSTOP" || signal === "SIGCONT") return;
      await child.status;
      child = undefined;
    },
    start,
    async [Symbol.asyncDispose]() {
      if (child) {
        try {
          child.kill("SIGCONT");
          child.kill("SIGKILL");
        } catch {
          // It has already gone.
        }
        await child.status;
      }
      Deno.removeSync(dataDir, { recursive: true });
    },
  };
  return server;
}

/** Waits until every thread of a process that was sent SIGSTOP has stopped: that takes a moment. */
async function stopped(pid: number): Promise<void> {
  const isStopped = () =>
    [...Deno.readDirSync(`/proc/${pid}/task`)].every(({ name }) =>
      / [Tt] /.test(Deno.readTextFileSync(`/proc/${pid}/task/${name}/stat`).slice(0, 80))
    );
  const deadline = Date.now() + STOP_DEADLINE_MS;
  while (!isStopped()) {
    if (Date.now() > deadline) throw new Error(`process ${pid} did not stop`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * A loopback port that nothing listens on at this moment. None of those that Linux gives to
 * connections on their way out: one of them could take the port of an etcd that is away, and a
 * client that tries that port again and again could even come to talk to itself.
 */
export function freePort(): number {
  for (let attempt = 1;; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** An etcd accepts connections long before it serves; its metrics need neither TLS nor a user. */
async function hasLeader(metrics: string): Promise<boolean> {
  try {
    const answer = await fetch(`${metrics}/metrics`);
    return (await answer.text()).includes("\netcd_server_has_leader 1\n");
  } catch {
    return false;
  }
}
