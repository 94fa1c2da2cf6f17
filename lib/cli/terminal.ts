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
}

const encoder = new TextEncoder();

/** The terminal of this process. Colour only on a terminal and when NO_COLOR is unset. */
export function processTerminal(noColor: boolean): Terminal {
  return {
    out: (line) => writeAll(Deno.stdout, `${line}\n`),
    err: (line) => writeAll(Deno.stderr, `${line}\n`),
    colour: !noColor && Deno.stdout.isTerminal(),
    watched: Deno.stderr.isTerminal(),
    redraw: (text) => writeAll(Deno.stderr, `\r${text}\x1b[K`),
  };
}

/** Paints a word green, yellow or red, if colours may be used. */
export function paint(
  terminal: Terminal,
  colour: "green" | "yellow" | "red",
  text: string,
): string {
  if (!terminal.colour) return text;
  const code = { green: 32, yellow: 33, red: 31 }[colour];
  return `\x1b[${code}m${text}\x1b[0m`;
}

/** A closed pipe (`edgekeyd keys | head`) ends the output, not the program. */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
