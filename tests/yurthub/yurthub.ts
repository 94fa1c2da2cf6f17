import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { TestAuthority } from "../support/certificates.ts";
import { edgekeyd, type EdgekeydProcess, startEdgekeyd } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";
import { readStatus } from "../support/status.ts";
import { say } from "../support/say.ts";
import { ApiServer } from "./_apiserver.ts";
import { Clients } from "./_clients.ts";
import { CloudLife, give } from "./_cloud_life.ts";
import { compare, type Difference } from "./_compare.ts";
import { Hub, NODE } from "./_hub.ts";
import { BUSY_KINDS, customObjects, firstObjects } from "./_objects.ts";

const CHURN_MS = 60_000;
const OUTAGE_MS = 20_000;
const HUB_KILLS = 5;
const REWRITE_MS = 4_000;
/** Machines may be busy; the next resync, which would heal what the watch missed, is far off. */
const PATIENCE_MS = 90_000;
const RUN_MS = 900_000;
const SENSORS = "/apis/devices.example.com/v1/sensors";
const MANY_SENSORS = 250;

Deno.test("a real yurthub: at rest the pool holds what its cache does, and no warning stands", async (test) => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-yurthub-" });
  try {
    await using pool = await startEtcd();
    using etcd = disposable(rawEtcd(pool.endpoint));
    const authority = new TestAuthority(directory, "ca");
    await using cloud = await ApiServer.start(binary("kube-apiserver"), directory, authority);
    await give(cloud, firstObjects());
    await give(cloud, customObjects());
    await using hub = await Hub.start(binary("yurthub"), directory, cloud, authority);
    // Only what says which node, where, and where to: the defaults are what is tried.
    const flags = [
      `--cache-dir=${hub.cacheDir}`,
      `--state-dir=${directory}/state`,
      `--etcd-servers=${pool.endpoint}`,
      `--node-name=${NODE}`,
    ];
    await using daemon = new Daemon(["run", `--listen=unix:${directory}/api.sock`, ...flags]);
    const clients = new Clients(hub);
    const life = new CloudLife(cloud);
    const inStep = (why: string) => atRest(why, () => compare(hub.cacheDir, etcd), daemon);

    await test.step("objects that go while their directory stays busy go from the pool", async () => {
      const goners = ["pods", "services", "endpointslices", "sensors", "nodes"] as const;
      const objects = goners.flatMap((
        kind,
      ) => [BUSY_KINDS[kind]("gone-1"), BUSY_KINDS[kind]("gone-2")]);
      await give(cloud, objects);
      const isGone = async (name: string) =>
        (await etcd.getAll().prefix("/registry/").keys()).filter((key) => key.includes(`/${name}`));
      await until(
        "the pool has all of them",
        daemon,
        async () => (await isGone("gone-")).length === objects.length,
      );
      for (const { collection, name } of objects) {
        await cloud.request("DELETE", `${collection}/${name}?gracePeriodSeconds=0`);
      }
      await until(
        "the pool has none of them",
        daemon,
        async () => (await isGone("gone-")).length === 0,
      );
    });

    await test.step("a while of churn, then rest", async () => {
      await sleep(CHURN_MS);
      ok(life.deleted > 0, "nothing was deleted under churn");
    });

    await test.step("yurthub killed in the middle of list rewrites, edgekeyd too", async () => {
      await give(
        cloud,
        Array.from({ length: MANY_SENSORS }, (_, n) => BUSY_KINDS.sensors(`many-${n}`)),
      );
      let inRewrite = 0;
      for (let kill = 0; kill < HUB_KILLS; kill++) {
        const relisting = relistFor(clients, REWRITE_MS);
        if (await rewriteBegins(hub.cacheDir, REWRITE_MS)) inRewrite++;
        await hub.kill();
        if (kill === 2) {
          await daemon.end("SIGKILL");
          daemon.start();
        }
        await relisting;
        await hub.start();
      }
      say(`yurthub: ${HUB_KILLS} kills, ${inRewrite} in a rewrite`);
      ok(inRewrite > 0, "no kill met a rewrite");
    });

    await test.step("the cloud away for a while: its Events are nobody's fault", async () => {
      const before = clients.counts.events;
      await cloud.kill();
      await sleep(OUTAGE_MS);
      ok(clients.counts.events > before, "no Event was made while the cloud was away");
      await cloud.start();
      await sleep(OUTAGE_MS);
    });

    await life.stop();
    await clients.stop();
    const { wanted } = await inStep("at rest");
    const { statuses, lists, events } = clients.counts;
    say(`yurthub: ${wanted} keys; ${lists} lists, ${statuses} statuses, ${events} Events`);
    ok(wanted > MANY_SENSORS);

    await test.step("nothing is held back, invalid, in conflict or waiting", async () => {
      const { code, stdout, stderr } = await edgekeyd(["status", "-o", "json", ...flags]);
      const status = readStatus(stdout);
      deepStrictEqual(
        { code, notReady: status.notReady, conditions: status.conditions },
        { code: 0, notReady: [], conditions: [] },
        stderr,
      );
      strictEqual(status.state, "in-step");
    });
  } finally {
    if (Deno.env.get("EDGEKEYD_TEST_KEEP") === undefined) {
      Deno.removeSync(directory, { recursive: true });
    }
  }
});

