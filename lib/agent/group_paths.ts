/**
 * The group (`component/directory`) that a path of the fs cache is about; of one above the groups
 * the component.
 *
 * @param path as it is on disk: what is below a backup (`tmp_…`) is about what it backs up
 */
export function groupOfPath(path: string): string {
  return path.split("/", 2).map((segment) => segment.replace(/^(tmp_)+/, "")).join("/");
}

/**
 * The component that a path of the fs cache is about.
 *
 * @param path as it is on disk
 */
export function componentOfPath(path: string): string {
  return groupOfPath(path).split("/", 1)[0] ?? "";
}

/**
 * The component of a group.
 *
 * @param group `component/directory`
 */
export function componentOfGroup(group: string): string {
  return group.slice(0, group.indexOf("/"));
}

/**
 * Tells whether a path stands above the groups.
 *
 * @param path as it is on disk
 */
export function isAboveGroups(path: string): boolean {
  return !path.includes("/");
}
