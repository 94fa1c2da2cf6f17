import { itemWords, type NodeClient } from "../agent/mod.ts";
import { EdgekeydError } from "../errors.ts";
import { DenoFileSystem, namesInRoot } from "../fscache/mod.ts";
import { fenceKeyOf, hasCache } from "../keycache/mod.ts";
import { readFence } from "../store/mod.ts";
import { EXIT } from "./exit_code.ts";
import { findNode } from "./find_node.ts";
import { envName, FLAG_NAMES } from "./flags.ts";
import { installedUnit } from "./idle_service.ts";
import type { Options } from "./options.ts";
import { printAnswer } from "./output.ts";
import { checkEtcdIsNamed } from "./remembered.ts";
import { connectEtcd } from "./session.ts";
import { areSettingsClosed, SERVICE_SETTINGS, serviceSetting } from "./service_settings.ts";
import { paint, type Terminal } from "./terminal.ts";

/** One thing that was looked at. */
interface Check {
  readonly check: "settings" | "cache" | "state" | "etcd" | "run" | "node" | "unit";
  readonly ok: boolean;
  /** What was found; if it is not in order, what to do as well. */
  readonly says: string;
}

/** How many conditions of one kind are shown by item. */
const MAX_ITEMS = 3;

/**
 * `edgekeyd check`: whether settings, files, etcd, rights and the unit fit together. Nothing is
 * written.
 */
export async function checkCommand(options: Options, terminal: Terminal): Promise<number> {
  const found = [settings(options), cache(options), state(options), await etcd(options)];
  // Else a run would fail with what is said already.
  if (found.every(({ ok }) => ok)) found.push(...await run(options, terminal));
  const checks = [...found, unit()];
  const isFine = checks.every(({ ok }) => ok);
  printAnswer(options, terminal, { checks }, () => {
    for (const { check, ok, says } of checks) {
      const mark = ok ? paint(terminal, "green", "✓") : paint(terminal, "red", "✗");
      terminal.out(`${mark} ${check.padEnd(10)}${says}`);
    }
  });
  if (isFine) return EXIT.ok;
  const wrong = new Set(checks.filter(({ ok }) => !ok).map(({ check }) => check));
  terminal.err(`edgekeyd: not in order: ${[...wrong].join(", ")}`);
  return EXIT.failed;
}

/** Runs one look; what fails in a way that is foreseen is what it says. */
function attempt(check: Check["check"], look: () => string): Check {
  try {
    return { check, ok: true, says: look() };
  } catch (error) {
    return failed(check, error);
  }
}

function failed(check: Check["check"], error: unknown): Check {
  if (!(error instanceof EdgekeydError)) throw error;
  return { check, ok: false, says: error.message };
}

/** Whether an etcd is named, and the service goes by the same settings. */
function settings(options: Options): Check {
  const others = FLAG_NAMES.flatMap((name) => {
    const text = serviceSetting(name);
    return text === undefined || text === options.texts.get(name) ? [] : [envName(name)];
  });
  if (others.length > 0) {
    const says = `${SERVICE_SETTINGS} has other settings than these: ${others.join(", ")}. To ` +
      `check what the service has: (set -a; . ${SERVICE_SETTINGS}; edgekeyd check)`;
    return { check: "settings", ok: false, says };
  }
  return attempt("settings", () => {
    if (state(options).ok) checkEtcdIsNamed(options);
    const { nodeName, etcdPrefix, etcdServers } = options;
    return `node ${nodeName}, keys under ${etcdPrefix}, etcd at ${etcdServers.join(", ")}`;
  });
}

/** Whether the fs cache is there. */
function cache({ cacheDir }: Options): Check {
  return attempt("cache", () => {
    const names = [...namesInRoot(new DenoFileSystem(cacheDir), cacheDir)].sort();
    const found = names.length === 0 ? "no component yet" : `components ${names.join(", ")}`;
    return `${cacheDir}: ${found}`;
  });
}

/** Whether the state directory is one that can be trusted. */
function state({ stateDir }: Options): Check {
  return attempt(
    "state",
    () => hasCache(stateDir) ? `${stateDir} holds a cache` : `${stateDir} has no cache yet`,
  );
}

/** Whether etcd answers, and lets us in. */
async function etcd(options: Options): Promise<Check> {
  try {
    const etcd = await connectEtcd(options);
    try {
      const { revision, clusterId } = await readFence(etcd, fenceKeyOf(options.nodeName));
      const says = `it answers at revision ${revision}, cluster ${clusterId}`;
      return { check: "etcd", ok: true, says };
    } finally {
      etcd.close();
    }
  } catch (error) {
    return failed("etcd", error);
  }
}

/** Whether a run would come to its end, also by what etcd lets us write. */
async function run(options: Options, terminal: Terminal): Promise<Check[]> {
  try {
    const silent = { ...terminal, err() {} };
    const node = await findNode(options, silent, { anyFlags: true, quick: true });
    const { report, failure } = await node.ask("POST /v1/reconcile", { query: { dryRun: true } });
    if (failure) return [{ check: "run", ok: false, says: failure.message }];
    const { created, updated, deleted } = report;
    const says = `it would create ${created}, update ${updated} and delete ${deleted} keys`;
    const dry: Check = { check: "run", ok: true, says };
    return hasCache(options.stateDir) ? [dry, ...await conditions(node)] : [dry];
  } catch (error) {
    return [failed("run", error)];
  }
}

/** What `status` says, if this node has run before. */
async function conditions(node: NodeClient): Promise<Check[]> {
  const { conditions, state } = await node.ask("GET /v1/status");
  if (conditions.length === 0) {
    return [{ check: "node", ok: true, says: `${state}, as status says` }];
  }
  return conditions.map(({ words, items, advice }) => {
    // Some conditions have the reason of their one item as their words.
    const others = items.filter(({ reason }) => reason !== words);
    const named = others.slice(0, MAX_ITEMS).map(itemWords).filter((item) => item !== "");
    const more = others.length > MAX_ITEMS ? [`${others.length - MAX_ITEMS} more`] : [];
    const details = [...named, ...more, advice].join("; ");
    return { check: "node", ok: false, says: `${words} (${details})` };
  });
}

/** Whether a service is installed here that could start. */
function unit(): Check {
  const installed = installedUnit();
  if (installed === undefined) {
    return { check: "unit", ok: true, says: "no service is installed on this machine" };
  }
  if (serviceSetting("etcd-servers") !== undefined) {
    return { check: "unit", ok: true, says: `${installed} is installed and names its etcd` };
  }
  if (areSettingsClosed()) {
    const says =
      `${installed} is installed; only root can read in ${SERVICE_SETTINGS} whether it ` +
      "names an etcd";
    return { check: "unit", ok: true, says };
  }
  const says = `${installed} is installed and names no etcd: set EDGEKEYD_ETCD_SERVERS in ` +
    `${SERVICE_SETTINGS}, then systemctl enable --now edgekeyd`;
  return { check: "unit", ok: false, says };
}
