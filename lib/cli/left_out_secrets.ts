import { plural } from "../plural.ts";

/**
 * Says how many core Secrets the last full pass left out, and how they are imported.
 *
 * @param count how many
 */
export function leftOutSecrets(count: number): string {
  return `${plural(count, "core Secret")} at the last full pass (--include-secrets)`;
}
