import { printed } from "../printed.ts";
import { type LostOutput, ProcessStream } from "./process_stream.ts";

/** Where a command prints. */
export interface Terminal {
  /** One line to stdout. */
  out(line: string): void;
  /** One line to stderr. */
  err(line: string): void;
  /** Colours may be used on stdout. */
  readonly colour: boolean;
  /** stderr is a terminal that a person watches. */
  readonly watched: boolean;
  /** Draws over the last line of stderr; the empty text wipes it. */
  redraw(text: string): void;
  /** Why what was to be printed to stdout did not all get there; absent as long as it did. */
  readonly lost?: LostOutput | undefined;
}

/** The terminal of this process. Colour only on a terminal and when NO_COLOR is unset. */
export function processTerminal(noColor: boolean): Terminal {
  const stdout = new ProcessStream(Deno.stdout);
  const stderr = new ProcessStream(Deno.stderr);
  return {
    out: (line) => stdout.write(`${line}\n`),
    err: (line) => stderr.tryToWrite(`${line}\n`),
    colour: !noColor && Deno.stdout.isTerminal(),
    watched: Deno.stderr.isTerminal(),
    redraw: (text) => stderr.tryToWrite(`\r${text}\x1b[K`),
    get lost() {
      return stdout.lost;
    },
  };
}

/**
 * Makes each line that is printed one line indeed: what it quotes (a path, a name, an argument) may
 * hold line breaks, escape codes and what can't be seen, which are shown as `\u000a` instead.
 * Colours stay.
 */
export function lineByLine(terminal: Terminal): Terminal {
  const { colour, watched } = terminal;
  return {
    out: (line) => terminal.out(shown(line, colour)),
    err: (line) => terminal.err(shown(line, false)),
    colour,
    watched,
    redraw: (text) => terminal.redraw(text),
    get lost() {
      return terminal.lost;
    },
  };
}

const COLOURS = { green: "\x1b[32m", yellow: "\x1b[33m", red: "\x1b[31m" };
const NO_COLOUR = "\x1b[0m";

function shown(line: string, coloured: boolean): string {
  const codes = coloured ? [...Object.values(COLOURS), NO_COLOUR] : [];
  return printed(line, (at) => codes.some((code) => line.startsWith(code, at)));
}

/** Paints a word green, yellow or red, if colours may be used. */
export function paint(
  terminal: Terminal,
  colour: keyof typeof COLOURS,
  text: string,
): string {
  if (!terminal.colour) return text;
  return `${COLOURS[colour]}${text}${NO_COLOUR}`;
}
