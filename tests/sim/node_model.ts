import { FsModel, type Walked } from "./fs_model.ts";
import {
  keyOfPlace,
  MAX_RESOURCE_VERSION,
  type Place,
  RESOURCES,
  type Version,
  versionIn,
} from "./cloud.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** The cache root on every node. */
export const ROOT = "/cache";

/** A file of the fs cache that could stand for an object. */
export interface HeldFile {
  /** Canonical: without `tmp_`. */
  readonly path: string;
  /** It stands in a backup. */
  readonly backedUp: boolean;
  readonly component: string;
  readonly key: string;
  readonly gvr: string;
  /** It stands in the older layout. */
  readonly older: boolean;
  /** Undefined if it can't be read as what its path says. */
  readonly version: Version | undefined;
  readonly bytes: Uint8Array;
}

/** A file that is not there any more; times of the clock that only runs forward. */
interface GoneFile {
  readonly key: string;
  /** As {@linkcode ownerName} has it. */
  readonly owner: string;
  readonly sinceMs: number;
  /** For how long it had been there. */
  readonly stoodMs: number;
}

/**
 * A node: its fs cache, and the plain truth of what that has held, and since when, apart from what
 * the agent makes of it.
 */
export class NodeModel {
  readonly name: string;
  readonly fs: FsModel;
  /** Writers that are in the middle of something; the first goes on first. */
  readonly writers: Generator<void>[] = [];
  readonly #tick: () => number;
  readonly #clock: VirtualClock;
  /** Since when each file has been there. */
  readonly #cameMs = new Map<string, number>();
  /** Files that are not there any more. */
  readonly #gone = new Map<string, GoneFile>();
  readonly #absentTick = new Map<string, number>();
  /** When a file was last there, but not to be read as an object. */
  readonly #badTick = new Map<string, number>();
  /** When a file was last moved with a directory above it. */
  readonly #movedTick = new Map<string, number>();
  /** Told of each change of the files. */
  readonly watchers = new Set<(what: string) => void>();
  /** By key, what its files held and what the API was given. */
  readonly #held = new Map<string, Set<Uint8Array>>();
  /** When other bytes last stood in for a file: a backup, or its successor. */
  readonly #rewrittenTick = new Map<string, number>();
  readonly #owners = new Map<string, { readonly key: string; readonly owner: string }>();
  #present = new Map<string, Uint8Array>();
  /** What changes now is over in a moment. */
  #blinks = false;
  #bad = new Set<string>();

