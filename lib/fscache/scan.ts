import { parseObjectMeta } from "../k8s/object_meta.ts";
import { isSegment } from "../k8s/segment.ts";
import { Coverage, type CoverageOptions } from "./coverage.ts";
import type { DirectoryHistory } from "./directory_history.ts";
import { reasonOf } from "./file_errors.ts";
import type { DirEntry, FileSystem } from "./file_system.ts";
import { InvalidPaths } from "./invalid_paths.ts";
import {
  canonicalName,
  type GroupDirectory,
  INTERNAL_DIRECTORY,
  isBackup,
  parseDirectory,
  parsePath,
} from "./layout.ts";
import { ListedDirectories } from "./listed_directories.ts";
import { identify } from "./object_identity.ts";
import { CacheRootError, CacheTooLargeError } from "./scan_errors.ts";
import { Slices } from "./slices.ts";
import type { Absence, KnownFile, ScannedFile, Snapshot } from "./snapshot.ts";
import { isUnchanged } from "./stamps.ts";
import { standingEntries, type StandingEntry } from "./standing_entries.ts";

/** How many bytes of files a snapshot holds on to, unless told otherwise. */
export const DEFAULT_RETAINED_BYTES = 16 * 1024 * 1024;
/** A directory with more entries is not looked into. */
export const MAX_DIRECTORY_ENTRIES = 250_000;
/** A scan that meets more entries gives up. */
export const MAX_ENTRIES = 1_000_000;

const NOT_A_SEGMENT = "not a name that Kubernetes allows in a path";
const REASON: Record<StandingEntry["kind"], string> = {
  file: "a file where a directory should be",
  directory: "a directory where an object should be",
  symlink: "a symlink, which is not followed",
  other: "neither a file nor a directory",
  mismatch: "backup and original are not of one kind",
};

/** How to scan an fs cache. */
export interface ScanOptions<K extends KnownFile> extends CoverageOptions {
  /** The directory that holds the components; may be a symlink. */
  readonly root: string;
  readonly fs: FileSystem;
  /** What is recorded of a file, by canonical path. */
  known(path: string): K | undefined;
  /** Wall clock, ms since the epoch. */
  nowMs(): number;
  /** A clock that only runs forward, in ms. */
  monotonicMs(): number;
  /** For how long a directory or file must not have changed to be taken at its word. */
  readonly settleMs: number;
  /** What one file may hold at most. */
  readonly maxObjectBytes: number;
  /**
   * How many bytes of files the snapshot may hold; files beyond it come without theirs.
   *
   * @default {16777216}
   */
  readonly maxRetainedBytes?: number;
  /** Kept by the caller from one scan of this root to the next. */
  readonly directories: DirectoryHistory;
  /** Told now and then, and at the end, how many files were looked at. */
  progress?(files: number): void;
  /** Lets the event loop run. */
  pause(): Promise<void>;
}

/**
 * Reads the fs cache: what is new or changed, what is as it was, what is invalid, and what the
 * absence of anything else means. A bad file or directory never fails the scan.
 *
 * @param options what to scan, and what is known of it
 * @returns what was found
 * @throws {CacheRootError} if the root is missing, unreadable, or not a directory
 * @throws {CacheTooLargeError} if there are more than {@linkcode MAX_ENTRIES} entries
 */
export async function scan<K extends KnownFile>(options: ScanOptions<K>): Promise<Snapshot<K>> {
  const walk = new Walk(options);
  await walk.run();
  const { unchanged, backups, files, invalid, components, rewriting } = walk;
  const absence = (path: string) => walk.absence(path);
  return { unchanged, backups, files, invalid, components, rewriting, absence };
}

/** A directory that may hold objects. */
interface Place {
  readonly component: string;
  readonly directory: string;
  readonly group: GroupDirectory;
  /** Empty above the namespaces, and for cluster-scoped objects. */
  readonly namespace: string;
  /** Canonical path. */
  readonly path: string;
  /** Path as it is on disk. */
  readonly source: string;
}

