import { join } from "@std/path";
import { isAway, serviceSetting } from "./service_settings.ts";

const UNIT = "edgekeyd.service";
/** Where systemd looks for units, the first place that has one counts (systemd.unit(5)). */
const UNIT_PLACES = [
  "etc/systemd/system",
  "run/systemd/system",
  "usr/local/lib/systemd/system",
  "usr/lib/systemd/system",
  "lib/systemd/system",
];
const STATE_DIR = "/var/lib/edgekeyd";

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
  if (installedUnit(root) === undefined) return undefined;
  const own = realPathOf(join(root, serviceSetting("state-dir", root) ?? STATE_DIR));
  return own !== undefined && own === realPathOf(stateDir) ? UNIT : undefined;
}

/**
 * The service that is installed, where systemd runs, and not masked.
 *
 * @param root where the file system begins
 * @returns the unit's name; undefined if there is none
 */
export function installedUnit(root = "/"): string | undefined {
  // Made by systemd as it boots (sd_booted(3)).
  if (realPathOf(join(root, "run/systemd/system")) === undefined) return undefined;
  const unit = UNIT_PLACES.map((place) => realPathOf(join(root, place, UNIT)))
    .find((path) => path !== undefined);
  return unit === undefined || unit === "/dev/null" ? undefined : UNIT;
}

function realPathOf(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (isAway(error)) return undefined;
    throw error;
  }
}
