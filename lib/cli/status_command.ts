import { componentsOf } from "../agent/mod.ts";
import { EtcdError } from "../etcd/mod.ts";
import type { ComponentKeyCache } from "../keycache/mod.ts";
import { judgeFence, observe } from "../store/mod.ts";
import { findDaemon } from "./daemon.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { plural } from "./plural.ts";
import { statusPage } from "./status_page.ts";
import { clock, connectEtcd, withCache } from "./session.ts";
import { paint, type Terminal } from "./terminal.ts";

interface EtcdStatus {
  readonly endpoints: readonly string[];
  /** How long one read took; absent if etcd did not answer. */
  readonly latencyMs?: number;
  readonly revision?: string;
  readonly fence?: string;
  readonly error?: string;
}

/** `edgekeyd status`: what the daemon says; without one what the cache holds and etcd says. */
export async function statusCommand(options: Options, terminal: Terminal): Promise<number> {
  const daemon = await findDaemon(options, () => {});
  if (daemon) {
    if (options.output === "json") terminal.out(JSON.stringify(daemon.status));
    else statusPage(daemon.status, Date.now(), terminal);
    return EXIT.ok;
  }
  const status = await withCache(options, "peek", terminal.err, async (cache) => ({
    nodeName: cache.identity.nodeName,
    prefix: cache.identity.prefix,
    stateDir: options.stateDir,
    keys: cache.rows.size,
    components: componentsOf(cache),
    pendingKeys: cache.intent?.header.entries ?? 0,
    notOurs: [...cache.rows.values()].filter((row) => !row.ours).length,
    etcd: await etcdStatus(options, cache),
  }));
  if (options.output === "json") {
    terminal.out(JSON.stringify(status));
    return EXIT.ok;
  }
  const { etcd } = status;
  terminal.out(`node         ${status.nodeName} (keys under ${status.prefix})`);
  terminal.out(`state        ${status.stateDir}: ${plural(status.keys, "key")}`);
  terminal.out(`etcd         ${etcd.endpoints.join(", ")}`);
  if (etcd.error === undefined) {
    const good = etcd.fence === "in-step";
    const fence = paint(terminal, good ? "green" : "red", etcd.fence ?? "");
    terminal.out(`             revision ${etcd.revision}, ${etcd.latencyMs} ms, fence ${fence}`);
  } else terminal.out(`             ${paint(terminal, "red", etcd.error)}`);
  if (status.pendingKeys > 0) {
    terminal.out(
      `pending      a Txn of ${plural(status.pendingKeys, "key")}; --reconcile resolves it`,
    );
  }
  if (status.notOurs > 0) {
    terminal.out(
      `others'      ${plural(status.notOurs, "key")} with a value that this node did not write`,
    );
  }
  for (const { component, resources } of status.components) {
    terminal.out(`component    ${component}`);
    for (const { gvr, keys } of resources) terminal.out(`             ${keys} ${gvr}`);
  }
  return EXIT.ok;
}

async function etcdStatus(options: Options, cache: ComponentKeyCache): Promise<EtcdStatus> {
  const { life, fenceKey } = cache.identity;
  const endpoints = options.etcdServers;
  const etcd = await connectEtcd(options);
  try {
    const startMs = clock.monotonicMs();
    const seen = await observe(etcd, fenceKey, []);
    return {
      endpoints,
      latencyMs: Math.round(clock.monotonicMs() - startMs),
      revision: seen.revision,
      fence: judgeFence(seen.fence, life, cache.fence, cache.intent?.header).kind,
    };
  } catch (error) {
    if (error instanceof EtcdError) return { endpoints, error: error.message };
    throw error;
  } finally {
    etcd.close();
  }
}
