import {
  KeyCacheError,
  readSettings,
  type RememberedSettings,
  settingsPath,
} from "../keycache/mod.ts";
import type { Arguments, FlagText } from "./arguments.ts";
import { flag, FLAG_NAMES, type FlagName } from "./flags.ts";

/** What belongs to one certificate: a half that is given is not made whole by another's half. */
const CERTIFICATE: readonly FlagName[] = ["etcd-certfile", "etcd-keyfile"];

/** A command line with what the state directory remembers in the place of what was not given. */
export interface Recalled {
  readonly args: Arguments;
  readonly remembered: RememberedSettings;
}

/**
 * Fills what was not given with what the state directory remembers. Where `--etcd-servers` is
 * given, nothing else about etcd, and nothing about how the daemon reconciles, is taken from there:
 * it may belong to another etcd. A daemon that is given `--etcd-servers` takes from there only whose
 * node it is.
 *
 * @param args what was given, by flag or environment
 * @param stateDir the state directory
 * @param isRun this is to be the daemon
 * @throws {KeyCacheError} `damaged` if what is remembered is needed and can't be read
 */
export function recall(args: Arguments, stateDir: string, isRun: boolean): Recalled {
  const { texts } = args;
  const isNamed = texts.has("etcd-servers");
  const remembered = settingsIn(stateDir, isNamed);
  const source = settingsPath(stateDir);
  const filled = new Map<FlagName, FlagText>(texts);
  for (const name of FLAG_NAMES) {
    const { remembered: scope } = flag(name);
    const text = remembered[name];
    if (scope === undefined || text === undefined || filled.has(name)) continue;
    if (isNamed && (scope === "etcd" || scope === "run" || (isRun && scope === "cache"))) continue;
    if (CERTIFICATE.includes(name) && CERTIFICATE.some((one) => texts.has(one))) continue;
    if (name === "etcd-password-file" && isAnothers(texts, remembered)) continue;
    filled.set(name, { source: `${name} in ${source}`, text, explicit: false });
  }
  return { args: { ...args, texts: filled }, remembered };
}

/** The password that is remembered is no other user's. */
function isAnothers(texts: Arguments["texts"], remembered: RememberedSettings): boolean {
  const username = texts.get("etcd-username")?.text;
  return username !== undefined && username !== remembered["etcd-username"];
}

function settingsIn(stateDir: string, isNamed: boolean): RememberedSettings {
  try {
    return readSettings(stateDir) ?? {};
  } catch (error) {
    // Who names an etcd can do without what is damaged, and it is written anew. Of what can't be read
    // now nobody knows what it says.
    if (isNamed && error instanceof KeyCacheError && error.reason !== "io") return {};
    throw error;
  }
}
