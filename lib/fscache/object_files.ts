import { contentHash, readObject } from "../k8s/mod.ts";
import { FileTooLargeError } from "../regular_file.ts";
import { type ComponentRoomOptions, ComponentRooms } from "./component_rooms.ts";
import { CustomFiles, type JudgeOptions } from "./custom_files.ts";
import { reasonOf } from "./file_errors.ts";
import type { FileSystem } from "./file_system.ts";
import type { InvalidPaths } from "./invalid_paths.ts";
import { identify } from "./object_identity.ts";
import type { Place } from "./place.ts";
import type { InvalidPath, KnownFile, ScannedFile } from "./snapshot.ts";
import { isUnchanged } from "./stamps.ts";

/** How many bytes of files a snapshot holds on to, unless told otherwise. */
export const DEFAULT_RETAINED_BYTES = 16 * 1024 * 1024;

/** How files are read. */
export interface ObjectFileOptions<K extends KnownFile> {
  /** The cache root. */
  readonly root: string;
  /** Where it is. */
  readonly fs: FileSystem;
  /** What is recorded of a file, by canonical path. */
  known(path: string): K | undefined;
  /** Wall clock, ms since the epoch. */
  nowMs(): number;
  /** How young a file may have been when it was read, so that it is read again; ms. */
  readonly settleMs: number;
  /** What one file may hold at most. */
  readonly maxObjectBytes: number;
  /** How many bytes of files are held on to; files beyond it come without theirs. */
  readonly maxRetainedBytes?: number | undefined;
  /**
   * What components may have, and have.
   *
   * @default generous limits, and none has anything
   */
  readonly room?: ComponentRoomOptions | undefined;
}

/** The files of objects that a scan met: as they were recorded, or read anew. */
export class ObjectFiles<K extends KnownFile> {
  /** Known files that are as they were, by canonical path. */
  readonly unchanged = new Map<string, K>();
  /** Where those of them stand that stand in a backup. */
  readonly backups = new Map<string, string>();
  /** Files that were read, by canonical path. */
  readonly read = new Map<string, ScannedFile>();
  /** Files that were left out, since their component has no room for them, by canonical path. */
  readonly leftOut = new Set<string>();
  /** Files that are nothing to import, and not invalid, by canonical path. */
  readonly #passedOver = new Set<string>();
  readonly #customs = new CustomFiles();
  readonly #rooms: ComponentRooms;
  /** Files that were looked at, invalid ones too. */
  seen = 0;
  readonly #options: ObjectFileOptions<K>;
  readonly #invalid: InvalidPaths;
  #bytesLeft: number;

  /**
   * @param options how to read them
   * @param invalid told of those that can't be imported
   */
  constructor(options: ObjectFileOptions<K>, invalid: InvalidPaths) {
    this.#options = options;
    this.#invalid = invalid;
    this.#bytesLeft = options.maxRetainedBytes ?? DEFAULT_RETAINED_BYTES;
    this.#rooms = new ComponentRooms(options.room ?? {});
  }

  /**
   * Looks at one file, and reads it unless it is as it was recorded.
   *
   * @param place the directory that it stands in
   * @param name its canonical name
   * @param path its canonical path
   * @param source its path as it is on disk
   * @returns false if it is not there any more
   */
  look(place: Place, name: string, path: string, source: string): boolean {
    const { fs, root, settleMs, maxObjectBytes } = this.#options;
    this.seen++;
    try {
      const known = this.#options.known(path);
      if (known !== undefined && isUnchanged(known, fs.lstat(`${root}/${source}`), settleMs)) {
        // It was taken when more was allowed.
        if (known.stamp.size > maxObjectBytes) throw new FileTooLargeError(maxObjectBytes);
        this.unchanged.set(path, known);
        if (source !== path) this.backups.set(path, source);
        const { group: { gvr, mayHoldNamespaces }, namespace } = place;
        if (gvr !== undefined && mayHoldNamespaces) {
          this.#customs.add(gvr, { path, source, kind: undefined, name, namespace });
        }
      } else if (!this.#mayRead(place, path, source)) {
        this.leftOut.add(path);
      } else {
        const file = this.#read(place, name, path, source);
        if (file === undefined) this.#passedOver.add(path);
        else this.read.set(path, file);
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      const kind = error instanceof FileTooLargeError ? "too-large" : undefined;
      this.#invalid.add(source, path, reasonOf(error), kind);
    }
    return true;
  }

  /**
   * Takes out the files of custom resources that are not of their kind or scope, once all files were
   * looked at.
   *
   * @param scanned what the scan found beside
   */
  async judgeCustoms(
    scanned: Pick<JudgeOptions, "components" | "everything" | "customs" | "slices">,
  ): Promise<void> {
    const { fs, root, maxObjectBytes } = this.#options;
    const misfits = await this.#customs.judge({ fs, root, maxObjectBytes, ...scanned });
    for (const { path, source, reason } of misfits) {
      this.unchanged.delete(path);
      this.backups.delete(path);
      this.read.delete(path);
      this.#invalid.add(source, path, reason);
    }
  }

  /** Tells whether a file was found that is not invalid. */
  has(path: string): boolean {
    return this.unchanged.has(path) || this.read.has(path) || this.#passedOver.has(path) ||
      this.leftOut.has(path);
  }

  /** Groups of which files were left out, since their component has no room for them. */
  get groupsLeftOut(): readonly InvalidPath[] {
    return this.#rooms.leftOut;
  }

  /**
   * Takes out what was read of a component.
   *
   * @param component its name
   */
  takeOut(component: string): void {
    for (const path of this.read.keys()) {
      if (path.startsWith(`${component}/`)) this.read.delete(path);
    }
  }

  #mayRead({ component, directory, group }: Place, path: string, source: string): boolean {
    const { fs, root, maxObjectBytes } = this.#options;
    const knownBytes = this.#options.known(path)?.stamp.size;
    return this.#rooms.mayRead(
      { component, directory, gvr: group.gvr, knownBytes },
      () => fs.lstat(`${root}/${source}`).size,
      maxObjectBytes,
    );
  }

  #read(place: Place, name: string, path: string, source: string): ScannedFile | undefined {
    const { fs, root, maxObjectBytes } = this.#options;
    const readAtMs = this.#options.nowMs();
    const { bytes, stamp } = fs.readFile(`${root}/${source}`, maxObjectBytes);
    const { component, directory } = place;
    this.#rooms.hasRead(place, bytes.length);
    const meta = readObject(bytes);
    const identity = identify(meta, place, name);
    if (identity === undefined) return undefined;
    const knownBytes = this.#options.known(path)?.stamp.size;
    this.#rooms.takes({ component, directory, gvr: identity.gvr, knownBytes }, bytes.length);
    this.#customs.add(identity.gvr, { path, source, kind: meta.kind, ...identity });
    const retained = bytes.length <= this.#bytesLeft;
    if (retained) this.#bytesLeft -= bytes.length;
    return {
      path,
      component,
      directory,
      ...identity,
      uid: meta.uid,
      resourceVersion: meta.resourceVersion,
      hash: contentHash(bytes),
      stamp,
      readAtMs,
      sourcePath: source,
      ...(retained ? { bytes } : {}),
    };
  }
}
