import type { Progress } from "../reconcile/mod.ts";
import type { Terminal } from "./terminal.ts";

const SHOW_AFTER_MS = 1_000;
const REDRAW_EVERY_MS = 100;
const BAR_CHARS = 24;

/**
 * A progress bar on stderr, for a person who watches; it shows up once a phase takes longer than
 * a second.
 *
 * @param terminal where to draw
 * @param monotonicMs a clock
 * @returns what to call as work goes on, and at its end
 */
export function progressBar(
  terminal: Terminal,
  monotonicMs: () => number,
): { progress: Progress; end: () => void } {
  let phase = "";
  let phaseStartMs = 0;
  let drawnAtMs = -Infinity;
  let shown = false;
  return {
    progress(now, done, total) {
      if (!terminal.watched) return;
      const nowMs = monotonicMs();
      if (now !== phase) {
        phase = now;
        phaseStartMs = nowMs;
      }
      if (nowMs - phaseStartMs < SHOW_AFTER_MS || nowMs - drawnAtMs < REDRAW_EVERY_MS) return;
      drawnAtMs = nowMs;
      shown = true;
      terminal.redraw(line(phase, done, total));
    },
    end() {
      if (shown) terminal.redraw("");
    },
  };
}

function line(phase: string, done: number, total: number | undefined): string {
  if (total === undefined) return `${phase}  ${done} files`;
  const filled = Math.round((done / Math.max(1, total)) * BAR_CHARS);
  const bar = "#".repeat(filled) + ".".repeat(BAR_CHARS - filled);
  return `${phase}  [${bar}]  ${done}/${total} keys`;
}
