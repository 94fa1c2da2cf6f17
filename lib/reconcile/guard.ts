import type { ComponentKeyCache, DeleteWindow } from "../keycache/mod.ts";
import { ownersAfter, type OwnershipChange } from "../store/mod.ts";

/** How bulk deletes are told from everyday ones. */
export interface GuardRules {
  /** Share of a component's keys that may be deleted, in percent. */
  readonly maxDeletePercent: number;
  /** The operator has confirmed them. */
  readonly confirmDeletes: boolean;
  /** Wall clock, ms since the epoch. */
  readonly nowMs: number;
}

/** What the guard lets through. */
export interface GuardVerdict {
  readonly changes: ReadonlyMap<string, OwnershipChange>;
  /** Components whose releases are held back, with the keys that would have been deleted. */
  readonly heldBack: ReadonlyMap<string, number>;
  /** Delete windows to note with the deletes. */
  readonly windows: ReadonlyMap<string, DeleteWindow>;
}

/** A few keys may always go. */
const FREE_DELETES = 10;
/** Deletes in instalments count together for this long. */
const WINDOW_MS = 10 * 60_000;
const WINDOW_MAX_SAMPLES = 64;

/**
 * Holds back what looks like a disk that was unmounted or wiped: a component whose directory is
 * gone, and deletes of more than a share of a component's keys (and more than a few), counted
 * over a sliding window against the most keys that it held in it. Pure.
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
  const deletes = countDeletes(cache, changes);
  const heldBack = new Map<string, number>();
  const windows = new Map<string, DeleteWindow>();
  for (const [component, count] of deletes) {
    const recent = recentSamples(cache.windows.get(component) ?? [], rules.nowMs);
    const keys = keysOf(cache, component);
    if (rules.confirmDeletes) {
      windows.set(component, []);
      continue;
    }
    const most = Math.max(keys, ...recent.map((sample) => sample.keys));
    const total = count + recent.reduce((sum, sample) => sum + sample.deletes, 0);
    const many = total > FREE_DELETES && total * 100 > rules.maxDeletePercent * most;
    if (many || !components.has(component)) heldBack.set(component, count);
    else if (count > 0) {
      windows.set(component, [...recent, { atMs: rules.nowMs, keys, deletes: count }]);
    }
  }
  if (heldBack.size === 0) return { changes, heldBack, windows };
  return { changes: withoutReleases(changes, heldBack), heldBack, windows };
}

/** Keys that would be deleted, by each component that lets go of them; 0 if all are shared. */
function countDeletes(
  cache: ComponentKeyCache,
  changes: ReadonlyMap<string, OwnershipChange>,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [key, change] of changes) {
    const row = cache.rows.get(key);
    const deleted = ownersAfter(row, change).length === 0 && row?.ours === true;
    for (const component of new Set(change.released.map((owner) => owner.component))) {
      counts.set(component, (counts.get(component) ?? 0) + (deleted ? 1 : 0));
    }
  }
  return counts;
}

function withoutReleases(
  changes: ReadonlyMap<string, OwnershipChange>,
  heldBack: ReadonlyMap<string, number>,
): Map<string, OwnershipChange> {
  const kept = new Map<string, OwnershipChange>();
  for (const [key, change] of changes) {
    const released = change.released.filter((owner) => !heldBack.has(owner.component));
    if (released.length + change.acquired.length > 0) kept.set(key, { ...change, released });
  }
  return kept;
}

/** Samples of the window; one from the future (the clock was set back) still counts. */
function recentSamples(window: DeleteWindow, nowMs: number): DeleteWindow {
  return window.filter((sample) => sample.atMs > nowMs - WINDOW_MS).slice(-WINDOW_MAX_SAMPLES);
}

function keysOf(cache: ComponentKeyCache, component: string): number {
  let keys = 0;
  for (const group of cache.byOwner.get(component)?.values() ?? []) keys += group.size;
  return keys;
}
