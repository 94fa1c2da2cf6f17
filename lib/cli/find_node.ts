import type { NodeClient } from "../agent/mod.ts";
import { findDaemon } from "./daemon.ts";
import type { Options } from "./options.ts";
import type { ProgressBar } from "./progress_bar.ts";
import type { Terminal } from "./terminal.ts";

/** What a command wants of the way to its node. */
export interface NodeWishes {
  /** Do not say which flags a running daemon has other values for: they change nothing here. */
  readonly anyFlags?: true;
  /** A daemon that hangs is told after a few seconds: somebody is looking, and nothing is written. */
  readonly quick?: true;
  /** Draws how far a pass is; a daemon's own can't be drawn. */
  readonly bar?: ProgressBar;
}

/**
 * The way to speak to the node that the flags name: to the daemon that holds its state directory,
 * or, where none does, to this very process.
 *
 * @param options the flags
 * @param terminal where a person is told what they should know
 * @param wishes how this command differs from others
 * @throws {KeyCacheError} `mismatch` if the daemon works for another node or prefix than the flags
 * say, `locked` if somebody holds the directory for longer than `--lock-timeout` and can't be asked
 */
export async function findNode(
  options: Options,
  terminal: Terminal,
  { anyFlags, quick, bar }: NodeWishes = {},
): Promise<NodeClient> {
  const note = noteOn(terminal);
  const daemon = await findDaemon(options, anyFlags ? () => {} : note, quick);
  if (daemon) return daemon;
  // What a command that asks a daemon need not wait for.
  const { restingClient } = await import("./resting_client.ts");
  return restingClient(options, note, bar);
}

/** Tells a person something beside what was asked for, on stderr. */
export function noteOn(terminal: Terminal): (text: string) => void {
  return (text) => terminal.err(`edgekeyd: note: ${text}`);
}
