import type { ComponentKeyCache, KeyRow, Owner, PutVersion } from "../keycache/mod.ts";
import type { StoreContext } from "./context.ts";
import { ABSENT, decide, type Decision, type DecisionRules, type FoundVersion } from "./decide.ts";
import { type Observation, observe } from "./observe.ts";
import { holdsFreshest, ownersAfter, type OwnershipChange } from "./ownership.ts";
import { expectedBytes, readVersions, type ValueRequest } from "./read_values.ts";

/** What a plan is made of. */
export interface PlanRequest {
  /** What is recorded, by object key. */
  readonly rows: ReadonlyMap<string, KeyRow>;
  /** How owners change, by object key. */
  readonly changes: ReadonlyMap<string, OwnershipChange>;
  /** Keys to look at in etcd beside those of the changes; `all`: every row, to find drift. */
  readonly also: ReadonlySet<string> | "all";
  /**
   * Look in etcd for all that is taken up, also where the cache has it so already: somebody will be
   * told that it is there.
   */
  readonly sure: boolean;
  /** How values of others are judged. */
  readonly rules: DecisionRules;
  /** Tells whether owners of a key were all seen at a full look, and nothing was moving there. */
  readonly settled: (key: string, owners: readonly Owner[]) => boolean;
  /** Tells whether an owner's file is there and not bad, as far as it was looked at. */
  readonly readable: (key: string, owner: Owner) => boolean;
  /** Nothing may be written, not even the fence. */
  readonly dry: boolean;
}

/** What is to be done, key by key. */
export interface Plan {
  /** Keys that need nothing are not in it. */
  readonly decisions: ReadonlyMap<string, Decision>;
  /** Keys that are left to others, with the reason. */
  readonly conflicts: ReadonlyMap<string, string>;
  /** What etcd held when it was looked at; undefined if there was no need to look. */
  readonly observation: Observation | undefined;
  /** etcd's revision when it was last asked; reading values moves the fence, and so the revision. */
  readonly revision: string | undefined;
}

/**
 * Looks at etcd as far as it must and decides on every key.
 *
 * @param context both sides
 * @param request which keys, and how to judge
 * @returns the plan; undefined if the fence is not where it is expected, so that recovery comes
 * first
 * @throws {EtcdError} if etcd fails
 */
export async function plan(
  context: StoreContext,
  request: PlanRequest,
): Promise<Plan | undefined> {
  const { rows, changes, also, sure, dry } = request;
  const keys = new Set(also === "all" ? rows.keys() : also);
  for (const key of changes.keys()) keys.add(key);
  const taken = [...changes.values()].filter(({ acquired }) => sure && acquired.length > 0);
  const toObserve = also === "all"
    ? keys
    : unknownKeys(keys, rows).union(also).union(new Set(taken.map(({ key }) => key)));
  let observation: Observation | undefined;
  if (toObserve.size > 0 || also === "all") {
    observation = await observe(context, toObserve);
    if (!dry && observation.fence !== context.cache.fence.expected) return undefined;
  }
  const mods = observation?.mods;
  const observed = (key: string) => toObserve.has(key) ? mods?.get(key) ?? ABSENT : undefined;

  const decisions = new Map<string, Decision>();
  const conflicts = new Map<string, string>();
  const toRead: string[] = [];
  const consider = (key: string, value?: FoundVersion) => {
    const row = rows.get(key);
    const change = changes.get(key);
    const seen = value?.mod ?? observed(key);
    // By far the most frequent case, kept free of any allocation.
    if (!value && !change && row?.ours && row.mod === seen && holdsFreshest(row)) return;
    const owners = ownersAfter(row, change);
    const buried = buriedUnder(context.cache, key, row);
    const settled = (present: readonly Owner[]) => request.settled(key, present);
    const readable = (owner: Owner) => request.readable(key, owner);
    const state = { key, row, owners, change, buried, observed: seen, value, settled, readable };
    const decision = decide(state, request.rules);
    if (decision.action === "read") {
      toRead.push(key);
      return;
    }
    if (decision.action !== "none") decisions.set(key, decision);
    if ("conflict" in decision && decision.conflict !== undefined) {
      conflicts.set(key, decision.conflict);
    }
  };
  for (const key of keys) consider(key);
  let revision = observation?.revision;

  if (toRead.length > 0) {
    const wanted = toRead.splice(0).map((key) => ({
      key,
      expectedBytes: expectedBytes([
        ...(rows.get(key)?.owners ?? []),
        ...(changes.get(key)?.acquired ?? []),
      ]),
    }));
    const maybeOurs = ({ key }: ValueRequest) => isMaybeOurs(rows.get(key), request.rules);
    const { ours = [], others = [] } = Object.groupBy(
      wanted,
      (one) => maybeOurs(one) ? "ours" : "others",
    );
    for (const [some, moves] of [[ours, !dry], [others, false]] as const) {
      const found = await readVersions(context, some, !moves);
      if (!found) return undefined;
      revision = found.revision ?? revision;
      for (const [key, version] of found.versions) consider(key, version ?? GONE);
    }
  }
  if (also === "all") {
    const unlearned = unknownContents(keys, rows, decisions, observed);
    // The mods are known: the fence need not move.
    const found = await readVersions(context, unlearned, true);
    for (const [key, version] of found?.versions ?? []) {
      // Else it changed since it was observed: the next pass has it.
      if (version && version.mod === rows.get(key)?.mod) consider(key, version);
    }
  }
  return { decisions, conflicts, observation, revision };
}

