import { UsageError } from "./usage_error.ts";

/** How a flag's text is read. */
export type FlagKind = "boolean" | "text" | "list" | "duration" | "integer" | "choice";

/** A flag: the one place where its name, its reading, its default and its help stand. */
export interface Flag {
  readonly kind: FlagKind;
  readonly help: string;
  /** As a user would write it; undefined: none, or see the help. */
  readonly default?: string;
  readonly choices?: readonly string[];
  /** For integers, and for durations in ms. */
  readonly min?: number;
  readonly max?: number;
  /** Only for `--reconcile`, only for the daemon, or only for these two (`sync`). */
  readonly only?: "reconcile" | "run" | "sync";
  readonly alias?: string;
}

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
    help: "rebuild a lost cache: take over what the fs cache holds and an importer wrote",
    only: "sync",
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
  },
  "state-dir": {
    kind: "text",
    default: "/var/lib/edgekeyd",
    help: "where the component-key cache is kept",
  },
  "node-name": { kind: "text", help: "names this node's fence in etcd (default: the hostname)" },
  "components": {
    kind: "list",
    help: "look at these components only; keys of others are kept",
    only: "sync",
  },
  "exclude-resources": {
    kind: "list",
    help: "leave these out, as leases or leases[.v1].coordination.k8s.io; their keys are kept",
    only: "sync",
  },
  "etcd-servers": {
    kind: "text",
    default: "http://127.0.0.1:2379",
    help: "comma-separated; without a scheme https if a CA or certificate is given",
  },
  "etcd-cafile": { kind: "text", help: "the CA that signed etcd's certificate" },
  "etcd-certfile": { kind: "text", help: "our client certificate" },
  "etcd-keyfile": { kind: "text", help: "its private key" },
  "etcd-username": { kind: "text", help: "our etcd user" },
  "etcd-password-file": { kind: "text", help: "a file with its password" },
  "etcd-prefix": { kind: "text", default: "/registry", help: "prefix of all object keys" },
  "etcd-timeout": {
    kind: "duration",
    default: "5s",
    min: 10,
    max: 600_000,
    help: "deadline of one call; a large Txn gets more",
  },
  "etcd-max-txn-ops": {
    kind: "integer",
    default: "128",
    min: 3,
    max: 1_000_000,
    help: "etcd's own --max-txn-ops",
  },
  "etcd-max-request-bytes": {
    kind: "integer",
    default: "1572864",
    min: 4_096,
    max: 512 * MIB,
    help: "etcd's own --max-request-bytes",
  },
  "conflict-policy": {
    kind: "choice",
    choices: ["fresher", "skip"],
    default: "fresher",
    help: "fresher: replace another importer's older value; skip: never replace what is not ours",
    only: "sync",
  },
  "max-delete-percent": {
    kind: "integer",
    default: "50",
    min: 0,
    max: 100,
    help: "hold back deletes of more than this share of a component's keys (and more than 10)",
    only: "sync",
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
    help: "how long a directory must not have changed before an absence in it counts",
    only: "sync",
  },
  "max-object-bytes": {
    kind: "integer",
    min: 1,
    max: 512 * MIB,
    help: "leave out larger files (default: what fits one request)",
    only: "sync",
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
    help: "how often everything is held against etcd, to heal drift",
    only: "run",
  },
  "retry-max": {
    kind: "duration",
    default: "30s",
    min: 100,
    max: 3_600_000,
    help: "the longest pause between two tries while etcd is away",
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
  "help": { kind: "boolean", alias: "h", help: "show this" },
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

/**
 * Reads `true`, `false`, `1` or `0`.
 *
 * @throws {UsageError} for anything else
 */
export function readBoolean(source: string, text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new UsageError(`${source} takes true, false, 1 or 0`);
}

/**
 * Reads a whole number within the flag's limits.
 *
 * @throws {UsageError} if it is not one
 */
export function readInteger(source: string, text: string, { min = 0, max = 0 }: Flag): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${source} takes a whole number from ${min} to ${max}`);
  }
  return value;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Reads a duration such as `200ms`, `2s`, `10m`, `1h` or `0`, within the flag's limits.
 *
 * @returns ms
 * @throws {UsageError} if it is not one
 */
export function readDuration(source: string, text: string, { min = 0, max = 0 }: Flag): number {
  const match = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)$/.exec(text);
  const unit = UNIT_MS[match?.[2] ?? ""];
  const value = text === "0" ? 0 : match && unit ? Number(match[1]) * unit : NaN;
  if (!(value >= min && value <= max)) {
    throw new UsageError(
      `${source} takes a duration such as 500ms, 2s or 10m, from ${min}ms to ${max / 1_000}s`,
    );
  }
  return value;
}

/**
 * Reads one of the flag's choices.
 *
 * @throws {UsageError} for anything else
 */
export function readChoice(source: string, text: string, { choices = [] }: Flag): string {
  if (!choices.includes(text)) throw new UsageError(`${source} takes ${choices.join(" or ")}`);
  return text;
}
