import type { FsCache } from "./look.ts";

/**
 * Tells of groups that look like Kubernetes' own and are not known to be: if one is, because this
 * Kubernetes is newer, its keys are elsewhere. Each is told once.
 *
 * @param source the fs cache
 * @returns one line each
 */
export function strangerNotes({ customs }: FsCache): string[] {
  return (customs?.takeStrangers() ?? []).map((group) =>
    `took ${group} for a group of custom resources: no Kubernetes from 1.28 to 1.38 has it, and ` +
    "neither restmapper nor CustomResourceDefinitions of the fs cache name it"
  );
}
