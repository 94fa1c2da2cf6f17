import { ComponentLooks } from "./component_looks.ts";

/** What is remembered of a recorded file that is missing; times of a clock that only runs forward. */
export interface MissingFile {
  /** The first look that did not find it, whether it counts or not, in ms. */
  readonly firstMs: number;
  /** Recorded files of its component that stood just before that, as far as anybody knew. */
  readonly stoodBefore: number;
  /** The first of the looks that count, in ms; undefined if the last look did not. */
  readonly sinceMs: number | undefined;
}

interface Entry extends MissingFile {
  /** The directories on the way, at the looks that count. */
  readonly way: string | undefined;
}

/** A look that did not find a file. */
export interface MissedLook {
  /** When it was, in ms of a clock that only runs forward. */
  readonly atMs: number;
  /** Recorded files of its component that stood just before. */
  readonly stoodBefore: number;
}

/** A clock that was set by less than this looks as steady as one that was not. */
const STEADY_MS = 500;

/**
 * Since when each missing file has been missing, by a clock that only runs forward: file times are
 * no measure in a directory that never rests, nor on a node that boots with a wrong time. The caller
 * keeps one between scans of the same root. It holds recorded files that are missing, and components.
 */
export class AbsenceHistory {
  /**
   * Since when the directories of components have had no backup.
   *
   * @internal
   */
  readonly components: ComponentLooks = new ComponentLooks();
  readonly #entries = new Map<string, Entry>();
  /** How far the wall clock is ahead of the other, and since when. */
  #clock: { readonly aheadMs: number; readonly sinceMs: number } | undefined;

  /** All files that are missing, by canonical path. */
  get missing(): ReadonlyMap<string, MissingFile> {
    return this.#entries;
  }

  /**
   * Notes a look that did not find a file and that counts.
   *
   * @param path its canonical path
   * @param way identifies the directories on the way: looks at other ones don't count together
   * @param look the look
   * @returns since when it has been missing there; undefined if this is the first such look
   */
  missed(path: string, way: string, look: MissedLook): number | undefined {
    const entry = this.#entries.get(path);
    if (entry?.way === way) return entry.sinceMs;
    this.#entries.set(path, { ...firstOf(entry, look), way, sinceMs: look.atMs });
    return undefined;
  }

  /**
   * Notes a look that did not find a file, but does not count: it may only have been moved.
   *
   * @param path its canonical path
   * @param look the look
   */
  lostSightOf(path: string, look: MissedLook): void {
    const first = firstOf(this.#entries.get(path), look);
    this.#entries.set(path, { ...first, way: undefined, sinceMs: undefined });
  }

  /**
   * Forgets a file that was found, or that is not recorded any more.
   *
   * @param path its canonical path
   */
  forget(path: string): void {
    this.#entries.delete(path);
  }

  /**
   * Tells whether the wall clock can be held against file times: not soon after it was set.
   *
   * @param nowMs wall clock, ms since the epoch
   * @param monotonicMs a clock that only runs forward, in ms
   * @param settleMs for how long it must have run steadily; at the first look nobody knows
   * @returns true if so
   */
  isWallClockSteady(nowMs: number, monotonicMs: number, settleMs: number): boolean {
    const aheadMs = nowMs - monotonicMs;
    const before = this.#clock ?? { aheadMs, sinceMs: -Infinity };
    const wasSet = Math.abs(aheadMs - before.aheadMs) > STEADY_MS;
    const sinceMs = wasSet ? monotonicMs : before.sinceMs;
    this.#clock = { aheadMs, sinceMs };
    return monotonicMs - sinceMs >= settleMs;
  }
}

function firstOf(entry: Entry | undefined, look: MissedLook) {
  return {
    firstMs: entry?.firstMs ?? look.atMs,
    stoodBefore: entry?.stoodBefore ?? look.stoodBefore,
  };
}
