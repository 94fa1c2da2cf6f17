import { join } from "@std/path";
import { EdgekeydError } from "../errors.ts";
import { readRegularFile } from "../regular_file.ts";
import { envName, type FlagName } from "./flags.ts";

/** What the installed unit reads its flags from; root's alone. */
export const SERVICE_SETTINGS = "/etc/default/edgekeyd";
const MAX_BYTES = 1024 * 1024;

/**
 * What the installed service's settings say of a flag.
 *
 * @param name the flag
 * @param root where the file system begins
 * @returns its text, without quotes; undefined if they don't name it, or can't be read
 */
export function serviceSetting(name: FlagName, root = "/"): string | undefined {
  let text: string;
  try {
    text = new TextDecoder().decode(readRegularFile(join(root, SERVICE_SETTINGS), MAX_BYTES));
  } catch (error) {
    // systemd takes nothing from what is no file, or far too large.
    if (isAway(error) || error instanceof EdgekeydError) return undefined;
    throw error;
  }
  const lines = [...text.matchAll(/^[ \t]*(EDGEKEYD_[A-Z_]+)[ \t]*=[ \t]*(.*?)[ \t]*$/gm)];
  // The last line counts, as for systemd.
  const named = lines.findLast(([, variable]) => variable === envName(name));
  return named?.[2]?.replace(/^(["'])(.*)\1$/, "$2") || undefined;
}

/**
 * Tells whether the installed service's settings are kept from this user: then nobody here can say
 * what they name.
 *
 * @param root where the file system begins
 */
export function areSettingsClosed(root = "/"): boolean {
  try {
    readRegularFile(join(root, SERVICE_SETTINGS), MAX_BYTES);
    return false;
  } catch (error) {
    return isForbidden(error);
  }
}

/**
 * Tells whether something is not there, or may not be looked at, which says nothing either.
 *
 * @param error what a look at it threw
 */
export function isAway(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    isForbidden(error);
}

function isForbidden(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable;
}
