import { resolve } from "@std/path";
import { checkTlsFlags, EtcdConfigError, parseEndpoints, type TlsFiles } from "../etcd/mod.ts";
import type { ConflictPolicy } from "../store/mod.ts";
import type { Arguments } from "./arguments.ts";
import {
  flag,
  FLAG_NAMES,
  type FlagName,
  readBoolean,
  readChoice,
  readDuration,
  readInteger,
} from "./flags.ts";
import { UsageError } from "./usage_error.ts";

/** Every flag's value, checked. Times are in ms, sizes in bytes, paths absolute. */
export interface Options {
  /** Texts of the flags that were given, on the command line or in the environment. */
  readonly given: ReadonlyMap<FlagName, string>;
  readonly reconcile: boolean;
  readonly dryRun: boolean;
  readonly adopt: boolean;
  readonly output: "text" | "json";
  readonly cacheDir: string;
  readonly stateDir: string;
  readonly nodeName: string;
  readonly components: ReadonlySet<string> | undefined;
  readonly excludeResources: ReadonlySet<string> | undefined;
  readonly etcdServers: readonly string[];
  readonly etcdCaFile: string | undefined;
  readonly etcdCertFile: string | undefined;
  readonly etcdKeyFile: string | undefined;
  readonly etcdUsername: string | undefined;
  readonly etcdPasswordFile: string | undefined;
  readonly etcdPrefix: string;
  readonly etcdTimeoutMs: number;
  readonly etcdMaxTxnOps: number;
  readonly etcdMaxRequestBytes: number;
  readonly conflictPolicy: ConflictPolicy;
  readonly maxDeletePercent: number;
  readonly confirmDeletes: boolean;
  readonly requireSingleTxn: boolean;
  readonly settleMs: number;
  readonly maxObjectBytes: number;
  readonly lockTimeoutMs: number;
  /** Path of the API's unix socket. */
  readonly socketPath: string;
  readonly debounceMs: number;
  readonly resyncIntervalMs: number;
  readonly retryMaxMs: number;
  readonly logFormat: "text" | "json";
}

const NODE_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const PREFIX = /^(\/[A-Za-z0-9._-]+)+$/;
const PREFIX_MAX_CHARS = 256;
const READ_ONLY_COMMANDS: ReadonlySet<string> = new Set(["keys", "owners", "status", "verify"]);

/**
 * Reads and checks all flags.
 *
 * @param args the command line
 * @param hostname the default of `--node-name`
 * @throws {UsageError} for the first value that is wrong
 */
export function readOptions(args: Arguments, hostname: () => string): Options {
  const reader = new Reader(args);
  const reconcile = reader.boolean("reconcile");
  const [command = "run"] = args.words;
  if (reader.boolean("confirm-deletes") && !reconcile && command === "run") {
    throw new UsageError(
      "--confirm-deletes (or EDGEKEYD_CONFIRM_DELETES) confirms once and does not go with run; " +
        "beside the daemon run `edgekeyd --reconcile --confirm-deletes`",
    );
  }
  for (const name of FLAG_NAMES) {
    const { only } = flag(name);
    if (only === undefined || !args.texts.get(name)?.explicit) continue;
    if (reconcile ? only === "run" : command !== "run" || only === "reconcile") {
      throw new UsageError(
        `--${name} goes with ` +
          { reconcile: "--reconcile", run: "run", sync: "--reconcile or run" }[only],
      );
    }
  }
  if (reader.boolean("dry-run") && !reconcile && !READ_ONLY_COMMANDS.has(command)) {
    throw new UsageError(`--dry-run (or EDGEKEYD_DRY_RUN) goes with --reconcile, not ${command}`);
  }
  const etcdCaFile = reader.text("etcd-cafile");
  const etcdCertFile = reader.text("etcd-certfile");
  const etcdKeyFile = reader.text("etcd-keyfile");
  const etcdUsername = reader.text("etcd-username");
  const etcdPasswordFile = reader.text("etcd-password-file");
  together("--etcd-certfile", etcdCertFile, "--etcd-keyfile", etcdKeyFile);
  const etcdServers = endpoints(reader.required("etcd-servers"), {
    ...(etcdCaFile !== undefined && { caFile: etcdCaFile }),
    ...(etcdCertFile !== undefined && { certFile: etcdCertFile }),
    ...(etcdKeyFile !== undefined && { keyFile: etcdKeyFile }),
  });
  together("--etcd-username", etcdUsername, "--etcd-password-file", etcdPasswordFile);
  const cacheDir = resolve(reader.required("cache-dir"));
  const stateDir = resolve(reader.required("state-dir"));
  if (`${stateDir}/`.startsWith(`${cacheDir}/`)) {
    throw new UsageError("--state-dir must not be inside --cache-dir");
  }
  const maxRequestBytes = reader.integer("etcd-max-request-bytes");
  return {
    given: new Map([...args.texts].map(([name, { text }]) => [name, text])),
    reconcile,
    dryRun: reader.boolean("dry-run"),
    adopt: reader.boolean("adopt"),
    output: reader.choice("output") === "json" ? "json" : "text",
    cacheDir,
    stateDir,
    nodeName: nodeName(reader.text("node-name") ?? hostname().toLowerCase()),
    components: reader.list("components"),
    excludeResources: reader.list("exclude-resources"),
    etcdServers,
    etcdCaFile,
    etcdCertFile,
    etcdKeyFile,
    etcdUsername,
    etcdPasswordFile,
    etcdPrefix: prefix(reader.required("etcd-prefix")),
    etcdTimeoutMs: reader.duration("etcd-timeout"),
    etcdMaxTxnOps: reader.integer("etcd-max-txn-ops"),
    etcdMaxRequestBytes: maxRequestBytes,
    conflictPolicy: reader.choice("conflict-policy") === "skip" ? "skip" : "fresher",
    maxDeletePercent: reader.integer("max-delete-percent"),
    confirmDeletes: reader.boolean("confirm-deletes"),
    requireSingleTxn: reader.boolean("require-single-txn"),
    settleMs: reader.duration("settle-time"),
    maxObjectBytes: args.texts.has("max-object-bytes")
      ? reader.integer("max-object-bytes")
      : maxRequestBytes,
    lockTimeoutMs: reader.duration("lock-timeout"),
    socketPath: socketPath(reader.required("listen")),
    debounceMs: reader.duration("debounce"),
    resyncIntervalMs: reader.duration("resync-interval"),
    retryMaxMs: reader.duration("retry-max"),
    logFormat: reader.choice("log-format") === "json" ? "json" : "text",
  };
}

