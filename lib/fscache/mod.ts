/** The fs cache: its layout, and what a scan finds in it. */
export { AbsenceHistory, type MissedLook, type MissingFile } from "./absence_history.ts";
export { ComponentClashError } from "./component_clash.ts";
export { type ComponentHolding, type ComponentLimits, overLimit } from "./component_limits.ts";
export type { ComponentRoomOptions } from "./component_rooms.ts";
export { namesInRoot } from "./component_names.ts";
export { type ComponentRemains, componentRemains } from "./component_remains.ts";
export type { CoverageOptions } from "./coverage.ts";
export { CustomResources } from "./custom_resources.ts";
export { type CustomLookUp, customResource } from "./custom_sources.ts";
export { DenoFileSystem } from "./deno_file_system.ts";
export { ExcludedResources } from "./excluded_resources.ts";
export { groupDirectories } from "./group_directories.ts";
export { FileChangingError } from "./file_errors.ts";
export { FileTooLargeError, NotRegularFileError } from "../regular_file.ts";
export type { DirEntry, FileStamp, FileStat, FileSystem } from "./file_system.ts";
export {
  canonicalName,
  formatPath,
  type GroupDirectory,
  groupOf,
  parseDirectory,
  parsePath,
  type PathParts,
} from "./layout.ts";
export type { ObjectFileOptions } from "./object_files.ts";
export { scan, type ScanOptions } from "./scan.ts";
export { identifyRoot } from "./root_identity.ts";
export { type CacheWatch, type Unwatched, watchCache, type WatchHint } from "./watch.ts";
export { isHuge, type StandingGroup, standingGroups, standsIn } from "./standing_groups.ts";
export { CacheRootError, CacheTooLargeError } from "./scan_errors.ts";
export {
  type Absence,
  INVALID_KINDS,
  type InvalidKind,
  type InvalidPath,
  type KnownFile,
  type ScannedFile,
  type Snapshot,
} from "./snapshot.ts";
