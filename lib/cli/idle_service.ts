import { join } from "@std/path";
import { EdgekeydError } from "../errors.ts";
import { readRegularFile } from "../regular_file.ts";

const UNIT = "edgekeyd.service";
/** Where systemd looks for units, the first place that has one counts (systemd.unit(5)). */
const UNIT_PLACES = [
  "etc/systemd/system",
  "run/systemd/system",
  "usr/local/lib/systemd/system",
  "usr/lib/systemd/system",
  "lib/systemd/system",
];
/** What the unit reads its flags from. */
const SETTINGS = "etc/default/edgekeyd";
const STATE_DIR = "/var/lib/edgekeyd";
const MAX_SETTINGS_BYTES = 1024 * 1024;

/**
 * The service that should hold a state directory which nobody holds: a unit that is installed,
 * where systemd runs, and that is not masked. systemd itself is not asked, since that takes another
 * program.
 *
 * @param stateDir the state directory
 * @param root where the file system begins
 * @returns the unit's name; undefined if there is none for that directory
 */
export function idleService(stateDir: string, root = "/"): string | undefined {
  // Made by systemd as it boots (sd_booted(3)).
  if (realPathOf(join(root, "run/systemd/system")) === undefined) return undefined;
  const unit = UNIT_PLACES.map((place) => realPathOf(join(root, place, UNIT)))
    .find((path) => path !== undefined);
  if (unit === undefined || unit === "/dev/null") return undefined;
  const own = realPathOf(join(root, stateDirIn(join(root, SETTINGS))));
  return own !== undefined && own === realPathOf(stateDir) ? UNIT : undefined;
}

/** The state directory that the settings name; the last line counts, as for systemd. */
function stateDirIn(settings: string): string {
  let text: string;
  try {
    text = new TextDecoder().decode(readRegularFile(settings, MAX_SETTINGS_BYTES));
  } catch (error) {
    // systemd takes nothing from what is no file, or far too large.
    if (isAway(error) || error instanceof EdgekeydError) return STATE_DIR;
    throw error;
  }
  const named = [...text.matchAll(/^[ \t]*EDGEKEYD_STATE_DIR[ \t]*=[ \t]*(.*?)[ \t]*$/gm)].at(-1);
  return named?.[1]?.replace(/^(["'])(.*)\1$/, "$2") || STATE_DIR;
}

function realPathOf(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (isAway(error)) return undefined;
    throw error;
  }
}

/** What may not be looked at says nothing either. */
function isAway(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable;
}