class Reader {
  readonly #args: Arguments;

  constructor(args: Arguments) {
    this.#args = args;
  }

  text(name: FlagName): string | undefined {
    return this.#args.texts.get(name)?.text ?? flag(name).default;
  }

  required(name: FlagName): string {
    const text = this.text(name);
    if (text === undefined) throw new UsageError(`--${name} is missing`);
    return text;
  }

  boolean(name: FlagName): boolean {
    const text = this.text(name);
    return text !== undefined && readBoolean(this.#source(name), text);
  }

  integer(name: FlagName): number {
    return readInteger(this.#source(name), this.required(name), flag(name));
  }

  duration(name: FlagName): number {
    return readDuration(this.#source(name), this.required(name), flag(name));
  }

  choice(name: FlagName): string {
    return readChoice(this.#source(name), this.required(name), flag(name));
  }

  list(name: FlagName): ReadonlySet<string> | undefined {
    const items = this.text(name)?.split(",").map((item) => item.trim());
    if (items?.includes("")) {
      throw new UsageError(`${this.#source(name)} takes a comma-separated list`);
    }
    return items && new Set(items);
  }

  #source(name: FlagName): string {
    return this.#args.texts.get(name)?.source ?? `--${name}`;
  }
}

function endpoints(text: string, files: TlsFiles): string[] {
  try {
    const parsed = parseEndpoints(text, { tls: (files.caFile ?? files.certFile) !== undefined });
    checkTlsFlags(parsed, files);
    return parsed;
  } catch (error) {
    if (error instanceof EtcdConfigError) throw new UsageError(error.message);
    throw error;
  }
}

function together(
  first: string,
  a: string | undefined,
  second: string,
  b: string | undefined,
): void {
  if ((a === undefined) === (b === undefined)) return;
  throw new UsageError(`${first} and ${second} go together: one is missing`);
}

function nodeName(text: string): string {
  if (NODE_NAME.test(text)) return text;
  throw new UsageError(
    "--node-name takes a node's name as Kubernetes has it: lower-case letters, digits, - and .",
  );
}

function socketPath(text: string): string {
  const match = /^unix:(\/[^\0]{1,106})$/.exec(text);
  if (match?.[1]) return match[1];
  throw new UsageError("--listen takes unix:/PATH, at most 107 characters long; never a TCP port");
}

function prefix(text: string): string {
  if (
    PREFIX.test(text) && text.length <= PREFIX_MAX_CHARS && !text.startsWith("/edgekeyd/") &&
    text !== "/edgekeyd"
  ) return text;
  throw new UsageError(
    "--etcd-prefix takes a path such as /registry, without a slash at its end; /edgekeyd is ours",
  );
}
