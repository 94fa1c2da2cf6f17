import type { CONFLICT_POLICIES } from "../store/mod.ts";
import type { Flag } from "./flag.ts";

const DAY_MS = 24 * 3_600_000;
const MIB = 1024 * 1024;

/** All flags by name, in the order in which `--help` shows them. */
export const FLAGS = {
  "reconcile": { kind: "boolean", help: "bring etcd in step with the fs cache once, then exit" },
  "dry-run": {
    kind: "boolean",
    help: "show what would be done; write nothing",
    only: "reconcile",
  },
  "adopt": {
    kind: "boolean",
    help:
      "if the state directory was lost: take over keys in etcd whose objects the fs cache holds",
    only: "sync",
    setting: true,
  },
  "rejoin": {
    kind: "boolean",
    help: "if this node was retired: let it take part in the pool again",
    only: "sync",
    setting: true,
  },
  "output": {
    kind: "choice",
    choices: ["text", "json"],
    default: "text",
    alias: "o",
    help: "how to print",
  },
  "cache-dir": {
    kind: "text",
    default: "/etc/kubernetes/cache",
    help: "the fs cache that yurthub writes",
    setting: true,
    remembered: "cache",
  },
  "state-dir": {
    kind: "text",
    default: "/var/lib/edgekeyd",
    help: "where the component-key cache is kept",
  },
  "node-name": {
    kind: "text",
    help: "names this node's fence in etcd (default: the hostname)",
    remembered: "identity",
  },
  "components": {
    kind: "list",
    help: "look at these components only; keys of others are kept",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "exclude-resources": {
    kind: "list",
    help: "leave these out, as leases or leases[.v1].coordination.k8s.io; their keys are kept",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "include-secrets": {
    kind: "boolean",
    help: "import core Secrets too; else they are left out, and let go if they were imported",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "etcd-servers": {
    kind: "text",
    default: "http://127.0.0.1:2379",
    help: "comma-separated; without a scheme https if a CA or certificate is given",
    setting: true,
    remembered: "etcd",
  },
  "etcd-cafile": {
    kind: "text",
    help: "the CA that signed etcd's certificate",
    setting: true,
    remembered: "etcd",
    isPath: true,
  },
  "etcd-certfile": {
    kind: "text",
    help: "our client certificate",
    setting: true,
    remembered: "etcd",
    isPath: true,
  },
  "etcd-keyfile": {
    kind: "text",
    help: "its private key",
    setting: true,
    remembered: "etcd",
    isPath: true,
  },
  "etcd-username": { kind: "text", help: "our etcd user", setting: true, remembered: "etcd" },
  "etcd-password-file": {
    kind: "text",
    help: "a file with its password",
    setting: true,
    remembered: "etcd",
    isPath: true,
  },
  "etcd-prefix": {
    kind: "text",
    default: "/registry",
    help: "prefix of all object keys",
    remembered: "identity",
  },
  "etcd-timeout": {
    kind: "duration",
    default: "5s",
    min: 10,
    max: 600_000,
    help: "deadline of one call; a large Txn gets more",
    setting: true,
    remembered: "etcd",
  },
  "etcd-max-txn-ops": {
    kind: "integer",
    default: "128",
    min: 3,
    max: 1_000_000,
    help: "etcd's own --max-txn-ops",
    setting: true,
    remembered: "etcd",
  },
  "etcd-max-request-bytes": {
    kind: "integer",
    default: "1572864",
    min: 4_096,
    max: 512 * MIB,
    help: "etcd's own --max-request-bytes",
    setting: true,
    remembered: "etcd",
  },
  "conflict-policy": {
    kind: "choice",
    choices: ["fresher", "skip", "owner"] satisfies typeof CONFLICT_POLICIES,
    default: "fresher",
    help: "fresher: replace another importer's older value; skip: never replace what is not " +
      "ours; owner: replace any importer's with what the files say, newer or not",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "max-delete-percent": {
    kind: "integer",
    default: "50",
    min: 0,
    max: 100,
    help: "hold back deletes of more than this share of a component's keys (and more than 10)",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "confirm-deletes": {
    kind: "boolean",
    help: "go on with deletes that are held back, once",
    only: "reconcile",
  },
  "require-single-txn": {
    kind: "boolean",
    help: "refuse, before anything is written, a group that needs more than one Txn",
    only: "reconcile",
  },
  "settle-time": {
    kind: "duration",
    default: "2s",
    min: 0,
    max: 3_600_000,
    help: "how long a file must be missing before its key is let go",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "max-object-bytes": {
    kind: "integer",
    min: 1,
    max: 512 * MIB,
    help: "leave out larger files (default: what fits one request)",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "max-component-keys": {
    kind: "integer",
    default: "100000",
    min: 1,
    max: 10_000_000,
    help: "hold back what would give a component more keys",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "max-component-bytes": {
    kind: "integer",
    default: "268435456",
    min: 1,
    max: 1_024 * 1_024 * MIB,
    help: "hold back what would give a component more bytes",
    only: "sync",
    setting: true,
    remembered: "run",
  },
  "listen": {
    kind: "text",
    default: "unix:/run/edgekeyd/api.sock",
    help: "the daemon's API socket; never a TCP port",
  },
  "debounce": {
    kind: "duration",
    default: "200ms",
    min: 0,
    max: 60_000,
    help: "how long the cache must be quiet before a change is taken up",
    only: "run",
  },
  "resync-interval": {
    kind: "duration",
    default: "10m",
    min: 1_000,
    max: DAY_MS,
    help: "how often all keys are compared with etcd, and put right where they differ",
    only: "run",
  },
  "retry-max": {
    kind: "duration",
    default: "30s",
    min: 100,
    max: 3_600_000,
    help: "the longest pause after a pass that failed",
    only: "run",
  },
  "log-format": {
    kind: "choice",
    choices: ["text", "json"],
    default: "text",
    help: "how the daemon logs",
    only: "run",
  },
  "lock-timeout": {
    kind: "duration",
    default: "30s",
    min: 0,
    max: DAY_MS,
    help: "how long to wait for another edgekeyd that holds the state directory",
  },
  "help": {
    kind: "boolean",
    alias: "h",
    help: "show all commands and flags; after a command, what goes with it",
  },
  "version": { kind: "boolean", help: "show the version" },
} as const satisfies Record<string, Flag>;

/** The name of a flag, without its hyphens. */
export type FlagName = keyof typeof FLAGS;

/** The names of all flags. */
export const FLAG_NAMES = Object.keys(FLAGS) as FlagName[];

/** What is known of a flag, whichever it is. */
export function flag(name: FlagName): Flag {
  return FLAGS[name];
}

/** The environment variable that stands in for a flag: `EDGEKEYD_CACHE_DIR`. */
export function envName(name: FlagName): string {
  return `EDGEKEYD_${name.toUpperCase().replaceAll("-", "_")}`;
}