  /**
   * @param name the node's name
   * @param clock time
   * @param tick what has happened so far, counted
   * @param log told of each change of the files
   */
  constructor(
    name: string,
    clock: VirtualClock,
    tick: () => number,
    log: (what: string) => void,
  ) {
    this.name = name;
    this.#tick = tick;
    this.#clock = clock;
    this.fs = new FsModel(() => clock.nowMs);
    this.fs.makeDirectory(ROOT);
    this.fs.changed = (what) => {
      log(what);
      if (this.#blinks) return;
      this.#note();
      const [, to] = /^rename \S+ (\S+)$/.exec(what) ?? [];
      if (to !== undefined) this.#noteMove(canonical(to.slice(ROOT.length)));
      for (const watcher of [...this.watchers]) watcher(what);
    };
  }

  /** Every file that stands for an object now; a backup stands for what it backs up. */
  files(): HeldFile[] {
    const walked = this.fs.walk(ROOT);
    const backedUp = walked.filter(({ path, kind }) =>
      kind === "directory" && path.split("/").at(-1)?.startsWith("tmp_")
    ).map(({ path }) => `${ROOT}/${canonical(path.slice(ROOT.length))}/`);
    const held = new Map<string, HeldFile>();
    for (const one of walked) {
      if (one.kind !== "file") continue;
      // What is written anew beside a backup does not count yet.
      const hidden = backedUp.some((directory) => one.path.startsWith(directory));
      const file = heldFile(hidden ? { ...one, readable: false } : one);
      if (file && (!held.has(file.path) || one.path.includes("/tmp_"))) held.set(file.path, file);
    }
    return [...held.values()];
  }

  /**
   * Tells whether some file has stood for a key without a gap.
   *
   * @param key the object key
   * @param tick since when
   * @param recorded tells of the files that the agent knows: they keep the key even while nobody can
   * read them, or find them where they were
   * @param isSeen tells of the owners that the agent looks at; of others it knows what is recorded
   */
  heldSince(
    key: string,
    tick: number,
    recorded: (file: HeldFile) => boolean,
    isSeen: (component: string, gvr: string) => boolean,
  ): boolean {
    return this.files().some((file) => {
      if (file.key !== key || (this.#absentTick.get(file.path) ?? -1) >= tick) return false;
      const changes = [this.#badTick, this.#movedTick, this.#rewrittenTick];
      // Of a first file, nobody knows that it is one before it is whole, or where to find it; and a
      // listing can miss it while it is updated.
      const readable = file.version && changes.every((at) => (at.get(file.path) ?? -1) < tick);
      return (readable && isSeen(file.component, file.gvr)) ||
        recorded(file);
    });
  }

  /**
   * Tells whether some file has held a version of a key since then, and could be read throughout.
   *
   * @param key the object key
   * @param owner whose file, as {@linkcode ownerName} has it
   * @param resourceVersion what it has held
   * @param tick since when
   */
  steadyFile(
    key: string,
    owner: string,
    resourceVersion: string,
    tick: number,
  ): HeldFile | undefined {
    return this.files().find((file) =>
      file.key === key && ownerName(file.component, file.gvr, file.older) === owner &&
      file.version?.resourceVersion === resourceVersion &&
      [this.#absentTick, this.#badTick, this.#movedTick, this.#rewrittenTick].every((at) =>
        (at.get(file.path) ?? -1) < tick
      )
    );
  }

  /**
   * Finds a file that stood for a key, firmly, until a moment ago: so short an absence says nothing.
   *
   * @param key the object key
   * @param settleMs how long a file must have been there, and then gone
   * @param recorded tells of the owners that the agent knows
   */
  goneJustNow(
    key: string,
    settleMs: number,
    recorded: (owner: string) => boolean,
  ): string | undefined {
    const nowMs = this.#clock.monotonicMs;
    // A wall clock that is set makes what it was held against look old.
    if (nowMs - this.#clock.setMs < 2 * settleMs) return undefined;
    for (const [path, gone] of this.#gone) {
      const isShort = nowMs - gone.sinceMs < settleMs && gone.stoodMs >= settleMs;
      if (gone.key === key && isShort && recorded(gone.owner)) return path;
    }
    return undefined;
  }

  /**
   * Tells since when a component's file of a key has been gone.
   *
   * @param key the object key
   * @param component whose file
   * @returns ms by a clock that only runs forward; undefined if no file of it has gone
   */
  goneSinceMs(key: string, component: string): number | undefined {
    const gone = [...this.#gone.values()].find((one) =>
      one.key === key && one.owner.startsWith(`${component}/`)
    );
    return gone?.sinceMs;
  }

  /**
   * Moves a directory away, or back, for no longer than a reader takes to look twice: what is in it
   * counts as there.
   */
  blink(from: string, to: string): void {
    this.#blinks = true;
    this.fs.rename(from, to);
    this.#blinks = false;
    this.#noteMove(canonical(from.slice(ROOT.length)));
    this.#noteMove(canonical(to.slice(ROOT.length)));
  }

  /** A file, or the API, has an object. */
  noteHeld(key: string, bytes: Uint8Array): void {
    const held = this.#held.get(key) ?? new Set();
    this.#held.set(key, held.add(bytes));
  }

  /** Tells whether a key's object has ever been these very bytes. */
  hasHeld(key: string, bytes: Uint8Array): boolean {
    return [...this.#held.get(key) ?? []].some((held) =>
      held.length === bytes.length && held.every((byte, index) => byte === bytes[index])
    );
  }

  #note(): void {
    const tick = this.#tick();
    const present = new Map<string, Uint8Array>();
    const bad = new Set<string>();
    const nowMs = this.#clock.monotonicMs;
    for (const { path, key, version, bytes, component, gvr, older } of this.files()) {
      present.set(path, bytes);
      this.#owners.set(path, { key, owner: ownerName(component, gvr, older) });
      this.#gone.delete(path);
      if (!this.#cameMs.has(path)) this.#cameMs.set(path, nowMs);
      if (this.#present.get(path) !== bytes) this.#rewrittenTick.set(path, tick);
      if (version) this.noteHeld(key, bytes);
      // Until now it was not there.
      if (!this.#present.has(path)) this.#absentTick.set(path, tick);
      if (!version) bad.add(path);
    }
    for (const path of this.#present.keys()) {
      if (present.has(path)) continue;
      this.#absentTick.set(path, tick);
      const { key, owner } = this.#owners.get(path) ?? { key: "", owner: "" };
      const stoodMs = nowMs - (this.#cameMs.get(path) ?? nowMs);
      this.#gone.set(path, { key, owner, sinceMs: nowMs, stoodMs });
      this.#cameMs.delete(path);
    }
    for (const path of this.#bad.union(bad)) this.#badTick.set(path, tick);
    this.#present = present;
    this.#bad = bad;
  }

  #noteMove(directory: string): void {
    for (const path of this.#present.keys()) {
      if (path.startsWith(`${directory}/`)) this.#movedTick.set(path, this.#tick());
    }
  }
}

/** Tells a component's file of a resource from those of others, and from that in the other layout. */
export function ownerName(component: string, gvr: string, older: boolean): string {
  return `${component}/${gvr}${older ? " in the older layout" : ""}`;
}

/** Path of an object's file below the cache root. */
export function pathOfPlace(component: string, directory: string, place: Place): string {
  const namespace = place.namespace === "" ? "" : `${place.namespace}/`;
  return `${component}/${directory}/${namespace}${place.name}`;
}

/** A path with what a backup stands for. */
export function canonical(path: string): string {
  return path.split("/").filter((segment) => segment !== "")
    .map((segment) => segment.replace(/^(tmp_)+/, "")).join("/");
}

interface Content {
  readonly apiVersion: string | undefined;
  readonly version: Version | undefined;
}

const contents = new WeakMap<Uint8Array, Content>();

function contentOf(bytes: Uint8Array): Content {
  let content = contents.get(bytes);
  if (!content) {
    const apiVersion = /"apiVersion":"([^"]*)"/.exec(new TextDecoder().decode(bytes))?.[1];
    const version = versionIn(bytes);
    const isValid = version && BigInt(version.resourceVersion) <= MAX_RESOURCE_VERSION;
    content = { apiVersion, version: isValid ? version : undefined };
    contents.set(bytes, content);
  }
  return content;
}

function heldFile({ path, bytes = new Uint8Array(), readable }: Walked): HeldFile | undefined {
  const clean = canonical(path.slice(ROOT.length));
  const [component = "", directory = "", ...rest] = clean.split("/");
  const resource = RESOURCES.find((one) => one.gvr === directory || one.older === directory);
  const name = rest.at(-1);
  if (!resource || name === undefined || rest.length > 2) return undefined;
  const namespace = rest.length === 2 ? rest[0] ?? "" : "";
  const { apiVersion, version } = contentOf(bytes);
  // A whole component's backup keeps its keys; nobody reads it while a successor is written.
  const isLegible = readable && !path.startsWith(`${ROOT}/tmp_`);
  return {
    path: clean,
    backedUp: path.includes("/tmp_"),
    component,
    key: keyOfPlace({ resource, namespace, name }),
    gvr: resource.gvr,
    older: directory !== resource.gvr,
    version: isLegible && apiVersion === resource.apiVersion ? version : undefined,
    bytes,
  };
}
