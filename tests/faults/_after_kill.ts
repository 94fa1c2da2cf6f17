import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { shown } from "../e2e/_contract.ts";
import type { EdgeNode, EtcdView } from "../e2e/_node.ts";
import type { EdgekeydResult } from "../support/edgekeyd_process.ts";
import { knownKeys } from "./_state_copy.ts";
import type { Workload } from "./_workload.ts";

/** A node whose files change, and its etcd. */
export interface Scene {
  readonly node: EdgeNode;
  readonly etcd: EtcdView;
  readonly workload: Workload;
}

/**
 * At no point may a key of ours be in etcd and in neither the cache nor the pending intent.
 *
 * @param node whose agent is dead
 * @param keys keys in etcd that it has put
 * @param told for the message
 */
export async function checkNoGhost(
  node: EdgeNode,
  keys: Iterable<string>,
  told: string,
): Promise<void> {
  const { rows, pending } = await knownKeys(node);
  const ghosts = [...keys].filter((key) => !rows.has(key) && !pending.has(key));
  deepStrictEqual(ghosts, [], told);
}

/**
 * Runs `--reconcile` to its end, after which all must be as the files say.
 *
 * @param scene where
 * @param args the command line
 * @param idle whether one more run must find nothing to do
 * @returns the first run
 */
export async function putRight(
  { node, etcd, workload }: Scene,
  args: readonly string[],
  idle: boolean,
): Promise<EdgekeydResult> {
  const healed = await node.run(args);
  try {
    expectDone(healed, workload);
    workload.check(await workload.held());
    if (!idle) return healed;
    const mods = await modsOf(etcd, node);
    const second = await node.run(args);
    expectDone(second, workload);
    deepStrictEqual(await modsOf(etcd, node), mods, "a second run changes nothing");
    strictEqual(JSON.parse(second.stdout).txns, 0);
    return healed;
  } catch (error) {
    throw new Error(shown(healed), { cause: error });
  }
}

/** Holds a run that came to its end to what it must have said. */
export function expectDone(result: EdgekeydResult, workload: Workload): void {
  ok(result.code === 0 || result.code === 3, shown(result));
  const told: { key: string }[] = JSON.parse(result.stdout).conflicts;
  strictEqual(result.code, told.length > 0 ? 3 : 0, shown(result));
  workload.checkConflicts(told.map(({ key }) => key));
}

/** Mod revisions of all that a node has in etcd, its fence included. */
export async function modsOf(etcd: EtcdView, node: EdgeNode): Promise<[string, string][]> {
  const keys = [
    ...await etcd.keys(`${node.prefix}/`),
    ...await etcd.keys(`/edgekeyd/${node.name}/`),
  ];
  return keys.map(([key, { mod }]) => [key, mod]);
}
