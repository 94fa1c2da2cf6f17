import { Agent, makeLog } from "../agent/mod.ts";
import { holdStateDirectory, type StateDirectory } from "../keycache/mod.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { reconcileOptionsOf } from "./reconcile_options.ts";
import { cacheOptionsOf, connectEtcd, storeContext } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** `edgekeyd` or `edgekeyd run`: the daemon. */
export async function runCommand(options: Options, terminal: Terminal): Promise<number> {
  const log = makeLog(options.logFormat, (line) => terminal.err(line), () => new Date());
  const directory = await holdStateDirectory(options.stateDir, options.lockTimeoutMs);
  try {
    const openCache = () => openLogged(directory, options, log);
    const agent = new Agent(
      {
        reconcile: reconcileOptionsOf(options),
        debounceMs: options.debounceMs,
        resyncIntervalMs: options.resyncIntervalMs,
        retryMaxMs: options.retryMaxMs,
      },
      {
        openCache,
        connect: () => connectEtcd(options),
        store: (cache, etcd) => storeContext(options, cache, etcd),
        log,
        beat: () => {},
        changed: () => {},
        random: Math.random,
      },
      await openCache(),
    );
    const stop = () => agent.stop();
    const reload = () => agent.reload();
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, stop);
    Deno.addSignalListener("SIGHUP", reload);
    await agent.run();
    return EXIT.ok;
  } finally {
    directory.release();
  }
}

async function openLogged(
  directory: StateDirectory,
  options: Options,
  log: ReturnType<typeof makeLog>,
) {
  const { cache, movedAside } = await directory.openCache(cacheOptionsOf(options));
  if (movedAside) log("error", "the component-key cache was damaged; moved aside", { movedAside });
  return cache;
}
