import type { DirEntry } from "./file_system.ts";
import { canonicalName, isBackup } from "./layout.ts";

/** An entry of a listing that counts. */
export interface StandingEntry {
  /** As it is on disk. */
  readonly name: string;
  /** `mismatch`: a backup and what it backs up are not of one kind, so neither can be trusted. */
  readonly kind: DirEntry["kind"] | "mismatch";
}

/**
 * Takes from a listing, for each canonical name, the entry that counts: the backup if there is
 * one, since what it backs up may be half written.
 *
 * @param entries the listing
 * @returns the entries that count
 */
export function standingEntries(entries: readonly DirEntry[]): readonly StandingEntry[] {
  if (!entries.some((entry) => isBackup(entry.name))) return entries;
  const standing = new Map<string, StandingEntry>();
  for (const entry of entries) {
    const canonical = canonicalName(entry.name);
    const other = standing.get(canonical);
    standing.set(canonical, other === undefined ? entry : backupOf(entry, other));
  }
  return [...standing.values()];
}

function backupOf(a: StandingEntry, b: StandingEntry): StandingEntry {
  const backup = a.name.length > b.name.length ? a : b;
  return a.kind === b.kind ? backup : { name: backup.name, kind: "mismatch" };
}
