import { EdgekeydError } from "../errors.ts";
import { formatGvr, parseGvr } from "../k8s/mod.ts";

/** A key that OpenYurt's own etcd storage recorded, and for whom. */
export interface RecordedKey {
  /** Who holds it. */
  readonly component: string;
  /** As in `formatGvr`. */
  readonly gvr: string;
  /** The object key, from its first slash on. */
  readonly key: string;
}

/** The file is not a `component-key-cache` of OpenYurt's. */
export class KeyCacheFileError extends EdgekeydError {
  /** The name of the class. */
  override name = "KeyCacheFileError";

  /**
   * A refusal.
   *
   * @param message what is wrong with it
   * @param options the underlying cause, if any
   */
  constructor(message: string, options?: ErrorOptions) {
    super("KeyCacheFile", message, options);
  }
}

/**
 * Reads the file `component-key-cache` of OpenYurt's etcd storage: a line for each component,
 * `component#group_version_resource:key,key;group_version_resource:key`, the core group empty.
 *
 * @param text the whole file
 * @throws {KeyCacheFileError} if a line is anything else; nothing is guessed
 */
export function parseOpenyurtKeyCache(text: string): RecordedKey[] {
  const keys: RecordedKey[] = [];
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "") return;
    const [, component = "", groups] = /^([^#/]+)#(.*)$/.exec(line) ?? [];
    if (groups === undefined) throw badLine(index, "no component before a #");
    for (const group of groups.split(";")) {
      if (group === "") continue;
      // RBAC names hold colons, so only the first one ends the gvr.
      const [, name, version, resource, list] = /^([^_:]*)_([^_:]+)_([^_:]+):(.*)$/.exec(group) ??
        [];
      const parsed = parseGvr(`${resource}.${version}.${name === "" ? "core" : name}`);
      if (list === undefined || !parsed) throw badLine(index, "no group_version_resource");
      const gvr = formatGvr(parsed);
      for (const key of list.split(",")) {
        if (key === "") continue;
        if (!key.startsWith("/")) throw badLine(index, "a key without a slash in front");
        keys.push({ component, gvr, key });
      }
    }
  });
  return keys;
}

function badLine(index: number, reason: string): KeyCacheFileError {
  return new KeyCacheFileError(
    `line ${index + 1} is not one of OpenYurt's component-key-cache: ${reason}`,
  );
}
