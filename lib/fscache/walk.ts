import { isSegment } from "../k8s/mod.ts";
import type { Coverage } from "./coverage.ts";
import type { InvalidPaths } from "./invalid_paths.ts";
import { canonicalName, INTERNAL_DIRECTORY, isBackup, parseDirectory } from "./layout.ts";
import { type Listings, TooManyEntries } from "./listings.ts";
import type { ObjectFiles } from "./object_files.ts";
import type { Place } from "./place.ts";
import type { Rewrites } from "./rewrites.ts";
import type { Slices } from "../slices.ts";
import type { KnownFile } from "./snapshot.ts";
import type { StandingEntry } from "./standing_entries.ts";

const NOT_A_SEGMENT = "not a name that Kubernetes allows in a path";
const REASON: Record<StandingEntry["kind"], string> = {
  file: "a file where a directory should be",
  directory: "a directory where an object should be",
  symlink: "a symlink, which is not followed",
  other: "neither a file nor a directory",
  mismatch: "backup and original are not of one kind",
};

/** Files that every cache has in its root. */
const CLUSTER_INFO = /^(?:version$|apis?(?:$|_))/;

/** What a walk works with. */
export interface WalkParts<K extends KnownFile> {
  /** Where to look. */
  readonly coverage: Coverage;
  /** Lists directories. */
  readonly listings: Listings;
  /** Reads files. */
  readonly files: ObjectFiles<K>;
  /** Told of backups. */
  readonly rewrites: Rewrites;
  /** Told of what can't be imported. */
  readonly invalid: InvalidPaths;
  /** To pause between. */
  readonly slices: Slices;
  /** What is recorded of a file, by canonical path. */
  known(path: string): K | undefined;
  /** How many files and directories of one component are looked at. */
  readonly maxEntries: number;
  /** Tells whether any file of a component is recorded. */
  isRecorded(component: string): boolean;
}

/**
 * Goes through the directories of an fs cache, from the root to the objects.
 *
 * @param parts what it works with
 * @returns the component directories that exist, looked into or not
 * @throws {CacheRootError} if the root can't be listed
 * @throws {CacheTooLargeError} if the root holds too many entries
 */
export async function walk<K extends KnownFile>(parts: WalkParts<K>): Promise<Set<string>> {
  return await new Walk(parts).run();
}

class Walk<K extends KnownFile> {
  readonly #parts: WalkParts<K>;

  constructor(parts: WalkParts<K>) {
    this.#parts = parts;
  }

  async run(): Promise<Set<string>> {
    const { coverage, invalid, rewrites, listings } = this.#parts;
    const components = new Set<string>();
    const present: string[] = [];
    for (const entry of listings.root()) {
      const name = canonicalName(entry.name);
      if (name === INTERNAL_DIRECTORY) continue;
      // Cluster info, if no component is known by its name.
      if (entry.kind === "file" && this.#isClusterInfo(name)) continue;
      // A symlink counts, and a component that is only there as its backup: the name is taken.
      if (entry.kind !== "other" && isSegment(name)) components.add(name);
      if (!coverage.component(name)) continue;
      if (!isSegment(name)) invalid.add(entry.name, entry.name, NOT_A_SEGMENT);
      else if (entry.kind !== "directory") invalid.add(entry.name, name, REASON[entry.kind]);
      else if (isBackup(entry.name)) rewrites.addComponent(name);
      else present.push(name);
    }
    for (const component of present) await this.#whole(component);
    return components;
  }

  /** A component that is too large is not looked at: what it had stays, and others go on. */
  async #whole(component: string): Promise<void> {
    try {
      await this.#component(component);
    } catch (error) {
      if (!(error instanceof TooManyEntries)) throw error;
      const { files, invalid, maxEntries } = this.#parts;
      files.takeOut(component);
      invalid.add(
        component,
        component,
        `with ${error.source}, ${component} holds more than ${maxEntries} files and directories, ` +
          "and nothing of it is taken up (--max-component-keys)",
        "component-full",
      );
    }
  }

  #isClusterInfo(name: string): boolean {
    return CLUSTER_INFO.test(name) || !this.#parts.isRecorded(name);
  }

  async #component(component: string): Promise<void> {
    const { coverage, invalid, rewrites, listings, slices } = this.#parts;
    for (const entry of await listings.below(component, component, "")) {
      if (slices.isOver()) await slices.pause();
      const directory = canonicalName(entry.name);
      if (!coverage.directory(component, directory)) continue;
      const path = `${component}/${directory}`;
      const source = `${component}/${entry.name}`;
      const group = parseDirectory(directory);
      if (group === undefined) {
        invalid.add(source, path, "neither <resource> nor <resource>.<version>.<group>");
      } else if (entry.kind !== "directory") {
        invalid.add(source, path, REASON[entry.kind]);
      } else {
        if (isBackup(entry.name) || rewrites.hasComponent(component)) rewrites.addGroup(path);
        await this.#place({ component, directory, group, namespace: "", path, source }, component);
      }
    }
  }

  async #place(place: Place, parent: string): Promise<void> {
    const { coverage, invalid, rewrites, listings, files, slices } = this.#parts;
    const limit = coverage.limit(place.component, place.directory);
    const mayHoldNamespaces = place.group.mayHoldNamespaces && place.namespace === "";
    for (const entry of await listings.below(place.path, place.source, parent)) {
      if (slices.isOver()) await slices.pause();
      const name = canonicalName(entry.name);
      const path = `${place.path}/${name}`;
      if (limit?.has(path) === false) continue;
      const source = name === entry.name && place.source === place.path
        ? path
        : `${place.source}/${entry.name}`;
      if (entry.kind === "directory" && isBackup(entry.name)) {
        rewrites.addGroup(`${place.component}/${place.directory}`);
      }
      if (!isSegment(name)) {
        invalid.add(source, path, NOT_A_SEGMENT);
      } else if (entry.kind === "file") {
        if (!files.look(place, name, path, source)) listings.directories.markChanged(place.path);
      } else if (
        // Where an object is recorded, a directory is no namespace but stands in the object's place.
        entry.kind === "directory" && mayHoldNamespaces && this.#parts.known(path) === undefined
      ) {
        await this.#place({ ...place, namespace: name, path, source }, place.path);
      } else {
        invalid.add(source, path, REASON[entry.kind]);
      }
    }
  }
}
