import { mounting } from "./mounts.ts";

/**
 * A file system of 2 MiB, which only root can make, and not in every container.
 *
 * @param path a directory that is made for it
 * @returns undefined if that is not allowed
 */
export function smallDisk(path: string): Disposable | undefined {
  Deno.mkdirSync(path);
  if (!mounting("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", path)) return undefined;
  return { [Symbol.dispose]: () => void mounting("umount", "-l", path) };
}

/** Fills a disk to its last byte. */
export function fill(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (const size of [64 * 1024, 1]) {
    try {
      while (true) file.writeSync(new Uint8Array(size));
    } catch (error) {
      if (!/No space left/i.test(String(error))) throw error;
    }
  }
}
