import { Buffer } from "node:buffer";
import { type Etcd, EtcdError, type KeyValue } from "../etcd/mod.ts";
import { aliveKeyOf, fenceKeyOf, isNodeName } from "../keycache/mod.ts";
import { decodeAlive } from "./alive_value.ts";
import { holderOf } from "./fence_verdict.ts";
import { KEYS_ONLY, pagesBetween } from "./pages.ts";

/** A node of a pool, by what etcd has of it. */
export interface PoolNode {
  /** `--node-name`. */
  readonly name: string;
  /** Its daemon was there not long ago: its alive key stands. */
  readonly alive: boolean;
  /** Since when it has been there without a gap, ISO 8601; absent if it is not, or nobody knows. */
  readonly since?: string;
  /** Its version of edgekeyd; absent if that is not known. */
  readonly version?: string;
  /** The life of its state directory, as its fence has it; absent if there is no fence, or no life. */
  readonly life?: string;
  /** What is not as it should be; absent if nothing is. */
  readonly problem?: string;
}

/** The nodes of a pool. */
export interface PoolNodes {
  /** In order of their names. */
  readonly nodes: readonly PoolNode[];
  /** How many keys stand where edgekeyd's are and are none of a node's. */
  readonly strangers: number;
  /** There are more nodes or keys than are looked at. */
  readonly more: boolean;
}

/** No more keys are looked at, and no more nodes are told. */
const [MAX_KEYS, MAX_NODES] = [100_000, 10_000];
/** So many values are read at once: each may be as large as etcd takes. */
const VALUES_AT_ONCE = 32;
/** All of edgekeyd's own keys, but for claims: there are as many of these as there are objects. */
const SPANS = [["/edgekeyd/", "/edgekeyd/claims/"], ["/edgekeyd/claims0", "/edgekeyd0"]] as const;
const NODE_KEY = /^\/edgekeyd\/([^/]+)\/(alive|fence)$/;

/**
 * Looks which nodes have written to an etcd. What stands there anybody may have written: nothing
 * goes by it.
 *
 * @param etcd where
 * @param maxTxnOps etcd's own `--max-txn-ops`
 * @throws {EtcdError} if etcd fails
 */
export async function readPoolNodes(etcd: Etcd, maxTxnOps: number): Promise<PoolNodes> {
  const names = new Set<string>();
  let [keys, strangers, more] = [0, 0, false];
  look: for (const [first, end] of SPANS) {
    for await (const page of pagesBetween(etcd, first, end, KEYS_ONLY)) {
      for (const { key } of page) {
        const name = nameIn(key);
        if (name === undefined) strangers++;
        else names.add(name);
        more = ++keys >= MAX_KEYS || names.size > MAX_NODES;
        if (more) break look;
      }
    }
  }
  const nodes: PoolNode[] = [];
  const shown = [...names].sort().slice(0, MAX_NODES);
  const step = Math.max(1, Math.floor(Math.min(VALUES_AT_ONCE, maxTxnOps) / 2));
  for (let at = 0; at < shown.length; at += step) {
    const some = shown.slice(at, at + step);
    const asked = some.flatMap((name) => [aliveKeyOf(name), fenceKeyOf(name)]);
    const found = await valuesOf(etcd, asked);
    for (const [index, name] of some.entries()) {
      nodes.push(nodeOf(name, found[2 * index], found[2 * index + 1]));
    }
  }
  return { nodes, strangers, more };
}

function nameIn(key: Uint8Array): string | undefined {
  const [, name = ""] = NODE_KEY.exec(String(key)) ?? [];
  return isNodeName(name) ? name : undefined;
}

/** A key whose value is too large to be answered; it is none of edgekeyd's. */
type Found = KeyValue | "too-large" | undefined;

/** What keys hold, in their order. */
async function valuesOf(etcd: Etcd, keys: readonly string[]): Promise<Found[]> {
  try {
    const { answers } = await etcd.rangeAll(keys.map((key) => ({ key: Buffer.from(key) })));
    return answers.map(({ kvs: [found] }) => found);
  } catch (error) {
    const isTooLarge = error instanceof EtcdError && error.reason === "answer-too-large";
    if (!isTooLarge) throw error;
    if (keys.length === 1) return ["too-large"];
    const half = Math.ceil(keys.length / 2);
    const first = await valuesOf(etcd, keys.slice(0, half));
    return [...first, ...await valuesOf(etcd, keys.slice(half))];
  }
}

function nodeOf(name: string, alive: Found, fence: Found): PoolNode {
  const said = decodeAlive(textOf(alive));
  const life = holderOf(textOf(fence))?.life;
  const problems = [
    alive !== undefined && !said && "its alive key holds nothing that edgekeyd wrote",
    typeof alive === "object" && alive.lease === "0" &&
    `its alive key is under no lease, and goes only with etcdctl del ${aliveKeyOf(name)}`,
    fence !== undefined && life === undefined && "its fence holds nothing that edgekeyd wrote",
    said && life !== undefined && said.life !== life &&
    "its alive key is another state directory's than its fence",
  ].filter((problem) => typeof problem === "string");
  return {
    name,
    alive: alive !== undefined,
    ...(said && { since: said.since, version: said.version }),
    ...(life !== undefined && { life }),
    ...(problems.length > 0 && { problem: problems.join("; ") }),
  };
}

function textOf(found: Found): string {
  return typeof found === "object" ? String(found.value) : "";
}
