import { plural } from "../plural.ts";
import type { SnapshotDiff } from "./diff.ts";
import type { GuardVerdict } from "./guard.ts";

/** What a look and the guard made of core Secrets that are left out. */
type Judged = {
  readonly diff: Pick<SnapshotDiff, "changes" | "secrets">;
  readonly guarded: Pick<GuardVerdict, "changes" | "heldBack">;
};

/** Why a Secret is let go, as a plan has it. */
export const SECRETS_LEFT_OUT = "core Secrets are left out without --include-secrets";

/**
 * Keys of Secrets that were imported before, and that the guard does not let go of.
 *
 * @param judged what was found, and what the guard says
 */
export function secretsHeldBack({ diff, guarded }: Judged): Set<string> {
  const released = (changes: SnapshotDiff["changes"], key: string) =>
    changes.get(key)?.released.length ?? 0;
  return new Set(
    [...diff.secrets.letGo].filter((key) =>
      released(guarded.changes, key) < released(diff.changes, key)
    ),
  );
}

/**
 * Keys of Secrets of the fs cache that are left out: those that stay in etcd for now are not.
 *
 * @param judged what was found, and what the guard says
 * @returns by group (`component/directory`), as far as it was looked at
 */
export function secretsLeftOut(judged: Judged): Map<string, ReadonlySet<string>> {
  const held = secretsHeldBack(judged);
  const leftOut = new Map<string, ReadonlySet<string>>();
  for (const [group, keys] of judged.diff.secrets.found) leftOut.set(group, keys.difference(held));
  return leftOut;
}

/**
 * How many Secrets these are: several components may have the same.
 *
 * @param byGroup their keys
 */
export function countSecrets(byGroup: ReadonlyMap<string, ReadonlySet<string>>): number {
  const all = new Set<string>();
  for (const keys of byGroup.values()) for (const key of keys) all.add(key);
  return all.size;
}

/**
 * What a person is told of Secrets that were imported before.
 *
 * @param letGo how many are let go
 * @param heldBack how many the guard holds back
 * @param isDry whether all of that is only what would be
 * @returns one line each
 */
export function secretNotes(letGo: number, heldBack: number, isDry: boolean): string[] {
  const are = (count: number) => (count === 1 ? "is" : "are");
  const were = (count: number) => (isDry ? "would be" : count === 1 ? "was" : "were");
  return [
    ...(letGo > 0
      ? [
        `${plural(letGo, "core Secret")} that had been imported ${were(letGo)} let go: without ` +
        "--include-secrets they are left out",
      ]
      : []),
    ...(heldBack > 0
      ? [
        `${plural(heldBack, "core Secret")} that had been imported ${
          are(heldBack)
        } to be let go, ` +
        "since --include-secrets is not given: held back until the deletes are confirmed",
      ]
      : []),
  ];
}
