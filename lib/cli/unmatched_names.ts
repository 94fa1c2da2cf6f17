import { DenoFileSystem, ExcludedResources, isHuge, parseDirectory } from "../fscache/mod.ts";
import { builtinResources, type Gvr } from "../k8s/mod.ts";
import { nearestName } from "../nearest_name.ts";
import type { Options } from "./options.ts";

/**
 * Tells what `--components` and `--exclude-resources` name that is nowhere: most likely a slip, by
 * which too much or too little would be looked at without a word.
 *
 * @param options the flags
 * @returns one line each, with the nearest name that there is
 */
export function unmatchedNames(
  options: Pick<Options, "cacheDir" | "components" | "excludeResources">,
): string[] {
  const { cacheDir, components = new Set(), excludeResources = new Set() } = options;
  if (components.size === 0 && excludeResources.size === 0) return [];
  const present = directoriesIn(cacheDir);
  const directories = [...new Set([...present?.values() ?? []].flat())];
  const resources = [...builtinResources().map(named), ...directories.map(resourceNames)].flat();
  const isResource = (text: string) => {
    const excluded = new ExcludedResources([text]);
    return builtinResources().some((one) => excluded.has({ version: "v1", ...one })) ||
      directories.some((directory) => excluded.hasDirectory(directory));
  };
  return [
    ...(present ? [...components].filter((name) => !present.has(name)) : []).map((name) =>
      `--components ${name}: ${cacheDir} has no such component${meant(name, present?.keys() ?? [])}`
    ),
    ...[...excludeResources].filter((text) => !isResource(text)).map((text) =>
      `--exclude-resources ${text}: neither Kubernetes nor ${cacheDir} has such a resource` +
      meant(text.slice(text.lastIndexOf("/") + 1).toLowerCase(), resources)
    ),
  ];
}

/** The directories of each component; undefined without a root, which the run itself says. */
function directoriesIn(root: string): Map<string, string[]> | undefined {
  const fs = new DenoFileSystem(root);
  const namesIn = (path: string): string[] | undefined => {
    try {
      return fs.readDir(path).filter(({ kind }) => kind === "directory").map(({ name }) => name);
    } catch {
      return undefined;
    }
  };
  const components = namesIn(root)?.map((component): [string, string[]] => [
    component,
    isHuge(fs, `${root}/${component}`) ? [] : namesIn(`${root}/${component}`) ?? [],
  ]);
  return components && new Map(components);
}

function resourceNames(directory: string): string[] {
  const group = parseDirectory(directory);
  if (group === undefined) return [];
  return group.gvr === undefined ? [group.resource] : named(group.gvr);
}

/** As the flag may name it. */
function named({ group, resource }: Pick<Gvr, "group" | "resource">): string[] {
  return group === "" ? [resource] : [resource, `${resource}.${group}`];
}

function meant(text: string, names: Iterable<string>): string {
  const nearest = nearestName(text, names);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}
