import type { Phase, Progress } from "../reconcile/mod.ts";
import type { Terminal } from "./terminal.ts";

const SHOW_AFTER_MS = 1_000;
const REDRAW_EVERY_MS = 100;
const BAR_CHARS = 24;

/** What draws the progress of a run. */
export interface ProgressBar {
  /** Told how far a phase is. */
  readonly progress: Progress;
  /** Told which phase begins; undefined: it has ended. */
  readonly onPhase: (phase: Phase | undefined) => void;
}

/**
 * A progress bar on stderr, for a person who watches; it shows up once scan or commit take longer
 * than a second, and is gone when they end. One Txn can take long, hence a timer.
 *
 * @param terminal where to draw
 * @param monotonicMs a clock
 */
export function progressBar(terminal: Terminal, monotonicMs: () => number): ProgressBar {
  let phase: Phase | undefined;
  let phaseStartMs = 0;
  let drawnAtMs = -Infinity;
  let shown = false;
  let text = "";
  let timer: ReturnType<typeof setInterval> | undefined;
  const draw = () => {
    const nowMs = monotonicMs();
    if (nowMs - phaseStartMs < SHOW_AFTER_MS || nowMs - drawnAtMs < REDRAW_EVERY_MS) return;
    drawnAtMs = nowMs;
    shown = true;
    terminal.redraw(text);
  };
  return {
    progress(now, done, total) {
      text = line(now, done, total);
      if (timer !== undefined && now === phase) draw();
    },
    onPhase(now) {
      if (!terminal.watched) return;
      clearInterval(timer);
      timer = undefined;
      if (shown) terminal.redraw("");
      shown = false;
      phase = now;
      if (now !== "scan" && now !== "commit") return;
      text = now;
      phaseStartMs = monotonicMs();
      timer = setInterval(draw, REDRAW_EVERY_MS);
    },
  };
}

function line(phase: string, done: number, total: number | undefined): string {
  if (total === undefined) return `${phase}  ${done} files`;
  const filled = Math.round((done / Math.max(1, total)) * BAR_CHARS);
  const bar = "#".repeat(filled) + ".".repeat(BAR_CHARS - filled);
  return `${phase}  [${bar}]  ${done}/${total} keys`;
}
