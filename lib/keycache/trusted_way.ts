import { dirname, join } from "@std/path";
import { KeyCacheError } from "./errors.ts";

/** Whose a state directory is, and how one gets there. */
export interface Way {
  /** The owner of the directory; of the last one above it that is there if it is missing. */
  readonly uid: number;
  readonly gid: number;
  /** Its owner can get there. */
  readonly isReachable: boolean;
}

/** A directory on the way, and what of it leads on. */
interface Step {
  readonly directory: string;
  readonly info: Deno.FileInfo;
  readonly entry: string;
  readonly entryInfo: Deno.FileInfo;
}

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;
const CURE = "give a --state-dir below directories that are root's alone, or run this as its owner";

/**
 * Looks at each directory on the way to a state directory, those that links lead through included:
 * none may be one in which another user could have put something else in its place.
 *
 * @param path the state directory, absolute; it may be missing
 * @returns whose it is
 * @throws {KeyCacheError} `unsafe` if a directory on the way is anybody's but root's and the state
 * directory's owner's, or can be written to by others (in one with the sticky bit what leads on
 * must be root's)
 * @throws {Deno.errors.PermissionDenied} and what else of Deno's, if a directory can't be looked at
 */
export function trustWay(path: string): Way {
  const { steps, end } = walk(path);
  const uid = end.uid ?? 0;
  const gid = end.gid ?? 0;
  for (const step of steps) checkStep(step, path, uid);
  return { uid, gid, isReachable: steps.every(({ info }) => isSearchable(info, uid, gid)) };
}

function walk(path: string): { readonly steps: readonly Step[]; readonly end: Deno.FileInfo } {
  const steps: Step[] = [];
  let rest = namesIn(path);
  let directory = "/";
  let info = Deno.lstatSync(directory);
  for (let links = 0; rest.length > 0;) {
    const [name = "", ...beyond] = rest;
    rest = beyond;
    if (name === "..") {
      directory = dirname(directory);
      info = Deno.lstatSync(directory);
      continue;
    }
    const entry = join(directory, name);
    const entryInfo = lookAt(entry);
    if (!entryInfo) break;
    steps.push({ directory, info, entry, entryInfo });
    if (!entryInfo.isSymlink) {
      [directory, info] = [entry, entryInfo];
      continue;
    }
    if (++links > MAX_LINKS) throw new KeyCacheError("unsafe", `${path} leads through links only`);
    const target = Deno.readLinkSync(entry);
    rest = [...namesIn(target), ...rest];
    if (target.startsWith("/")) [directory, info] = ["/", Deno.lstatSync("/")];
  }
  return { steps, end: info };
}

function namesIn(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    // Whoever makes what is missing says what stands in the way.
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

function checkStep({ directory, info, entry, entryInfo }: Step, path: string, owner: number): void {
  const above = `${directory}, on the way to the state directory ${path},`;
  if (info.uid !== 0 && info.uid !== owner) {
    throw new KeyCacheError("unsafe", `${above} is user ${info.uid}'s, who could swap it: ${CURE}`);
  }
  const mode = info.mode ?? 0;
  if ((mode & WRITABLE_BY_OTHERS) === 0) return;
  if ((mode & STICKY) === 0) {
    throw new KeyCacheError(
      "unsafe",
      `${above} can be written to by others (mode ${octal(mode)}), who could swap it: ${CURE}`,
    );
  }
  if (entryInfo.uid === 0) return;
  throw new KeyCacheError(
    "unsafe",
    `${entry} was made by user ${entryInfo.uid} in ${directory}, where everybody can make ` +
      `something: ${CURE}`,
  );
}

/** By its mode; what an access control list says counts for no. */
function isSearchable({ mode, uid, gid }: Deno.FileInfo, user: number, group: number): boolean {
  const bit = uid === user ? 0o100 : gid === group ? 0o010 : 0o001;
  return ((mode ?? 0) & bit) !== 0;
}

/**
 * The permission bits of a mode, as a person writes them.
 *
 * @param mode as stat has it
 */
export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}