/**
 * Whether a value that is read may turn out to be ours to delete. Only then its mod has to be known
 * for certain, so that reading it moves the fence; what another put costs etcd no write.
 */
function isMaybeOurs(row: KeyRow | undefined, { adopting }: DecisionRules): boolean {
  return adopting || (row !== undefined && row.ours && row.mod === null);
}

/** How many values are read in one pass to learn what bytes a row of an earlier schema stands for. */
const MAX_LEARNED = 256;

/** Keys that are held as their row says, which does not say in what bytes. */
function unknownContents(
  keys: Iterable<string>,
  rows: ReadonlyMap<string, KeyRow>,
  decisions: ReadonlyMap<string, Decision>,
  observed: (key: string) => string | undefined,
): ValueRequest[] {
  const unknown: ValueRequest[] = [];
  for (const key of keys) {
    if (unknown.length === MAX_LEARNED) break;
    const row = rows.get(key);
    if (!row || row.hash !== undefined || row.resourceVersion === "" || row.mod === null) continue;
    const decision = decisions.get(key);
    const stays = !decision || (decision.action === "keep" && decision.after !== null);
    if (row.mod !== observed(key) || row.owners.length === 0 || !stays) continue;
    unknown.push({ key, expectedBytes: expectedBytes(row.owners) });
  }
  return unknown;
}

/** Stands for a key that was there when it was observed and gone when it was read. */
const GONE: FoundVersion = { mod: ABSENT, uid: "", resourceVersion: "" };

/** Versions that we put earlier; in a dry run also what the cache's row will no longer say. */
function buriedUnder(
  { rows, tombstones }: ComponentKeyCache,
  key: string,
  row: KeyRow | undefined,
): readonly PutVersion[] {
  const buried = tombstones.get(key)?.versions ?? [];
  const recorded = rows.get(key);
  return recorded?.ours && recorded !== row ? [recorded, ...buried] : buried;
}

/** Keys whose mod revision the cache does not know. */
function unknownKeys(
  keys: ReadonlySet<string>,
  rows: ReadonlyMap<string, KeyRow>,
): Set<string> {
  const unknown = new Set<string>();
  for (const key of keys) {
    const row = rows.get(key);
    if (!row?.ours || row.mod === null) unknown.add(key);
  }
  return unknown;
}
