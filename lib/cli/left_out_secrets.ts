import { plural } from "../plural.ts";

/**
 * Says how many core Secrets are left out, and how they are imported.
 *
 * @param count how many
 * @param isSeen a daemon counts them as they come; else it is what the last full pass left out
 */
export function leftOutSecrets(count: number, isSeen = false): string {
  const when = isSeen ? "" : " at the last full pass";
  return `${plural(count, "core Secret")}${when} (--include-secrets)`;
}
