/**
 * Tells one directory from another at the same path. An inode is used again once its directory is
 * gone, so the time of birth counts too.
 *
 * @param path the directory; no symlink
 * @returns a text that is another for each directory; empty if none stands there
 * @throws what the file system throws
 */
export function directoryIdentity(path: string): string {
  const { isDirectory, dev, ino, birthtime } = Deno.lstatSync(path);
  return isDirectory ? `${dev}:${ino}:${birthtime?.getTime()}` : "";
}
