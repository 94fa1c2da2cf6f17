import { join } from "@std/path";
import {
  ComponentKeyCache,
  holdStateDirectory,
  type IntentEntry,
  type KeyRow,
  type Owner,
} from "../../lib/keycache/mod.ts";
import { Prng } from "../sim/prng.ts";
import type { Files, Subject } from "./_damage.ts";
import { CACHE_OPTIONS } from "./_pass.ts";

/** Everything that a loaded cache knows, as one text that is the same for the same state. */
export function stateOf(cache: ComponentKeyCache): string {
  const byName = (a: readonly [string, unknown], b: readonly [string, unknown]) =>
    a[0] < b[0] ? -1 : 1;
  return JSON.stringify({
    identity: cache.identity,
    fence: cache.fence,
    intent: cache.intent ? { ...cache.intent, windows: [...cache.intent.windows] } : null,
    rows: [...cache.rows].sort(byName),
    tombstones: [...cache.tombstones].sort(byName),
    windows: [...cache.windows].sort(byName),
  });
}

/** A database's life, written step by step. */
export interface History {
  readonly subjects: readonly Subject[];
  /** What {@linkcode stateOf} says of every state that the cache was in. */
  readonly states: ReadonlySet<string>;
}

/**
 * Lets a cache live for a while.
 *
 * @param directory an empty directory to do it in
 * @param steps how many changes it makes
 */
export async function makeHistory(directory: string, steps: number): Promise<History> {
  const prng = new Prng(steps);
  const states = new Set<string>();
  const open: Files[] = [];
  const closed: Files[] = [];
  const hold = async () => {
    const held = await holdStateDirectory(directory, 1_000);
    const { cache } = await held.openCache(CACHE_OPTIONS);
    return { held, cache };
  };
  let { held, cache } = await hold();
  states.add(stateOf(cache));
  for (let step = 0; step < steps; step++) {
    const sample = { atMs: step, keys: cache.rows.size, deletes: 1 };
    const windows = new Map([["kubelet", [sample]]]);
    await cache.begin(entriesOf(cache, prng), () => prng.hex(), windows);
    states.add(stateOf(cache));
    open.push(filesIn(directory));
    const half = step % 4;
    if (half === 1) {
      cache.close();
      held.release();
      closed.push(filesIn(directory));
      ({ held, cache } = await hold());
    }
    const succeeded = (cache.intent?.entries ?? []).map((_, index) => (index + step) % 5 !== 0);
    if (half === 3) {
      await cache.giveUp({ expected: null, seq: cache.fence.seq + 2, newEpoch: step % 8 === 3 });
    } else {
      await cache.settle(succeeded, String(step + 2));
    }
    states.add(stateOf(cache));
    open.push(filesIn(directory));
  }
  cache.close();
  held.release();
  closed.push(filesIn(directory));
  return {
    subjects: [{ label: "killed", moments: open }, { label: "closed", moments: closed }],
    states,
  };
}

/** Writes files into a directory that is made for them. */
export function writeFiles(directory: string, files: Files): void {
  Deno.mkdirSync(directory, { recursive: true });
  for (const [name, bytes] of files) Deno.writeFileSync(join(directory, name), bytes);
}

/** Files of a database in a directory. */
export function filesIn(directory: string): Files {
  const files = new Map<string, Uint8Array>();
  for (const { name, isFile } of Deno.readDirSync(directory)) {
    if (isFile && name !== "lock") files.set(name, Deno.readFileSync(join(directory, name)));
  }
  return files;
}

function entriesOf(cache: ComponentKeyCache, prng: Prng): IntentEntry[] {
  const entries = new Map<string, IntentEntry>();
  for (let i = prng.between(1, 12); i > 0; i--) {
    const name = `pod-${prng.below(60)}`;
    const key = `/registry/pods/default/${name}`;
    const before = cache.rows.get(key);
    const action = before && prng.chance(0.3) ? "delete" : prng.chance(0.8) ? "put" : "keep";
    const uid = `uid-${name}`;
    const resourceVersion = String(prng.between(1, 1_000_000));
    const owner: Owner = {
      component: prng.pick(["kubelet", "kube-proxy", "an-agent"]),
      gvr: "pods.v1.core",
      source: prng.pick(["current", "older", "api"]),
      uid,
      resourceVersion,
      stamp: { size: prng.below(5_000), mtimeMs: 1, ctimeMs: 2, ino: prng.below(1_000) },
      readAtMs: 3,
    };
    const after: KeyRow = { key, ours: true, mod: null, uid, resourceVersion, owners: [owner] };
    entries.set(key, {
      action,
      key,
      guardMod: before?.mod ?? "0",
      after: action === "delete" ? null : after,
      uid,
      resourceVersion,
    });
  }
  return [...entries.values()];
}
