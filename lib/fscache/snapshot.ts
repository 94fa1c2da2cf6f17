import type { Gvr } from "../k8s/mod.ts";
import type { FileStamp } from "./file_system.ts";

/** What the cache remembers of a file, so that an unchanged one need not be read again. */
export interface KnownFile {
  /** How it looked when it was read. */
  readonly stamp: FileStamp;
  /** When it was read, ms since the epoch; a file that was young then is read again. */
  readonly readAtMs: number;
}

/** A file that was read: new, changed, or not safe to skip. */
export interface ScannedFile {
  /** Canonical path below the cache root, `/`-separated, without `tmp_` segments. */
  readonly path: string;
  /** The component that it was cached for. */
  readonly component: string;
  /** The gvr directory as it is written on disk: `pods.v1.core`, or `pods` (older layout). */
  readonly directory: string;
  /** What its path says; of the older layout what the object itself says. */
  readonly gvr: Gvr;
  /** Empty for a cluster-scoped object. */
  readonly namespace: string;
  /** The object's name. */
  readonly name: string;
  /** `metadata.uid`; empty if it has none. */
  readonly uid: string;
  /** `metadata.resourceVersion`, a decimal too big for a number. */
  readonly resourceVersion: string;
  /** Of its bytes, as `contentHash` makes it. */
  readonly hash: string;
  /** How the file looked when it was read. */
  readonly stamp: FileStamp;
  /** When it was read, ms since the epoch. */
  readonly readAtMs: number;
  /** Below the cache root, as it is on disk; differs from `path` when a backup was read. */
  readonly sourcePath: string;
  /** The bytes that were parsed; absent when the scan's memory budget was used up. */
  readonly bytes?: Uint8Array;
}

/**
 * What makes a path one that is not imported, where it is not the path itself that is wrong.
 *
 * - `component-full`: its component has more than `--max-component-keys` or `--max-component-bytes`
 * - `too-large`: it is beyond `--max-object-bytes`, or fits no request to etcd
 */
export const INVALID_KINDS = ["component-full", "too-large"] as const;

/** One of {@linkcode INVALID_KINDS}. */
export type InvalidKind = typeof INVALID_KINDS[number];

/** Something in the cache that is not an importable object. */
export interface InvalidPath {
  /** Below the cache root, as it is on disk. */
  readonly path: string;
  /** In a few words, without content. */
  readonly reason: string;
  /** Absent: the path itself is wrong. */
  readonly kind?: InvalidKind;
}

/**
 * What the absence of a recorded path means.
 *
 * - `gone`: it was removed: it has been missing for long enough, and was not merely moved
 * - `unsettled`: it seems gone, but not yet for long enough, or something on the way was moved
 * - `rewriting`: a `tmp_` directory stands in its group
 * - `kept`: it is there, or it or a directory on the way is invalid or could not be listed
 * - `not-looked-at`: outside what this scan covered
 */
export type Absence = "gone" | "unsettled" | "rewriting" | "kept" | "not-looked-at";

/** What one scan of the fs cache found. */
export interface Snapshot<K extends KnownFile> {
  /** Known files that are as they were, by canonical path. */
  readonly unchanged: ReadonlyMap<string, K>;
  /** Where those of them stand, below the cache root, that stand in a backup. */
  readonly backups: ReadonlyMap<string, string>;
  /** Files that were read, by canonical path. */
  readonly files: ReadonlyMap<string, ScannedFile>;
  /** Files that were left out, since their component has no room for them, by canonical path. */
  readonly leftOut: ReadonlySet<string>;
  /** What can't be imported. */
  readonly invalid: readonly InvalidPath[];
  /** Component directories that exist, looked at or not. */
  readonly components: ReadonlySet<string>;
  /** Groups (`component/directory`) with a rewrite under way. */
  readonly rewriting: ReadonlySet<string>;
  /**
   * Judges a recorded path that is in neither `unchanged` nor `files`.
   *
   * @param path canonical path below the cache root
   * @returns what its absence means
   */
  absence(path: string): Absence;
}
