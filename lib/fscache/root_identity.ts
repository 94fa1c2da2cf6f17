/** Where Linux lists what is mounted in this process's namespace. */
const MOUNTS = "/proc/self/mountinfo";
/** The field of such a line that names the mount point. */
const MOUNT_POINT = 4;

/**
 * Tells one cache root, with all that is mounted in it, from another that took its place. Inodes
 * are used again, so the time of birth counts too; a watch tells nothing of a mount, so each mount
 * below the root counts; and a watch follows the path on which it was begun, so that path counts.
 *
 * @param root the cache root; may be a symlink
 * @returns a text that changes when the root does; empty if there is none
 */
export function identifyRoot(root: string): string {
  try {
    const path = Deno.realPathSync(root);
    const { dev, ino, birthtime } = Deno.statSync(path);
    return [path, dev, ino, birthtime?.getTime(), ...mountsBelow(path)].join("\n");
  } catch (error) {
    // What can't be looked at can't be watched either; the scan says why.
    if (error instanceof Error) return "";
    throw error;
  }
}

/** The lines of what is mounted below a directory; a mount over itself makes it another. */
function mountsBelow(path: string): string[] {
  const below = `${asMountPoint(path)}/`;
  return Deno.readTextFileSync(MOUNTS).split("\n")
    .filter((line) => line.split(" ", MOUNT_POINT + 1)[MOUNT_POINT]?.startsWith(below));
}

/** A path as a mount point is written: blanks and backslashes as octal numbers. */
function asMountPoint(path: string): string {
  const octal = (char: string) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`;
  return path.replace(/[ \t\n\\]/g, octal);
}
