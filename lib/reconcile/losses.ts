import type { DeleteSample, DeleteWindow } from "../keycache/mod.ts";

/** Deletes count together for this long. */
export const WINDOW_MS = 10 * 60_000;
/** Deletes within such a slot are kept as one sample, so that a window stays small. */
const SLOT_MS = 10_000;
/** So few in one slot are single deletes: whatever they add up to, a wipe is faster. */
const SINGLES = 2;

/** What a component lost in a window, keys that came in between taken off. */
export interface Loss {
  /** Keys. */
  readonly lost: number;
  /** The most keys that it held in the window. */
  readonly most: number;
}

/**
 * What is left of a stored window.
 *
 * @param window as it was stored
 * @param nowMs wall clock, ms since the epoch
 * @returns samples of the last ten minutes. A clock that was set back leaves some of the future:
 * they count as of now, but not those that no clock was ever right about
 */
export function recentSamples(window: DeleteWindow, nowMs: number): DeleteWindow {
  return window.filter(({ atMs }) => Math.abs(nowMs - atMs) < WINDOW_MS)
    .map((sample) => ({ ...sample, atMs: Math.min(sample.atMs, nowMs) }));
}

/**
 * Joins what happened within a few seconds.
 *
 * @param samples oldest first
 * @returns fewer of them, which make for the same loss
 */
export function condensed(samples: DeleteWindow): DeleteSample[] {
  const slots: DeleteSample[] = [];
  for (const sample of samples) {
    const last = slots.at(-1);
    if (last === undefined || slotOf(last) !== slotOf(sample)) slots.push(sample);
    else {
      const kept = Math.max(0, last.deletes - grownSince(last, sample));
      const deletes = kept + sample.deletes;
      const keys = sample.keys - sample.deletes + deletes;
      slots[slots.length - 1] = { atMs: sample.atMs, keys, deletes };
    }
  }
  return slots;
}

/**
 * Joins all deletes that are too old to count with any later ones: a window that is to be stored must
 * stay small, however long its files have been missing.
 *
 * @param samples oldest first
 * @param nowMs wall clock, ms since the epoch
 * @returns as many deletes
 */
export function withOldJoined(samples: DeleteWindow, nowMs: number): DeleteWindow {
  const recent = samples.findIndex(({ atMs }) => nowMs - atMs < WINDOW_MS);
  const old = recent < 0 ? samples : samples.slice(0, recent);
  const latest = old.at(-1);
  if (latest === undefined) return samples;
  const deletes = old.reduce((sum, sample) => sum + sample.deletes, 0);
  return [{ ...latest, deletes }, ...samples.slice(old.length)];
}

/**
 * The losses of all windows that end with a sample.
 *
 * @param samples oldest first, condensed
 * @returns one for each sample
 */
export function losses(samples: DeleteWindow): Loss[] {
  let from = 0;
  return samples.map((end, at) => {
    while ((samples[from]?.atMs ?? Infinity) <= end.atMs - WINDOW_MS) from++;
    return lossOf(samples.slice(from, at + 1));
  });
}

/** Keys that came between two samples make up for as many deletes: that is everyday turnover. */
function lossOf(window: DeleteWindow): Loss {
  let lost = 0;
  let most = 0;
  let last: DeleteSample | undefined;
  for (const sample of window) {
    if (last !== undefined) lost = Math.max(0, lost - grownSince(last, sample));
    if (sample.deletes > SINGLES) lost += sample.deletes;
    most = Math.max(most, sample.keys);
    last = sample;
  }
  return { lost, most };
}

/** What was let go of by name, or is shared, is no growth and no loss either. */
function grownSince(before: DeleteSample, after: DeleteSample): number {
  return Math.max(0, after.keys - (before.keys - before.deletes));
}

function slotOf({ atMs }: DeleteSample): number {
  return Math.floor(atMs / SLOT_MS);
}
