import { Buffer } from "node:buffer";
import { dirname } from "@std/path";
import type { Etcd3 } from "etcd3";
import {
  edgekeyd,
  type EdgekeydOptions,
  type EdgekeydProcess,
  type EdgekeydResult,
  startEdgekeyd,
} from "../support/edgekeyd_process.ts";
import type { EtcdServer } from "../support/etcd_server.ts";
import { kindOf } from "../support/kinds.ts";
import { rawEtcd } from "../support/raw_etcd.ts";
import { type Report, reportOf } from "./_contract.ts";

/** What an object of the cache says of itself. */
export interface ObjectOptions {
  readonly rv?: number;
  readonly uid?: string;
  readonly kind?: string;
  readonly apiVersion?: string;
  /** More top-level members, such as `data`. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Flags that make a run fast: nothing waits for directories to settle. */
export const QUICK = ["--settle-time=0"];

/** An edge node: a cache directory, a state directory, and the flags to run on them. */
export class EdgeNode implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "edgekeyd-e2e-" });
  readonly cacheDir = `${this.root}/cache`;
  readonly stateDir = `${this.root}/state`;
  readonly name: string;
  readonly prefix: string;
  #servers: string;

  /**
   * @param server its etcd: a server, or the text of `--etcd-servers`
   * @param name node name; the keys go under a prefix of the same name, so that nodes can share
   * an etcd
   */
  constructor(server: EtcdServer | string, name = "n1") {
    this.name = name;
    this.prefix = `/${name}/registry`;
    this.#servers = typeof server === "string" ? server : server.endpoint;
    Deno.mkdirSync(this.cacheDir);
  }

  /** A command line with all flags that a run on this node needs, but for those it has. */
  commandLine(args: readonly string[]): string[] {
    const given = new Set(args.map((arg) => arg.split("=", 1)[0]));
    const flags = {
      "--cache-dir": this.cacheDir,
      "--state-dir": this.stateDir,
      "--etcd-servers": this.#servers,
      "--node-name": this.name,
      "--etcd-prefix": this.prefix,
    };
    const missing = Object.entries(flags).filter(([name]) => !given.has(name));
    return [...args, ...missing.map(([name, value]) => `${name}=${value}`)];
  }

  /** Runs a command. */
  async run(args: readonly string[], options: EdgekeydOptions = {}): Promise<EdgekeydResult> {
    return await edgekeyd(this.commandLine(args), options);
  }

  /** Starts a command. */
  start(args: readonly string[], options: EdgekeydOptions = {}): EdgekeydProcess {
    return startEdgekeyd(this.commandLine(args), options);
  }

  /** Runs `--reconcile -o json` without waiting for directories to settle. */
  async reconcile(...args: string[]): Promise<EdgekeydResult & { readonly report: Report }> {
    const quick = args.some((arg) => arg.startsWith("--settle-time")) ? [] : QUICK;
    const result = await this.run(["--reconcile", "-o", "json", ...quick, ...args]);
    return { ...result, report: reportOf(result, { dryRun: args.includes("--dry-run") }) };
  }

  /**
   * Writes an object into the cache as yurthub does; its kind follows from the resource.
   *
   * @param path `<component>/<resource>[.<version>.<group>]/[<namespace>/]<name>`
   * @param options what it says of itself
   * @returns its bytes
   */
  write(path: string, options: ObjectOptions = {}): Uint8Array {
    const bytes = objectBytes(path, options);
    const file = `${this.cacheDir}/${path}`;
    Deno.mkdirSync(dirname(file), { recursive: true });
    Deno.writeFileSync(file, bytes, { mode: 0o600 });
    return bytes;
  }

  /** Removes a file or directory from the cache. */
  remove(path: string): void {
    Deno.removeSync(`${this.cacheDir}/${path}`, { recursive: true });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

/** The bytes of an object, as {@linkcode EdgeNode.write} writes them. */
export function objectBytes(path: string, options: ObjectOptions = {}): Uint8Array {
  const [, directory = "", ...rest] = path.split("/");
  const [resource = "", version = "v1", ...group] = directory.split(".");
  const name = rest.at(-1) ?? "";
  const namespace = rest.length > 1 ? rest[0] : undefined;
  const groupName = group.join(".");
  const apiVersion = options.apiVersion ??
    (groupName === "" || groupName === "core" ? version : `${groupName}/${version}`);
  return new TextEncoder().encode(JSON.stringify({
    kind: options.kind ?? kindOf(resource, apiVersion),
    apiVersion,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: options.uid ?? `uid-${name}`,
      resourceVersion: String(options.rv ?? 1),
    },
    ...options.more,
  }));
}

/** A key of etcd. */
export interface FoundKey {
  readonly value: Buffer;
  readonly mod: string;
}

/** What a test sees of an etcd beside the agent. */
export class EtcdView implements Disposable {
  readonly raw: Etcd3;

  /** @param server the etcd */
  constructor(server: EtcdServer) {
    this.raw = rawEtcd(server.endpoint);
  }

  /** Every key that begins with `prefix`. */
  async keys(prefix: string): Promise<Map<string, FoundKey>> {
    const { kvs } = await this.raw.kv.range({
      key: Buffer.from(prefix),
      range_end: Buffer.from(
        `${prefix.slice(0, -1)}${String.fromCharCode((prefix.at(-1) ?? "/").charCodeAt(0) + 1)}`,
      ),
    });
    return new Map(kvs.map((kv) => [kv.key.toString(), { value: kv.value, mod: kv.mod_revision }]));
  }

  /** etcd's revision now. */
  async revision(): Promise<string> {
    return (await this.raw.kv.range({ key: Buffer.from("/") })).header.revision;
  }

  /** Writes a key. */
  async put(key: string, value: Uint8Array | string): Promise<void> {
    await this.raw.kv.put({ key: Buffer.from(key), value: Buffer.from(value) });
  }

  [Symbol.dispose](): void {
    this.raw.close();
  }
}
