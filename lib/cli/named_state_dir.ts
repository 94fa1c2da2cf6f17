import { resolve } from "@std/path";
import { withStateDir } from "../own_commands.ts";
import { flag } from "./flags.ts";

/**
 * The state directory that commands have to name, since it is not where they look by themselves.
 *
 * @param stateDir `--state-dir`
 * @returns its whole path; undefined if it is the default
 */
export function namedStateDir(stateDir: string): string | undefined {
  const path = resolve(stateDir);
  return path === flag("state-dir").default ? undefined : path;
}

/**
 * Has what is printed suggest commands that can be typed as they stand.
 *
 * @param stateDir `--state-dir`
 * @returns makes it of a line
 */
export function namingStateDir(stateDir: string): (line: string) => string {
  const named = namedStateDir(stateDir);
  return (line) => withStateDir(line, named);
}
