import { type NodeModel, ROOT } from "./node_model.ts";
import type { World } from "./world.ts";

/** Where a directory is for a moment. */
const AWAY = "/blink";
/** A change shows in file times, which go by a clock that ticks no faster. */
const TICK_MS = 5;
const VERSION = /"resourceVersion":"(\d+)"/;

/** What happens in the cache in the very moment in which somebody looks at it. */
export class Moments {
  readonly #world: World;
  readonly #node: NodeModel;
  #away: string | undefined;
  /** The file that was written just before it is read. */
  #written: string | undefined;

  constructor(world: World, node: NodeModel) {
    this.#world = world;
    this.#node = node;
  }

  /** yurthub updates an object while its directory is listed: the listing can miss it. */
  update(directory: string): void {
    const { prng, weather, marks } = this.#world;
    const { fs } = this.#node;
    if (!prng.chance(weather.update)) return;
    const files = fs.walk(directory).filter(({ path, kind }) =>
      kind === "file" && path.lastIndexOf("/") === directory.length && !path.includes("/tmp_")
    );
    const file = prng.chance(0.7) ? files[0] : files.at(-1);
    if (!file?.bytes) return;
    const slash = file.path.lastIndexOf("/") + 1;
    const backup = `${file.path.slice(0, slash)}tmp_${file.path.slice(slash)}`;
    if (fs.has(backup)) return;
    marks.hit("file updated during a listing");
    fs.rename(file.path, backup);
    fs.write(file.path, file.bytes.slice());
    fs.remove(backup);
  }

  /** What is away for a moment is back, before anybody else does anything. */
  end(): void {
    if (this.#away === undefined) return;
    this.#world.clock.advance(TICK_MS);
    this.#node.blink(AWAY, this.#away);
    this.#away = undefined;
  }

  /** Somebody moves a directory away just as a file in it is looked at, and back at once. */
  blink(path: string): void {
    const { prng, weather, marks, clock } = this.#world;
    const { fs } = this.#node;
    const directory = path.slice(0, path.lastIndexOf("/"));
    const isInGroup = directory.split("/").length > ROOT.split("/").length + 1;
    if (!isInGroup || !fs.has(path) || fs.isDirectory(path)) return;
    if (!prng.chance(weather.blink * this.#hotness(path))) return;
    marks.hit("directory away for a moment");
    clock.advance(TICK_MS);
    this.#node.blink(directory, AWAY);
    this.#away = directory;
  }

  /** A file is written just before it is read. */
  writeBeforeRead(path: string): void {
    const { prng, weather } = this.#world;
    this.#written = undefined;
    if (prng.chance(weather.overtaken) && this.#writeNewer(path)) this.#written = path;
  }

  /** And once more just after, with nothing to show for it but other bytes. */
  writeAfterRead(path: string): void {
    if (this.#written !== path) return;
    this.#written = undefined;
    if (this.#writeNewer(path)) this.#world.marks.hit("file overtaken within a tick of its clock");
  }

  /** Most of what happens so happens to a few files. */
  #hotness(path: string): number {
    return path.endsWith("/a") ? 1 : 0.02;
  }

  /** Writes a newer version of the object of a file, if it is of the same length. */
  #writeNewer(path: string): boolean {
    const file = this.#node.files().find((one) => `${ROOT}/${one.path}` === path);
    if (!file?.version || file.backedUp) return false;
    const text = new TextDecoder().decode(file.bytes);
    const { uid, resourceVersion } = this.#world.cloud.change(file.key);
    const isSame = uid === file.version.uid &&
      resourceVersion.length === file.version.resourceVersion.length;
    if (!isSame) return false;
    const newer = text.replace(VERSION, `"resourceVersion":"${resourceVersion}"`);
    this.#node.fs.write(path, new TextEncoder().encode(newer));
    return true;
  }
}
