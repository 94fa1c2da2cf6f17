import { KeyCacheError } from "./errors.ts";
import type { KvStore } from "./kv_store.ts";

/**
 * The files of the state directory as they were opened. What is written to a file whose directory
 * was emptied, renamed or mounted over is lost with this process: the next one finds whatever
 * stands at the path.
 */
export class OpenedFiles {
  readonly #identities = new Map<string, string>();

  /**
   * Remembers a file that was just opened; one that is not there is left out.
   *
   * @param path where it stands
   * @param info what was opened, if that is known better than from its path
   */
  note(path: string, info?: Deno.FileInfo): void {
    const identity = info ? identify(info) : identityAt(path);
    if (identity !== "") this.#identities.set(path, identity);
  }

  /**
   * Forgets a file that is closed, or was moved by us.
   *
   * @param path where it stood
   */
  forget(path: string): void {
    this.#identities.delete(path);
  }

  /**
   * Looks whether each file still is the one that was opened.
   *
   * @throws {KeyCacheError} `replaced` if one is not
   */
  check(): void {
    for (const [path, identity] of this.#identities) {
      if (identityAt(path) === identity) continue;
      throw new KeyCacheError(
        "replaced",
        `${path} is not the file any more that was opened: its directory was emptied, moved or ` +
          "mounted over; nothing is written until it is back; if it can't be brought back, " +
          "restart edgekeyd, which then goes by what it finds there",
      );
    }
  }
}

/**
 * Refuses to commit once a file of the state directory is another.
 *
 * @param store the database
 * @param files all files that it depends on
 * @param companions of these, the ones that it has open as long as it is open itself
 */
export function guardedStore(
  store: KvStore,
  files: OpenedFiles,
  companions: readonly string[],
): KvStore {
  return {
    path: store.path,
    ...(store.limits && { limits: store.limits }),
    list: (prefix) => store.list(prefix),
    async commit(mutations, absent) {
      files.check();
      await store.commit(mutations, absent);
    },
    close() {
      for (const path of companions) files.forget(path);
      store.close();
    },
  };
}

/** Empty if nothing stands there, or it can't be looked at. */
function identityAt(path: string): string {
  try {
    return identify(Deno.lstatSync(path));
  } catch (error) {
    if (error instanceof Error) return "";
    throw error;
  }
}

/** An inode is used again once its file is gone, so the time of birth counts too. */
function identify({ dev, ino, birthtime }: Deno.FileInfo): string {
  return `${dev}:${ino}:${birthtime?.getTime()}`;
}
