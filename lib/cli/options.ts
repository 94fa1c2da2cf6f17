import { resolve } from "@std/path";
import { checkTlsFlags, EtcdConfigError, parseEndpoints, type TlsFiles } from "../etcd/mod.ts";
import { isName } from "../k8s/mod.ts";
import { isEtcdPrefix, isNodeName, type RememberedSettings } from "../keycache/mod.ts";
import type { Arguments } from "./arguments.ts";
import { type FlagValues, readFlag, readFlags } from "./flag_values.ts";
import type { FlagName } from "./flags.ts";
import { recall } from "./recall.ts";
import { UsageError } from "./usage_error.ts";

/** What more is known of a value than the table of flags says. */
interface Refined {
  readonly etcdServers: readonly string[];
  readonly nodeName: string;
  readonly maxObjectBytes: number;
}

/** Every flag's value, checked. Times are in ms, sizes in bytes, directories absolute. */
export interface Options extends Omit<FlagValues, keyof Refined | "listen">, Refined {
  /** Texts of the flags that were given, on the command line or in the environment. */
  readonly given: ReadonlyMap<FlagName, string>;
  /** The same, and texts of those that the state directory remembered in their place. */
  readonly texts: ReadonlyMap<FlagName, string>;
  /** All that the state directory remembers. */
  readonly remembered: RememberedSettings;
  /** What this host is called. */
  readonly hostname: string;
  /** Path of the API's unix socket. */
  readonly socketPath: string;
}

const RESOURCE = /^[A-Za-z0-9]([-A-Za-z0-9./]{0,380}[A-Za-z0-9])?$/;

/**
 * Reads and checks all flags: from the command line, the environment, what the state directory
 * remembers, or their defaults, in this order.
 *
 * @param given the command line
 * @param hostname the default of `--node-name`
 * @throws {UsageError} for the first value that is wrong
 * @throws {KeyCacheError} `damaged` if what the state directory remembers is needed and is not whole
 */
export function readOptions(given: Arguments, hostname: () => string): Options {
  const stateDir = resolve(readFlag(given, "state-dir"));
  const isRun = !readFlag(given, "reconcile") && (given.words[0] ?? "run") === "run";
  const { args, remembered } = recall(given, stateDir, isRun);
  const { listen, etcdServers, ...values } = readFlags(args);
  const { etcdCertfile, etcdKeyfile, etcdUsername, etcdPasswordFile } = values;
  together("--etcd-certfile", etcdCertfile, "--etcd-keyfile", etcdKeyfile);
  const servers = endpoints(etcdServers, tlsFilesOf(values));
  together("--etcd-username", etcdUsername, "--etcd-password-file", etcdPasswordFile);
  const cacheDir = resolve(values.cacheDir);
  if (`${stateDir}/`.startsWith(`${cacheDir}/`)) {
    throw new UsageError("--state-dir must not be inside --cache-dir");
  }
  const host = hostname().toLowerCase();
  for (const name of values.components ?? []) checkComponent(name);
  for (const text of values.excludeResources ?? []) checkResource(text);
  return {
    ...values,
    given: textsOf(given),
    texts: textsOf(args),
    remembered,
    hostname: host,
    cacheDir,
    stateDir,
    nodeName: nodeName(values.nodeName ?? host),
    etcdServers: servers,
    etcdPrefix: prefix(values.etcdPrefix),
    maxObjectBytes: values.maxObjectBytes ?? values.etcdMaxRequestBytes,
    socketPath: socketPath(listen),
  };
}

/** The names that etcd's side has for the files that flags name. */
export function tlsFilesOf(
  { etcdCafile, etcdCertfile, etcdKeyfile }: Pick<
    FlagValues,
    "etcdCafile" | "etcdCertfile" | "etcdKeyfile"
  >,
): TlsFiles {
  return {
    ...(etcdCafile !== undefined && { caFile: etcdCafile }),
    ...(etcdCertfile !== undefined && { certFile: etcdCertfile }),
    ...(etcdKeyfile !== undefined && { keyFile: etcdKeyfile }),
  };
}

function textsOf({ texts }: Arguments): Map<FlagName, string> {
  return new Map([...texts].map(([name, { text }]) => [name, text]));
}

function endpoints(text: string, files: TlsFiles): string[] {
  try {
    const parsed = parseEndpoints(text, {
      tls: (files.caFile ?? files.certFile) !== undefined,
    });
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
  if (isNodeName(text)) return text;
  throw new UsageError(
    "--node-name takes a node's name as Kubernetes has it: lower-case letters, digits, - and .; " +
      "claims is edgekeyd's own",
  );
}

function checkComponent(name: string): void {
  if (isName(name)) return;
  throw new UsageError("--components takes names of directories below --cache-dir");
}

/** What can't be a resource is refused; what only is none, like `Pods` or `v1/pods`, is told. */
function checkResource(text: string): void {
  if (RESOURCE.test(text)) return;
  throw new UsageError(
    "--exclude-resources takes resources, as leases or leases[.v1].coordination.k8s.io",
  );
}

function socketPath(text: string): string {
  const match = /^unix:(\/[^\0]{1,106})$/.exec(text);
  if (match?.[1]) return match[1];
  throw new UsageError("--listen takes unix:/PATH, at most 107 characters long; never a TCP port");
}

function prefix(text: string): string {
  if (isEtcdPrefix(text)) return text;
  throw new UsageError(
    "--etcd-prefix takes a path such as /registry, without a slash at its end; /edgekeyd is ours",
  );
}
