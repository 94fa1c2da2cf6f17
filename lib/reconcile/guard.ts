import type { MissingFile } from "../fscache/mod.ts";
import type { ComponentKeyCache, DeleteSample } from "../keycache/mod.ts";
import { type NotedDeletes, ownersAfter, type OwnershipChange } from "../store/mod.ts";
import { condensed, losses, recentSamples, withOldJoined } from "./losses.ts";

/** What an operator says of bulk deletes. */
export interface GuardLimits {
  /** Share of a component's keys that may be deleted at once, in percent. */
  readonly maxDeletePercent: number;
  /** `--confirm-deletes`: nothing is held back. */
  readonly confirmDeletes: boolean;
}

/** What holds where nobody says anything else; the flags' defaults are the same. */
export const USUAL_GUARD: GuardLimits = { maxDeletePercent: 50, confirmDeletes: false };

/** How bulk deletes are told from everyday ones. */
export interface GuardRules extends GuardLimits {
  /** ms since the epoch, by a clock that does not jump while the process runs. */
  readonly nowMs: number;
  /** A clock that only runs forward, in ms. */
  readonly monotonicMs: number;
  /** What is remembered of missing files, by canonical path. */
  readonly missing: ReadonlyMap<string, MissingFile>;
}

/** What the guard lets through. */
export interface GuardVerdict {
  readonly changes: ReadonlyMap<string, OwnershipChange>;
  /**
   * Components whose releases are held back, each with how many keys would have been deleted. One
   * that several of them hold counts for the first of them.
   */
  readonly heldBack: ReadonlyMap<string, number>;
  /** The keys that would have been deleted. */
  readonly keysHeldBack: ReadonlySet<string>;
  /** Delete windows to note with the deletes. */
  readonly windows: ReadonlyMap<string, NotedDeletes>;
}

/** A few keys may always go. */
const FREE_DELETES = 10;

/**
 * Holds back what looks like a disk that was unmounted or wiped: a component whose directory is
 * gone, and the loss of more than a share of a component's keys (and more than a few) within ten
 * minutes. A delete counts at the moment when its file was first seen missing: what only waited to
 * be told gone, one by one, is no disaster. Neither is a trickle of single deletes, nor turnover:
 * keys that came meanwhile make up for deletes. Pure.
 *
 * @param cache what is recorded
 * @param changes what is to be done
 * @param components component directories that exist
 * @param rules the limits
 */
export function guardDeletes(
  cache: ComponentKeyCache,
  changes: ReadonlyMap<string, OwnershipChange>,
  components: ReadonlySet<string>,
  rules: GuardRules,
): GuardVerdict {
  const heldBack = new Set<string>();
  const windows = new Map<string, NotedDeletes>();
  for (const [component, own] of deletesOf(cache, changes, rules)) {
    const count = own.reduce((sum, { deletes }) => sum + deletes, 0);
    const recent = recentSamples(cache.windows.get(component) ?? [], rules.nowMs);
    if (rules.confirmDeletes) windows.set(component, { before: [], own: [] });
    else if (!components.has(component) || isBulk(recent, own, rules)) {
      heldBack.add(component);
    } else if (count > 0) {
      windows.set(component, {
        before: condensed(recent),
        own: withOldJoined(own, rules.nowMs),
      });
    }
  }
  if (heldBack.size === 0) {
    return { changes, heldBack: new Map(), keysHeldBack: new Set(), windows };
  }
  const holders = countedOnce(cache, changes, heldBack);
  const counts = new Map(Array.from(heldBack, (component) => [component, 0]));
  for (const first of holders.values()) counts.set(first, (counts.get(first) ?? 0) + 1);
  return {
    changes: withoutReleases(changes, heldBack),
    heldBack: counts,
    keysHeldBack: new Set(holders.keys()),
    windows,
  };
}

/** Keys whose deletes components hold back: each for the first of those that hold it. */
function countedOnce(
  cache: ComponentKeyCache,
  changes: ReadonlyMap<string, OwnershipChange>,
  heldBack: ReadonlySet<string>,
): Map<string, string> {
  const holders = new Map<string, string>();
  for (const [key, change] of changes) {
    const held = change.released.map(({ component }) => component)
      .filter((component) => heldBack.has(component)).sort();
    const [first] = held;
    if (first === undefined || !isDeleted(cache, key, change)) continue;
    holders.set(key, first);
  }
  return holders;
}

function isDeleted(cache: ComponentKeyCache, key: string, change: OwnershipChange): boolean {
  const row = cache.rows.get(key);
  return ownersAfter(row, change).length === 0 && row?.ours === true;
}

/** Tells whether any ten minutes with some of these deletes in them lose too much. */
function isBulk(
  recent: readonly DeleteSample[],
  own: readonly DeleteSample[],
  { maxDeletePercent }: GuardRules,
): boolean {
  const [first] = own;
  if (first === undefined) return false;
  const samples = condensed([...recent, ...own].sort((a, b) => a.atMs - b.atMs));
  return losses(samples).some(({ lost, most }, at) =>
    (samples[at]?.atMs ?? 0) >= first.atMs && lost > FREE_DELETES &&
    lost * 100 > maxDeletePercent * most
  );
}

/**
 * Keys that would be deleted, by each component that lets go of them, and when each was first seen
 * missing; none if all are shared.
 */
function deletesOf(
  cache: ComponentKeyCache,
  changes: ReadonlyMap<string, OwnershipChange>,
  { missing, nowMs, monotonicMs }: GuardRules,
): Map<string, DeleteSample[]> {
  const byComponent = new Map<string, Map<number, DeleteSample>>();
  for (const [key, change] of changes) {
    const goes = isDeleted(cache, key, change);
    const seen = new Set<string>();
    for (const owner of change.released) {
      const { component } = owner;
      if (seen.has(component)) continue;
      seen.add(component);
      let samples = byComponent.get(component);
      if (!samples) byComponent.set(component, samples = new Map());
      if (!goes) continue;
      const look = missing.get(cache.pathOf(key, owner) ?? "");
      const atMs = Math.round(nowMs - (look ? monotonicMs - look.firstMs : 0));
      const { keys, deletes } = samples.get(atMs) ??
        { keys: look?.stoodBefore ?? keysOf(cache, component), deletes: 0 };
      samples.set(atMs, { atMs, keys, deletes: deletes + 1 });
    }
  }
  return new Map(
    Array.from(byComponent, ([component, samples]) => [
      component,
      condensed([...samples.values()].sort((a, b) => a.atMs - b.atMs)),
    ]),
  );
}

function withoutReleases(
  changes: ReadonlyMap<string, OwnershipChange>,
  heldBack: ReadonlySet<string>,
): Map<string, OwnershipChange> {
  const kept = new Map<string, OwnershipChange>();
  for (const [key, change] of changes) {
    const released = change.released.filter((owner) => !heldBack.has(owner.component));
    if (released.length + change.acquired.length > 0) kept.set(key, { ...change, released });
  }
  return kept;
}

function keysOf(cache: ComponentKeyCache, component: string): number {
  let keys = 0;
  for (const group of cache.byOwner.get(component)?.values() ?? []) keys += group.size;
  return keys;
}
