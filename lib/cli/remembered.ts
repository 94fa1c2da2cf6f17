import { resolve } from "@std/path";
import { hasCache, type RememberedSettings } from "../keycache/mod.ts";
import { flag, FLAG_NAMES, type FlagName } from "./flags.ts";
import type { Options } from "./options.ts";
import { UsageError } from "./usage_error.ts";

/** What stands beside the flags: the cluster (decimal) that answered last, and the host's name. */
const CLUSTER = "cluster-id";
const HOSTNAME = "hostname";

/**
 * Refuses a daemon for which nobody ever named an etcd: it would fill whatever listens at the
 * default. What a run named that failed, is remembered to be shown, and does not count.
 *
 * @param options the flags
 * @throws {UsageError} then
 */
export function checkEtcdIsNamed({ given, stateDir, remembered }: Options): void {
  // A cache beside which nothing is remembered is an earlier edgekeyd's, which went by the default.
  const isEarlier = hasCache(stateDir) && Object.keys(remembered).length === 0;
  if (given.has("etcd-servers") || hasAnswered(remembered) || isEarlier) return;
  throw new UsageError(
    "nobody named an etcd, and none is written to unasked: give --etcd-servers, or set " +
      "EDGEKEYD_ETCD_SERVERS (for the service in /etc/default/edgekeyd)",
  );
}

/**
 * What a state directory is to remember at once, though no etcd has answered yet: whose it is, and
 * which fs cache and etcd were named, so that `status` speaks of these, and what it advises can be
 * done without flags.
 *
 * @param options for whom it is made
 * @param isBorn it is made now
 * @returns undefined if there is nothing new: an etcd that has answered counts
 */
export function knownAtOnce(options: Options, isBorn: boolean): RememberedSettings | undefined {
  const { hostname, nodeName, remembered, given } = options;
  const born = isBorn ? { ...remembered, [HOSTNAME]: hostname, "node-name": nodeName } : remembered;
  if (!given.has("etcd-servers") || hasAnswered(remembered)) return isBorn ? born : undefined;
  const settings: Record<string, string> = { ...born };
  for (const name of FLAG_NAMES) {
    const { remembered: scope } = flag(name);
    if (scope !== "etcd" && scope !== "cache") continue;
    const text = textOf(options, name);
    if (text !== undefined) settings[name] = text;
    else delete settings[name];
  }
  return settings;
}

/**
 * What the state directory is to remember of a run.
 *
 * @param options how it was set up
 * @param before what is remembered so far
 * @param by `run`: the daemon's settings count, all of them; else a command's, which may be meant
 * for this once, so that of how to reconcile the daemon's stay
 * @param clusterId the cluster that answered (decimal); undefined: none did, and what has to do with
 * etcd stays as it was if one did before
 */
export function toRemember(
  options: Options,
  before: RememberedSettings,
  by: "run" | "command",
  clusterId: string | undefined,
): RememberedSettings {
  const settings: Record<string, string> = {};
  for (const name of FLAG_NAMES) {
    const { remembered: scope } = flag(name);
    if (scope === undefined) continue;
    const stays = (scope === "run" && by === "command") ||
      (scope === "etcd" && clusterId === undefined && hasAnswered(before));
    const text = stays ? before[name] : textOf(options, name);
    if (text !== undefined) settings[name] = text;
  }
  settings[HOSTNAME] = options.hostname;
  const cluster = clusterId ?? before[CLUSTER];
  if (cluster !== undefined) settings[CLUSTER] = cluster;
  return settings;
}

/** What was named has never proven right, and gives way to what is named now. */
function hasAnswered(remembered: RememberedSettings): boolean {
  return rememberedCluster(remembered) !== undefined;
}

/** The cluster (decimal) that answered last; undefined if none did yet. */
export function rememberedCluster(remembered: RememberedSettings): string | undefined {
  return remembered[CLUSTER];
}

/**
 * Whether other endpoints were given than those that are remembered, and have answered.
 *
 * @param options the flags
 */
export function namesOtherEndpoints({ etcdServers, remembered }: Options): boolean {
  const known = hasAnswered(remembered) ? remembered["etcd-servers"] : undefined;
  return known !== undefined && known.split(",").sort().join() !== [...etcdServers].sort().join();
}

/**
 * Whether none of the endpoints is one of those that are remembered: one more or less is the same
 * etcd, or should be.
 *
 * @param options the flags
 */
export function isElsewhere({ etcdServers, remembered }: Options): boolean {
  const known = remembered["etcd-servers"]?.split(",");
  return known !== undefined && !etcdServers.some((endpoint) => known.includes(endpoint));
}

/**
 * What is to be said if the host has another name than when its node got its own.
 *
 * @param options the flags
 * @param nodeName whose state it is
 * @returns one line; undefined if there is nothing to say
 */
export function renamedHost(options: Options, nodeName: string): string | undefined {
  const { given, hostname, remembered } = options;
  const before = remembered[HOSTNAME];
  // What the host was called that nobody remembers, nobody knows: a node's name may have been given.
  if (before === undefined) return undefined;
  if (given.has("node-name") || nodeName === hostname || before === hostname) return undefined;
  return `this host is called ${hostname} now; its node goes on as ${nodeName}, which the state ` +
    `directory belongs to (--node-name)`;
}

/**
 * A flag's value as it counts, whoever named it.
 *
 * @param options the flags, and what was remembered in their place
 * @param name the flag
 * @returns its text, paths in full; undefined if it goes by its default
 */
export function textOf(options: Options, name: FlagName): string | undefined {
  switch (name) {
    case "etcd-servers":
      return options.etcdServers.join();
    case "cache-dir":
      return options.cacheDir;
    case "node-name":
      return options.nodeName;
    case "etcd-prefix":
      return options.etcdPrefix;
  }
  const text = options.texts.get(name);
  // Who recalls it may stand in another directory.
  return text !== undefined && flag(name).isPath ? resolve(text) : text;
}
