import { printed } from "../printed.ts";

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

/** Why output did not get where it was to go. */
export interface LostOutput {
  /** In a few words. */
  readonly reason: string;
  /** Its reader had gone, which may have had what it wanted (`edgekeyd keys | head -1`). */
  readonly isUnread: boolean;
}

const encoder = new TextEncoder();
/** How long a pipe that is full is left to its reader, in milliseconds. */
const FULL_PIPE_MS = 5;

/** The terminal of this process. Colour only on a terminal and when NO_COLOR is unset. */
export function processTerminal(noColor: boolean): Terminal {
  const stdout = new Output(Deno.stdout);
  const stderr = new Output(Deno.stderr);
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

/** A stream of this process. What can't be printed is no reason to leave work undone. */
class Output {
  readonly #stream: { writeSync(bytes: Uint8Array): number };
  /** Why a text was lost. */
  lost: LostOutput | undefined;

  constructor(stream: { writeSync(bytes: Uint8Array): number }) {
    this.#stream = stream;
  }

  /** Writes a text, unless one was lost before: a gap in the middle would be worse than an end. */
  write(text: string): void {
    if (this.lost) return;
    try {
      this.#writeAll(text);
    } catch (error) {
      const isUnread = error instanceof Deno.errors.BrokenPipe;
      const said = error instanceof Error ? error.message : String(error);
      this.lost = { reason: isUnread ? "its reader has gone" : said, isUnread };
    }
  }

  /** Writes a text, whatever became of those before: there may be space again. */
  tryToWrite(text: string): void {
    try {
      this.#writeAll(text);
    } catch {
      // There is nowhere left to say so.
    }
  }

  #writeAll(text: string): void {
    let bytes = encoder.encode(text);
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(this.#stream.writeSync(bytes));
      } catch (error) {
        if (!(error instanceof Deno.errors.WouldBlock)) throw error;
        // Who started this has a pipe that does not block, and reads more slowly than we write.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_MS);
      }
    }
  }
}
