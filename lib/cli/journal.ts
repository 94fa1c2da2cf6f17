import { fstatSync } from "node:fs";

/** Tells one file of the system from another. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/**
 * Tells whether what is written to stderr goes straight to systemd's journal: JOURNAL_STREAM names
 * its stream by device and inode (systemd.exec(5)), and a redirected stderr is another.
 *
 * @param env reads an environment variable
 * @param stderr what stderr is; by default this process' own
 */
export function isJournal(
  env: (name: string) => string | undefined,
  stderr: () => FileIdentity = () => fstatSync(2),
): boolean {
  const named = env("JOURNAL_STREAM");
  if (named === undefined) return false;
  try {
    const { dev, ino } = stderr();
    return named === `${dev}:${ino}`;
  } catch {
    // It was closed: nobody reads it.
    return false;
  }
}
