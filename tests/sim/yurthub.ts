import {
  type Cloud,
  keyOfPlace,
  objectBytes,
  type Place,
  type Resource,
  type Version,
} from "./cloud.ts";
import type { FsModel } from "./fs_model.ts";
import { type NodeModel, pathOfPlace, ROOT } from "./node_model.ts";
import type { Prng } from "./prng.ts";

/**
 * What yurthub does to the cache's files, each as a generator that yields between system calls:
 * readers, crashes and other writers come in between.
 */
export interface FileToWrite {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Makes the file of an object. */
export function fileOf(
  component: string,
  directory: string,
  place: Place,
  version: Version,
  padding: number,
): FileToWrite {
  const path = `${ROOT}/${pathOfPlace(component, directory, place)}`;
  return { path, bytes: objectBytes(place, version, padding) };
}

/** Writes in place: truncated first, then half, then whole. */
export function* writeInPlace(fs: FsModel, { path, bytes }: FileToWrite): Generator<void> {
  yield* makeParents(fs, path);
  if (!parentStands(fs, path)) return;
  fs.write(path, new Uint8Array());
  yield;
  if (!parentStands(fs, path)) return;
  fs.write(path, bytes.subarray(0, bytes.length >> 1));
  yield;
  if (!parentStands(fs, path)) return;
  fs.write(path, bytes);
}

/**
 * Writes a file in place so quickly that nothing shows of it but the bytes, if it is of the same
 * length and the clock of the file system has not ticked meanwhile.
 */
export function* writeAtOnce(fs: FsModel, { path, bytes }: FileToWrite): Generator<void> {
  if (fs.has(path)) fs.write(path, bytes);
  yield;
}

/** Writes behind a backup of the one file. */
export function* writeWithBackup(fs: FsModel, file: FileToWrite): Generator<void> {
  const backup = siblingBackup(file.path);
  if (!fs.has(file.path) || fs.has(backup)) return yield* writeInPlace(fs, file);
  fs.rename(file.path, backup);
  yield;
  yield* writeInPlace(fs, file);
  yield;
  if (fs.has(backup)) fs.remove(backup);
}

/** Removes one file. */
export function* removeFile(fs: FsModel, path: string): Generator<void> {
  if (fs.has(path)) fs.remove(path);
  yield;
}

/**
 * Replaces all that a directory holds: it becomes its own backup, the new files are written one
 * by one, and the backup is removed one by one.
 *
 * @param renamed told when a whole directory has moved
 */
export function* replaceDirectory(
  fs: FsModel,
  directory: string,
  files: readonly FileToWrite[],
  renamed: () => void,
): Generator<void> {
  const backup = siblingBackup(directory);
  if (fs.has(directory) && !fs.has(backup)) {
    fs.rename(directory, backup);
    renamed();
    yield;
  }
  yield* makeParents(fs, `${directory}/x`);
  for (const file of files) yield* writeInPlace(fs, file);
  yield* removeTree(fs, backup, renamed);
}

/** Removes a directory and all in it, one by one. */
export function* removeTree(fs: FsModel, path: string, removed: () => void): Generator<void> {
  for (const { path: inner, kind } of fs.walk(path).reverse()) {
    if (!fs.has(inner) || (kind === "directory" && fs.names(inner).length > 0)) continue;
    fs.remove(inner);
    yield;
  }
  if (fs.has(path) && fs.names(path).length === 0) {
    fs.remove(path);
    removed();
  }
  yield;
}

/**
 * Takes a directory away, as somebody by hand may do, and brings it back or has it written anew: no
 * backup tells of it.
 *
 * @param away where to
 * @param files what is written anew; undefined: it comes back
 * @param moved told when the directory has moved
 */
export function* moveDirectory(
  fs: FsModel,
  directory: string,
  away: string,
  files: readonly FileToWrite[] | undefined,
  moved: () => void,
): Generator<void> {
  if (!fs.has(directory)) return;
  fs.rename(directory, away);
  moved();
  yield;
  if (files === undefined) {
    if (!fs.has(directory)) fs.rename(away, directory);
    yield;
    return;
  }
  for (const file of files) yield* writeInPlace(fs, file);
}

/** What yurthub does when it starts: a backup that stands replaces what was being written. */
export function* recoverBackups(fs: FsModel): Generator<void> {
  for (;;) {
    const backup = fs.walk(ROOT).find(({ path }) => path.split("/").at(-1)?.startsWith("tmp_"));
    if (!backup) return;
    const slash = backup.path.lastIndexOf("/");
    const original = `${backup.path.slice(0, slash)}/${
      backup.path.slice(slash + 1 + "tmp_".length)
    }`;
    if (fs.has(original)) yield* removeTreeOrFile(fs, original);
    if (fs.has(backup.path) && !fs.has(original)) fs.rename(backup.path, original);
    yield;
  }
}

/** Draws a change of a node's fs cache. */
export function drawChange(
  prng: Prng,
  cloud: Cloud,
  node: NodeModel,
  plan: CachePlan,
  staleVersion: number,
  note: ChangeNotes,
): Generator<void> {
  const { fs } = node;
  const component = prng.pick(plan.components);
  const resource = prng.pick(plan.resources);
  const directory = plan.directoryOf(component, resource);
  const draw = (): FileToWrite => {
    const place = cloud.place(resource);
    const key = keyOfPlace(place);
    let version = cloud.latest(key);
    if (prng.chance(0.5)) version = cloud.change(key);
    else if (prng.chance(0.1)) {
      version = cloud.replace(key);
      note.replaced();
    }
    if (prng.chance(staleVersion)) {
      version = cloud.older(key);
      note.stale();
    }
    return fileOf(component, directory, place, version, plan.padding());
  };
  const group = `${ROOT}/${component}/${directory}`;
  const several = (most: number) => {
    const files = new Map<string, FileToWrite>();
    for (let i = prng.below(most + 1); i > 0; i--) {
      const file = draw();
      files.set(file.path, file);
    }
    return [...files.values()];
  };
  const kind = prng.weighted({
    write: 5,
    writeTwice: 2,
    bothLayouts: 1,
    backup: 4,
    remove: 4,
    thin: 0.6,
    fill: 0.6,
    replace: 5,
    replaceNamespace: 2,
    move: 1,
    removeGroup: 1,
    removeComponent: 0.4,
    replaceComponent: 0.4,
    bad: 0.6,
  });
  switch (kind) {
    case "write":
      return writeInPlace(fs, draw());
    case "writeTwice": {
      const place = cloud.place(resource);
      const key = keyOfPlace(place);
      const padding = plan.padding();
      const fileAt = (version: Version) => fileOf(component, directory, place, version, padding);
      const first = fileAt(cloud.latest(key));
      return inTurn(writeInPlace(fs, first), writeAtOnce(fs, fileAt(cloud.change(key))));
    }
    case "bothLayouts": {
      const place = cloud.place(resource);
      const version = cloud.latest(keyOfPlace(place));
      const directories = new Set([directory, plan.directoryOf(component, resource)]);
      return inTurn(
        ...Array.from(
          directories,
          (one) => writeInPlace(fs, fileOf(component, one, place, version, plan.padding())),
        ),
      );
    }
    case "backup":
      return writeWithBackup(fs, draw());
    case "remove": {
      const files = fs.walk(group).filter((file) => file.kind === "file");
      return removeFile(fs, files.length > 0 ? prng.pick(files).path : `${group}/none`);
    }
    case "thin": {
      const files = fs.walk(`${ROOT}/${component}`)
        .filter((file) => file.kind === "file" && prng.chance(0.4));
      return inTurn(...files.map(({ path }) => removeFile(fs, path)));
    }
    case "fill":
      return inTurn(
        ...plan.resources.flatMap((one) => {
          const name = plan.directoryOf(component, one);
          return cloud.places(one).map((place) => {
            const version = cloud.latest(keyOfPlace(place));
            return writeInPlace(fs, fileOf(component, name, place, version, plan.padding()));
          });
        }),
      );
    case "replace":
      return replaceDirectory(fs, group, several(8), note.directoryMoved);
    case "replaceNamespace": {
      const within = `${group}/${resource.namespaced ? prng.pick(["default", "kube-system"]) : ""}`;
      const files = several(6).filter(({ path }) => path.startsWith(`${within}/`));
      if (!resource.namespaced) return writeInPlace(fs, draw());
      return replaceDirectory(fs, within, files, note.directoryMoved);
    }
    case "move": {
      note.directoryMovedByHand();
      const files = prng.chance(0.5) ? several(6) : undefined;
      return moveDirectory(fs, group, `/moved-${prng.hex()}`, files, note.directoryMoved);
    }
    case "removeGroup":
      return removeTree(fs, group, note.directoryMoved);
    case "removeComponent":
      note.componentGone();
      return removeTree(fs, `${ROOT}/${component}`, note.directoryMoved);
    case "replaceComponent":
      return replaceDirectory(fs, `${ROOT}/${component}`, several(8), note.directoryMoved);
    case "bad": {
      const { path } = draw();
      note.bad();
      return writeInPlace(fs, { path, bytes: new TextEncoder().encode("{ this is no object") });
    }
  }
}

/** How a node's cache is laid out. */
export interface CachePlan {
  readonly components: readonly string[];
  readonly resources: readonly Resource[];
  /** The directory, in the current or the older layout, that a component keeps a resource in. */
  directoryOf(component: string, resource: Resource): string;
  /** How many bytes an object is padded with. */
  padding(): number;
}

/** Told what was drawn. */
export interface ChangeNotes {
  stale(): void;
  replaced(): void;
  bad(): void;
  componentGone(): void;
  directoryMoved(): void;
  directoryMovedByHand(): void;
}

function* inTurn(...writers: Generator<void>[]): Generator<void> {
  for (const writer of writers) {
    yield* writer;
    yield;
  }
}

function* removeTreeOrFile(fs: FsModel, path: string): Generator<void> {
  yield* removeTree(fs, path, () => {});
  if (fs.has(path) && fs.walk(path).length === 0) fs.remove(path);
}

function* makeParents(fs: FsModel, path: string): Generator<void> {
  const segments = path.split("/").slice(2, -1);
  let parent = ROOT;
  for (const segment of segments) {
    if (!fs.has(parent)) return;
    parent = `${parent}/${segment}`;
    if (fs.has(parent)) continue;
    fs.makeDirectory(parent);
    yield;
  }
}

function parentStands(fs: FsModel, path: string): boolean {
  return fs.has(path.slice(0, path.lastIndexOf("/")));
}

function siblingBackup(path: string): string {
  const slash = path.lastIndexOf("/");
  return `${path.slice(0, slash)}/tmp_${path.slice(slash + 1)}`;
}
