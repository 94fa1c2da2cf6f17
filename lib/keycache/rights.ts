import process from "node:process";
import { KeyCacheError } from "./errors.ts";

/** The number of the user with whose rights this process acts now; undefined if it has none. */
export function effectiveUser(): number | undefined {
  return process.geteuid?.();
}

/** Whether this process acts as root now. */
export function isRoot(): boolean {
  return effectiveUser() === 0;
}

/**
 * Has root act with the rights of another user and their group. It is the whole process that does,
 * so that nothing else may be under way until they are given back.
 *
 * @param uid the user
 * @param gid their group
 * @param directory whose owner that is, for messages
 * @returns gives root's rights back when it is disposed of
 * @throws {KeyCacheError} `unsafe` if root may not do that here
 */
export function takeOnRights(uid: number, gid: number, directory: string): Disposable {
  const before = Deno.gid() ?? 0;
  const giveBack = () => {
    process.seteuid?.(0);
    process.setegid?.(before);
  };
  try {
    if (!process.seteuid || !process.setegid) throw new Error("this Deno can't");
    // Who is not root any more can't change the group.
    process.setegid(gid);
    process.seteuid(uid);
  } catch (error) {
    giveBack();
    throw new KeyCacheError(
      "unsafe",
      `${directory} is user ${uid}'s, whose rights this process can't take on ` +
        `(${error instanceof Error ? error.message : error}): run this as that user`,
      { cause: error },
    );
  }
  return { [Symbol.dispose]: giveBack };
}