class Walk<K extends KnownFile> {
  readonly unchanged = new Map<string, K>();
  readonly backups = new Map<string, string>();
  readonly files = new Map<string, ScannedFile>();
  readonly components = new Set<string>();
  readonly rewriting = new Set<string>();
  readonly #rewritingComponents = new Set<string>();
  readonly #invalid = new InvalidPaths();
  readonly #options: ScanOptions<K>;
  readonly #coverage: Coverage;
  readonly #directories: ListedDirectories;
  readonly #slices: Slices;
  #entriesSeen = 0;
  #filesSeen = 0;
  #bytesLeft: number;

  constructor(options: ScanOptions<K>) {
    this.#options = options;
    this.#coverage = new Coverage(options);
    this.#directories = new ListedDirectories(options.fs, options.root);
    this.#bytesLeft = options.maxRetainedBytes ?? DEFAULT_RETAINED_BYTES;
    this.#slices = new Slices(() => options.monotonicMs(), () => {
      options.progress?.(this.#filesSeen);
      return options.pause();
    });
  }

  get invalid() {
    return this.#invalid.list;
  }

  async run(): Promise<void> {
    const { directories, groups, settleMs } = this.#options;
    for (const component of this.#base()) await this.#component(component);
    await this.#directories.lookAgain({
      history: directories,
      nowMs: this.#options.nowMs(),
      monotonicMs: this.#options.monotonicMs(),
      settleMs,
    }, this.#slices);
    if (groups === undefined) this.#directories.prune(directories);
    this.#options.progress?.(this.#filesSeen);
  }

  absence(path: string): Absence {
    const parts = parsePath(path);
    if (
      parts === undefined ||
      this.#coverage.limit(parts.component, parts.directory)?.has(path) === false
    ) return "not-looked-at";
    if (this.unchanged.has(path) || this.files.has(path) || this.#invalid.keeps(path)) {
      return "kept";
    }
    if (
      this.#rewritingComponents.has(parts.component) ||
      this.rewriting.has(`${parts.component}/${parts.directory}`)
    ) return "rewriting";
    return this.#directories.absence(parts);
  }

  /** Lists the root and returns the component directories to look into. */
  #base(): string[] {
    const present: string[] = [];
    for (const entry of this.#listRoot()) {
      const name = canonicalName(entry.name);
      if (entry.kind === "file" || name === INTERNAL_DIRECTORY) continue;
      // A symlink counts, and a component that is only there as its backup: the name is taken.
      if (entry.kind !== "other" && isSegment(name)) this.components.add(name);
      if (!this.#coverage.component(name)) continue;
      if (!isSegment(name)) this.#invalid.add(entry.name, entry.name, NOT_A_SEGMENT);
      else if (entry.kind !== "directory") this.#invalid.add(entry.name, name, REASON[entry.kind]);
      else if (isBackup(entry.name)) this.#rewritingComponents.add(name);
      else present.push(name);
    }
    return present;
  }

  #listRoot(): DirEntry[] {
    const { root } = this.#options;
    let entries: DirEntry[] | undefined;
    try {
      entries = this.#directories.list("", "");
    } catch (cause) {
      throw CacheRootError.of(root, cause);
    }
    if (entries === undefined) throw new CacheRootError(root, "is not a directory");
    if (entries.length > MAX_DIRECTORY_ENTRIES) {
      throw new CacheTooLargeError(root, MAX_DIRECTORY_ENTRIES);
    }
    this.#count(entries);
    return entries;
  }

  async #component(component: string): Promise<void> {
    for (const entry of this.#list(component, component, "")) {
      if (this.#slices.isOver()) await this.#slices.pause();
      const directory = canonicalName(entry.name);
      if (!this.#coverage.directory(component, directory)) continue;
      const path = `${component}/${directory}`;
      const source = `${component}/${entry.name}`;
      const group = parseDirectory(directory);
      if (group === undefined) {
        this.#invalid.add(source, path, "neither <resource> nor <resource>.<version>.<group>");
      } else if (entry.kind !== "directory") {
        this.#invalid.add(source, path, REASON[entry.kind]);
      } else {
        if (isBackup(entry.name) || this.#rewritingComponents.has(component)) {
          this.rewriting.add(path);
        }
        await this.#place({ component, directory, group, namespace: "", path, source }, component);
      }
    }
  }

  async #place(place: Place, parent: string): Promise<void> {
    const limit = this.#coverage.limit(place.component, place.directory);
    const mayHoldNamespaces = place.group.mayHoldNamespaces && place.namespace === "";
    for (const entry of this.#list(place.path, place.source, parent)) {
      if (this.#slices.isOver()) await this.#slices.pause();
      const name = canonicalName(entry.name);
      const path = `${place.path}/${name}`;
      if (limit?.has(path) === false) continue;
      const source = name === entry.name && place.source === place.path
        ? path
        : `${place.source}/${entry.name}`;
      if (entry.kind === "directory" && isBackup(entry.name)) {
        this.rewriting.add(`${place.component}/${place.directory}`);
      }
      if (!isSegment(name)) {
        this.#invalid.add(source, path, NOT_A_SEGMENT);
      } else if (entry.kind === "file") {
        this.#file(place, name, path, source);
      } else if (
        // Where an object is recorded, a directory is no namespace but stands in the object's place.
        entry.kind === "directory" && mayHoldNamespaces && this.#options.known(path) === undefined
      ) {
        await this.#place({ ...place, namespace: name, path, source }, place.path);
      } else {
        this.#invalid.add(source, path, REASON[entry.kind]);
      }
    }
  }

  #file(place: Place, name: string, path: string, source: string): void {
    const { fs, root, settleMs, maxObjectBytes } = this.#options;
    this.#filesSeen++;
    const known = this.#options.known(path);
    const onDisk = `${root}/${source}`;
    try {
      if (known !== undefined && isUnchanged(known, fs.lstat(onDisk), settleMs)) {
        this.unchanged.set(path, known);
        if (source !== path) this.backups.set(path, source);
        return;
      }
      const readAtMs = this.#options.nowMs();
      const { bytes, stamp } = fs.readFile(onDisk, maxObjectBytes);
      const meta = parseObjectMeta(bytes);
      const gvr = identify(meta, place.group, place.namespace, name);
      const retained = bytes.length <= this.#bytesLeft;
      if (retained) this.#bytesLeft -= bytes.length;
      this.files.set(path, {
        path,
        component: place.component,
        directory: place.directory,
        gvr,
        namespace: place.namespace,
        name,
        uid: meta.uid,
        resourceVersion: meta.resourceVersion,
        stamp,
        readAtMs,
        sourcePath: source,
        ...(retained ? { bytes } : {}),
      });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) this.#directories.markChanged(place.path);
      else this.#invalid.add(source, path, reasonOf(error));
    }
  }

  /** Lists a directory below the root; empty if that can't be done, which then is noted. */
  #list(path: string, source: string, parent: string): readonly StandingEntry[] {
    let entries: DirEntry[] | undefined;
    try {
      entries = this.#directories.list(path, source);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        this.#invalid.add(source, path, reasonOf(error));
        return [];
      }
    }
    if (entries === undefined) {
      this.#directories.markChanged(parent);
      return [];
    }
    if (entries.length > MAX_DIRECTORY_ENTRIES) {
      this.#invalid.add(source, path, `holds more than ${MAX_DIRECTORY_ENTRIES} entries`);
      return [];
    }
    this.#count(entries);
    return standingEntries(entries);
  }

  #count(entries: readonly DirEntry[]): void {
    this.#entriesSeen += entries.length;
    if (this.#entriesSeen > MAX_ENTRIES) {
      throw new CacheTooLargeError(this.#options.root, MAX_ENTRIES);
    }
  }
}
