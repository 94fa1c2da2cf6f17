import { nearestName } from "../nearest_name.ts";
import { envName, FLAG_NAMES } from "./flags.ts";
import { isJournal } from "./journal.ts";
import { UsageError } from "./usage_error.ts";

/** What the names of our environment variables begin with; the tests have some of their own. */
const ENV_PREFIX = /^EDGEKEYD_(?!TEST_)/;

/**
 * Refuses a variable with our prefix that stands in for no flag: a slip in a settings file would
 * else go unheard, and the default count.
 *
 * @param names of all variables in the environment
 * @throws {UsageError} for the first that is unknown, with the nearest that there is
 */
export function checkEnvironment(names: readonly string[]): void {
  const known = new Set(FLAG_NAMES.map(envName));
  const unknown = names.find((name) => ENV_PREFIX.test(name) && !known.has(name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown.toUpperCase(), known);
  throw new UsageError(
    `unknown environment variable ${JSON.stringify(unknown.slice(0, 80)).slice(1, -1)}` +
      (nearest === undefined ? "; see --help" : `; did you mean ${nearest}?`),
  );
}

/**
 * Whether systemd started this: it has whom to tell how it is, or writes to the journal.
 *
 * @param env reads an environment variable
 */
export function isService(env: (name: string) => string | undefined): boolean {
  return env("NOTIFY_SOCKET") !== undefined || isJournal(env);
}
