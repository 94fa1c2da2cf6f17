import { FsModel } from "./fs_model.ts";
import { keyOfPlace, type Place, RESOURCES, type Version, versionIn } from "./cloud.ts";

/** The cache root on every node. */
export const ROOT = "/cache";

/** A file of the fs cache that could stand for an object. */
export interface HeldFile {
  /** Canonical: without `tmp_`. */
  readonly path: string;
  readonly component: string;
  readonly key: string;
  readonly gvr: string;
  /** Undefined if its content is not what its path says. */
  readonly version: Version | undefined;
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
  /** `next` values of Txns that a bump has made impossible. */
  readonly killedTxns = new Set<string>();
  readonly #tick: () => number;
  readonly #absentTick = new Map<string, number>();
  #present = new Set<string>();

  /**
   * @param name the node's name
   * @param nowMs wall clock
   * @param tick what has happened so far, counted
   */
  constructor(name: string, nowMs: () => number, tick: () => number) {
    this.name = name;
    this.#tick = tick;
    this.fs = new FsModel(nowMs);
    this.fs.makeDirectory(ROOT);
    this.fs.changed = () => this.#note();
  }

  /** Every file that stands for an object now; a backup stands for what it backs up. */
  files(): HeldFile[] {
    const held = new Map<string, HeldFile>();
    for (const { path, kind, bytes } of this.fs.walk(ROOT)) {
      if (kind !== "file") continue;
      const file = heldFile(path.slice(ROOT.length), bytes);
      if (file && (!held.has(file.path) || path.includes("/tmp_"))) held.set(file.path, file);
    }
    return [...held.values()];
  }

  /** Tells whether some file has stood for a key without a gap, at all readers' eyes. */
  heldSince(key: string, tick: number): boolean {
    return this.files().some((file) =>
      file.key === key && (this.#absentTick.get(file.path) ?? -1) < tick
    );
  }

  #note(): void {
    const tick = this.#tick();
    const present = new Set<string>();
    for (const { path, kind } of this.fs.walk(ROOT)) {
      if (kind === "file") present.add(canonical(path.slice(ROOT.length)));
    }
    for (const path of this.#present) if (!present.has(path)) this.#absentTick.set(path, tick);
    for (const path of present) {
      // Until now it was not there.
      if (!this.#present.has(path)) this.#absentTick.set(path, tick);
    }
    this.#present = present;
  }
}

/** Path of an object's file below the cache root. */
export function pathOfPlace(component: string, directory: string, place: Place): string {
  const namespace = place.namespace === "" ? "" : `${place.namespace}/`;
  return `${component}/${directory}/${namespace}${place.name}`;
}

function canonical(path: string): string {
  return path.split("/").filter((segment) => segment !== "")
    .map((segment) => segment.replace(/^(tmp_)+/, "")).join("/");
}

function heldFile(path: string, bytes: Uint8Array | undefined): HeldFile | undefined {
  const clean = canonical(path);
  const [component = "", directory = "", ...rest] = clean.split("/");
  const text = bytes === undefined ? "" : new TextDecoder().decode(bytes);
  const resource = RESOURCES.find((one) => one.gvr === directory || one.older === directory);
  const name = rest.at(-1);
  if (!resource || name === undefined || rest.length > 2) return undefined;
  const namespace = rest.length === 2 ? rest[0] ?? "" : "";
  const valid = text.endsWith("}") && text.includes(`"apiVersion":"${resource.apiVersion}"`);
  return {
    path: clean,
    component,
    key: keyOfPlace({ resource, namespace, name }),
    gvr: resource.gvr,
    version: valid && bytes ? versionIn(bytes) : undefined,
  };
}
