import { directoryIdentity } from "./directory_identity.ts";

/**
 * Tells one cache root from another that took its place. A watch follows the path on which it was
 * begun, so that path counts as well as the directory.
 *
 * @param root the cache root; may be a symlink
 * @returns a text that changes when the root does; empty if there is none
 */
export function identifyRoot(root: string): string {
  try {
    const path = Deno.realPathSync(root);
    return `${path}:${directoryIdentity(path)}`;
  } catch (error) {
    // What can't be looked at can't be watched either; the scan says why.
    if (error instanceof Error) return "";
    throw error;
  }
}
