import { STOP_FIRST } from "../own_commands.ts";
import { KeyCacheError } from "./errors.ts";
import { isCount } from "./key_row.ts";
import { newerSchemaError, SCHEMA_VERSION } from "./schema.ts";

/** What a component-key cache was born for. It never changes, but for its schema. */
export interface Identity {
  /** The schema that the database was brought up to; it may hold records of earlier ones. */
  readonly schema: number;
  /** Random id, born with the state directory; every fence value begins with it. */
  readonly life: string;
  /** `--node-name`: it names the fence. */
  readonly nodeName: string;
  /** Prefix of all object keys, for example `/registry`. */
  readonly prefix: string;
  /** The etcd key of this node's fence. */
  readonly fenceKey: string;
}

/** What a run wants the cache to be for. */
export interface CacheOptions {
  /** `--node-name`: it names the fence. */
  readonly nodeName: string;
  /** Prefix of all object keys. */
  readonly prefix: string;
  /** Which of these two only matter if the cache is born now: nobody gave them. */
  readonly defaults?: readonly ("nodeName" | "prefix")[];
  /** A random id, used if the cache is born now. */
  readonly newLife: () => string;
  /** ms since the epoch, by a clock that does not jump while the process runs. */
  readonly nowMs: () => number;
}

const NODE_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * Tells whether a node may be called so: as Kubernetes names nodes. `claims` is kept for keys that
 * are no node's.
 *
 * @param text the name
 */
export function isNodeName(text: string): boolean {
  return NODE_NAME.test(text) && text !== "claims";
}

const PREFIX = /^(\/[A-Za-z0-9._-]+)+$/;
/** Keys are made of it: etcd takes keys of any length, a database of ours does not. */
const PREFIX_MAX_CHARS = 256;

/**
 * Tells whether object keys may begin so. What is below `/edgekeyd` are no objects.
 *
 * @param text the prefix, without a slash at its end
 */
export function isEtcdPrefix(text: string): boolean {
  return PREFIX.test(text) && text.length <= PREFIX_MAX_CHARS &&
    !`${text}/`.startsWith("/edgekeyd/");
}

/** The etcd key of a node's fence; outside the prefix of all object keys. */
export function fenceKeyOf(nodeName: string): string {
  return `/edgekeyd/${nodeName}/fence`;
}

/** The etcd key that a node's daemon keeps while it is there. */
export function aliveKeyOf(nodeName: string): string {
  return `/edgekeyd/${nodeName}/alive`;
}

/**
 * Reads a stored identity and compares it with what this run was told.
 *
 * @param value the stored record
 * @param wanted node name and prefix of this run
 * @param where the database, for messages
 * @throws {KeyCacheError} `newer-schema`, `mismatch` or `damaged`
 */
export function checkIdentity(
  value: unknown,
  wanted: Pick<CacheOptions, "nodeName" | "prefix" | "defaults">,
  where: string,
): Identity {
  if (typeof value !== "object" || value === null) throw damaged();
  const { schema, life, nodeName, prefix, fenceKey } = value as Record<string, unknown>;
  if (!isCount(schema) || schema < 1) throw damaged();
  if (schema > SCHEMA_VERSION) throw newerSchemaError(where, schema);
  if (
    typeof life !== "string" || typeof nodeName !== "string" || typeof prefix !== "string" ||
    life === "" || life.includes("/") || fenceKey !== fenceKeyOf(nodeName)
  ) throw damaged();
  const { defaults = [] } = wanted;
  if (nodeName !== wanted.nodeName && !defaults.includes("nodeName")) {
    throw mismatch("--node-name", nodeName, wanted.nodeName);
  }
  if (prefix !== wanted.prefix && !defaults.includes("prefix")) {
    throw mismatch("--etcd-prefix", prefix, wanted.prefix);
  }
  return { schema, life, nodeName, prefix, fenceKey };
}

/**
 * The error of a state directory that was born for something else.
 *
 * @param flag which
 * @param stored what it was born for
 * @param wanted what this run was told
 */
export function mismatch(flag: string, stored: string, wanted: string): KeyCacheError {
  return new KeyCacheError(
    "mismatch",
    `the state directory belongs to ${flag} ${stored}, not ${wanted}; give that value. To change ` +
      `it, ${STOP_FIRST}, run \`edgekeyd retire ${flag}=${stored}\`, move cache.kv* in the state ` +
      "directory aside, and start it with the new value",
  );
}

function damaged(): KeyCacheError {
  return new KeyCacheError("damaged", "the identity record of the component-key cache is damaged");
}
