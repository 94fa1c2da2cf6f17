import type { ComponentHolding } from "../fscache/mod.ts";
import type { Change } from "./change.ts";
import type { DeleteWindow } from "./delete_window.ts";
import type { FenceState } from "./fence_state.ts";
import type { Identity } from "./identity.ts";
import type { Intent } from "./intent.ts";
import type { CachedFile, KeyIndex } from "./key_index.ts";
import type { KeyRow, Owner } from "./key_row.ts";
import type { ListFacts } from "./list_facts.ts";
import type { StoredCache } from "./read_records.ts";
import type { Tombstone } from "./tombstone.ts";

/** What a component-key cache holds, in memory: to look at, but for who writes it. */
export class CacheContents {
  /** What it was born for. */
  readonly identity: Identity;
  readonly #index: KeyIndex;
  readonly #tombstones: Map<string, Tombstone>;
  readonly #windows: Map<string, DeleteWindow>;
  readonly #components: Set<string>;
  /** Lists that components were given through the API. */
  readonly lists: Pick<ListFacts, "components" | "covers" | "has" | "of" | "resourcesOf">;
  #fence: FenceState;
  #intent: Intent | undefined;

  /**
   * Begins with what was read.
   *
   * @param stored what the database holds
   */
  constructor(stored: StoredCache) {
    this.identity = stored.identity;
    this.#index = stored.index;
    this.#tombstones = stored.tombstones;
    this.#windows = stored.windows;
    this.#components = stored.components;
    this.lists = stored.lists;
    this.#fence = stored.state;
    this.#intent = stored.intent;
  }

  /** What the fence holds, as far as this node knows. */
  get fence(): FenceState {
    return this.#fence;
  }

  /** The batch whose outcome is not yet known, if there is one. */
  get intent(): Intent | undefined {
    return this.#intent;
  }

  /** What is known of each object key, by key. */
  get rows(): ReadonlyMap<string, KeyRow> {
    return this.#index.rows;
  }

  /** What was put and etcd no longer holds, by object key; the oldest come first. */
  get tombstones(): ReadonlyMap<string, Tombstone> {
    return this.#tombstones;
  }

  /** Recent deletes by component. */
  get windows(): ReadonlyMap<string, DeleteWindow> {
    return this.#windows;
  }

  /** Components that are remembered to have let go of a key. */
  get remembered(): ReadonlySet<string> {
    return this.#components;
  }

  /** Components that hold keys, that are remembered to have held some, or were given a list. */
  get components(): ReadonlySet<string> {
    return new Set([
      ...this.byOwner.keys(),
      ...this.#components,
      ...this.#windows.keys(),
      ...this.lists.components,
    ]);
  }

  /** Component → gvr → its object keys, unordered. */
  get byOwner(): ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> {
    return this.#index.byOwner;
  }

  /**
   * How many keys a component holds in all versions and groups, and bytes of their objects.
   *
   * @param component its name
   */
  heldBy(component: string): ComponentHolding {
    return this.#index.heldBy(component);
  }

  /** What is remembered of a file, by its path below the cache root. */
  file(path: string): CachedFile | undefined {
    return this.#index.files.get(path);
  }

  /**
   * Owners that stand on the same file as {@linkcode file} says another does: in the older layout a
   * file can turn into another group's object, with another key. At most one of them is right.
   */
  rivalsOf(path: string): readonly CachedFile[] {
    return this.#index.rivalsOf(path);
  }

  /** All files that owners stand on, by path below the cache root. */
  get files(): ReadonlyMap<string, CachedFile> {
    return this.#index.files;
  }

  /** Path of an owner's file below the cache root; undefined for an owner from the API. */
  pathOf(key: string, owner: Owner): string | undefined {
    return this.#index.pathOf(key, owner);
  }

  /** Takes up an intent that was written, or forgets one that is gone. */
  protected pend(intent: Intent | undefined): void {
    this.#intent = intent;
  }

  /** Takes up a change that was written; no intent is pending any more. */
  protected take({ fence, rows, forgotten, tombstones, components, windows }: Change): void {
    this.#fence = fence;
    this.#intent = undefined;
    for (const key of forgotten) this.#tombstones.delete(key);
    for (const [key, tombstone] of tombstones) {
      // The oldest come first.
      this.#tombstones.delete(key);
      this.#tombstones.set(key, tombstone);
    }
    for (const name of components) this.#components.add(name);
    for (const [component, window] of windows) this.#windows.set(component, window);
    for (const [key, row] of rows) this.#index.set(key, row);
  }

  /** A new epoch has begun: no mod revision is known any more. */
  protected forgetMods(): void {
    this.#index.forgetMods();
  }
}