/** The daemon, killed and started again, with all that it logs. */
class Daemon implements AsyncDisposable {
  log = "";
  readonly #args: readonly string[];
  #process: EdgekeydProcess;

  constructor(args: readonly string[]) {
    this.#args = args;
    this.#process = startEdgekeyd(args, { timeoutMs: RUN_MS });
  }

  start(): void {
    this.#process = startEdgekeyd(this.#args, { timeoutMs: RUN_MS });
  }

  async end(signal: Deno.Signal): Promise<void> {
    this.#process.kill(signal);
    this.log += (await this.#process.result).stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

/** Waits until cache and pool are the same, which they are once nothing changes any more. */
async function atRest(
  why: string,
  look: () => Promise<Difference>,
  daemon: Daemon,
): Promise<Difference> {
  let last: Difference | undefined;
  await until(`${why}: cache and pool are the same`, daemon, async () => {
    last = await look();
    const { missing, leftOver, otherBytes, backups } = last;
    return missing.length + leftOver.length + otherBytes.length + backups.length === 0;
  }, () => JSON.stringify(last, null, 1));
  if (!last) throw new Error("never looked");
  return last;
}

/** Asks for a list over and over: yurthub rewrites its directory each time. */
async function relistFor(clients: Clients, ms: number): Promise<void> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    await clients.relist("raven-agent-ds", SENSORS).catch(() => sleep(50));
  }
}

/** Waits for the backup of the list's directory. */
async function rewriteBegins(cacheDir: string, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  const backup = `${cacheDir}/raven-agent-ds/tmp_sensors.v1.devices.example.com`;
  while (performance.now() < deadline) {
    try {
      Deno.statSync(backup);
      return true;
    } catch {
      await sleep(0);
    }
  }
  return false;
}

async function until(
  what: string,
  daemon: Daemon,
  holds: () => Promise<boolean>,
  more: () => string = () => "",
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let error: unknown;
  while (performance.now() < deadline) {
    try {
      if (await holds()) return;
      error = undefined;
    } catch (thrown) {
      // A file that goes between its listing and its reading.
      error = thrown;
    }
    await sleep(200);
  }
  await daemon.end("SIGTERM");
  throw new Error(
    `not after ${PATIENCE_MS} ms: ${what}\n${more()}\n${error ?? ""}\n${daemon.log}`,
  );
}

function binary(name: string): string {
  const path = Deno.env.get(`EDGEKEYD_TEST_${name.toUpperCase().replace("-", "_")}`);
  if (path === undefined) throw new Error(`no ${name}: scripts/test builds it and names it`);
  return path;
}

function disposable<T extends { close(): void }>(client: T): T & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
