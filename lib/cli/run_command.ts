import { dirname } from "@std/path";
import {
  API_LIMITS,
  apiRoutes,
  type ApiServer,
  dispatcher,
  serveSocket,
} from "../agent/api/mod.ts";
import {
  Agent,
  type AgentClock,
  beatingEtcd,
  type Condition,
  createMetrics,
  type Log,
  makeLog,
  measuredEtcd,
  measuredKv,
  METRICS_CONTENT_TYPE,
  type Notifier,
  Reloads,
  statusWords,
  systemdNotifier,
} from "../agent/mod.ts";
import { longestCallMs } from "../etcd/mod.ts";
import { identifyRoot, watchCache } from "../fscache/mod.ts";
import {
  checkRoom,
  holdStateDirectory,
  type StateDirectory,
  type WrapStore,
} from "../keycache/mod.ts";
import { DaemonMemory } from "./daemon_memory.ts";
import { EXIT } from "./exit_code.ts";
import { presentable } from "./internal_error.ts";
import { isJournal } from "./journal.ts";
import type { Options } from "./options.ts";
import { reconcileOptionsOf } from "./reconcile_options.ts";
import {
  cacheOptionsOf,
  clock,
  connectEtcd,
  credentialExposures,
  credentialStamp,
  storeContext,
} from "./session.ts";
import { setupOf } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { unmatchedNames } from "./unmatched_names.ts";
import { versionFacts } from "./version.ts";

/** What the loop is doing may take this long when it is told to stop; then its intent stays. */
const STOP_MS = 1_500;
/** Answers that are under way get this long when it ends. */
const CLOSE_MS = 200;

/** `edgekeyd` or `edgekeyd run`: the daemon. */
export async function runCommand(options: Options, terminal: Terminal): Promise<number> {
  const { logFormat } = options;
  const isForJournal = logFormat === "text" && isJournal((name) => Deno.env.get(name));
  const format = isForJournal ? "journal" : logFormat;
  const log = makeLog(format, (line) => terminal.err(line), () => new Date());
  const notifier = openNotifier(options, log);
  const reloads = new Reloads(notifier);
  const directory = await holdStateDirectory(
    options.stateDir,
    options.lockTimeoutMs,
    options.socketPath,
  );
  let server: ApiServer | undefined;
  try {
    const setup = setupOf(options);
    const metrics = await createMetrics({ ...versionFacts() });
    const memory = new DaemonMemory(options, directory, log);
    const openCache = () =>
      openLogged(directory, options, log, (store) =>
        measuredKv(store, (bytes) => {
          metrics.committed(bytes);
          notifier.beat();
        }));
    const agent = new Agent(
      {
        reconcile: reconcileOptionsOf(options),
        setup,
        clusterId: memory.clusterId,
        version: versionFacts().version,
        rejoin: options.rejoin,
        debounceMs: options.debounceMs,
        resyncIntervalMs: options.resyncIntervalMs,
        retryMaxMs: options.retryMaxMs,
        beatMs: notifier.beatMs,
      },
      {
        openCache,
        checkFiles: () => directory.check(),
        checkRoom: () => checkRoom(options.stateDir),
        connect: async () => {
          try {
            const etcd = await connectEtcd(options);
            return measuredEtcd(etcd, metrics.etcd, clock.monotonicMs);
          } finally {
            reloads.end();
          }
        },
        credentials: () => credentialStamp(options),
        exposures: () => credentialExposures(options),
        store: (cache, etcd) => {
          const alive = beatingEtcd(etcd, () => notifier.beat());
          return storeContext(options, cache, alive, memory.home);
        },
        home: () => memory.home,
        clock: beating(clock, notifier),
        log,
        watch: (hint) => watchCache(options.cacheDir, hint, options.socketPath),
        identifyRoot: () => identifyRoot(options.cacheDir),
        beat: () => notifier.beat(),
        changed: (conditions) => showStatus(conditions),
        random: Math.random,
      },
      await openCache(),
    );
    const showStatus = (conditions: readonly Condition[]) =>
      notifier.status(statusWords(conditions, agent.cache.rows.size));
    const routes = apiRoutes({
      agent,
      metrics: () => metrics.text(agent.known),
      metricsType: METRICS_CONTENT_TYPE,
      version: versionFacts().version,
    });
    const answer = dispatcher(routes, API_LIMITS, presentable);
    server = await serveSocket(options.socketPath, answer, {
      isOurs: !options.given.has("listen"),
      failed: (reason) => log("warning", "a connection to the API can't be taken", { reason }),
    });
    const { promise: overdue, resolve: giveUp } = Promise.withResolvers<void>();
    let stoppedBy: Deno.Signal | undefined;
    const stop = (signal: Deno.Signal) => {
      stoppedBy ??= signal;
      reloads.drop();
      notifier.stopping();
      agent.stop();
      setTimeout(giveUp, STOP_MS);
    };
    const reload = () => {
      if (stoppedBy) return;
      reloads.begin();
      agent.reload();
    };
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => stop(signal));
    }
    Deno.addSignalListener("SIGHUP", reload);
    log("info", "started", {
      version: versionFacts().version,
      node: agent.cache.identity.nodeName,
      cacheDir: options.cacheDir,
      stateDir: setup.stateDir,
      etcd: setup.endpoints.join(),
      listen: `unix:${options.socketPath}`,
    });
    memory.begin(agent.cache.identity);
    for (const text of unmatchedNames(options)) log("warning", text);
    showStatus(agent.conditions);
    notifier.ready();
    await Promise.race([agent.run(), overdue]);
    memory.end();
    log("info", "stopped", { signal: stoppedBy, pendingKeys: agent.cache.intent?.header.entries });
    return EXIT.ok;
  } finally {
    reloads.drop();
    await Promise.race([server?.close(), clock.sleep(CLOSE_MS)]);
    // The lock goes with the process: the loop may still be at work.
    await notifier.close();
  }
}

/** Nothing is told where no service manager listens. */
function openNotifier(options: Options, log: Log): Notifier {
  const notifier = systemdNotifier({
    env: (name) => Deno.env.get(name),
    pid: Deno.pid,
    directory: Deno.env.get("RUNTIME_DIRECTORY") ?? dirname(options.socketPath),
    monotonicMs: clock.monotonicMs,
    uptimeSeconds: () => Deno.osUptime(),
    failed: (reason) => log("error", "systemd can't be told how we are", { reason }),
  });
  const longestMs = longestCallMs(options.etcdTimeoutMs, options.etcdMaxRequestBytes);
  if (notifier.watchdogMs !== undefined && notifier.watchdogMs < longestMs) {
    log("warning", "WatchdogSec is shorter than a call to etcd may take; make it longer", {
      watchdogSeconds: notifier.watchdogMs / 1_000,
      callSeconds: Math.ceil(longestMs / 1_000),
    });
  }
  return notifier;
}

/** A scan makes progress slice by slice. */
function beating(clock: AgentClock, notifier: Notifier): AgentClock {
  const pause = () => {
    notifier.beat();
    return clock.pause();
  };
  return { ...clock, pause };
}

async function openLogged(
  directory: StateDirectory,
  options: Options,
  log: Log,
  wrap: WrapStore,
) {
  const { cache, movedAside } = await directory.openCache(cacheOptionsOf(options), wrap);
  if (movedAside) log("error", "the component-key cache was damaged; moved aside", { movedAside });
  return cache;
}
