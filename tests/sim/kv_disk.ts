import type { KvKey, KvMutation } from "../../lib/keycache/mod.ts";

/** A row of the cache as it is on disk, read by other eyes than the cache's own. */
export interface DiskRow {
  readonly ours: boolean;
  /** Null if it is not known (any more). */
  readonly mod: string | null;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Of the bytes in etcd; undefined if that is not noted. */
  readonly hash: string | undefined;
  /** Taken over, and not held by an owner since. */
  readonly adopted: boolean;
  readonly owners: readonly DiskOwner[];
}

/** An owner in a row. */
export interface DiskOwner {
  readonly component: string;
  readonly gvr: string;
  readonly fromApi: boolean;
  /** Its file stands in the older layout. */
  readonly older: boolean;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Of the bytes that it holds; undefined if that is not noted. */
  readonly hash: string | undefined;
}

/** The head of the pending intent. */
export interface DiskHeader {
  readonly expected: string | null;
  readonly next: string;
  readonly bump: string;
}

/** What the intent says of one key. */
export interface DiskEntry {
  readonly action: "put" | "delete" | "keep";
  readonly key: string;
  readonly guardMod: string;
  /** Who owns the key if it succeeds. */
  readonly owners: readonly DiskOwner[];
}

/** The cache's state record. */
export interface DiskState {
  readonly expected: string | null;
  readonly seq: number;
  readonly epoch: number;
  readonly adopting: boolean;
  /** Set once this life took over a fence. */
  readonly tookOver?: object;
}

/** A version of an object. */
export interface DiskVersion {
  readonly uid: string;
  readonly resourceVersion: string;
}

interface RawTombstone extends DiskVersion {
  readonly others?: readonly (readonly [string, string])[];
}

type Numbers = readonly [number, number, number, number, number];
type RawOwner = readonly [string, string, number, string, string, ...Numbers, string | null];
type RawRow = readonly [
  number,
  string | null,
  number,
  string,
  string,
  readonly RawOwner[],
  string | null,
  number,
];
type RawEntry = readonly [number, string, string, RawRow | null, string, string];

const ACTIONS = ["put", "delete", "keep"] as const;
const OLDER_SOURCE = 1;
const API_SOURCE = 2;
const CHECKSUM_BYTES = 4;
/** A lower byte is no JSON's first: it is the record's schema. */
const FIRST_JSON_BYTE = 0x20;
const decoder = new TextDecoder();

/** A disk with one cache's database on it. It outlives every process. */
export class KvDisk {
  #records = new Map<string, Uint8Array>();
  readonly #parsed = new WeakMap<Uint8Array, unknown>();

  /** The records below a key, in order. */
  list(prefix: KvKey): { key: KvKey; value: Uint8Array }[] {
    return [...this.#records]
      .map(([key, value]) => ({ key: key.split("\0"), value }))
      .filter(({ key }) => prefix.every((segment, index) => key[index] === segment))
      .sort((a, b) => compareKeys(a.key, b.key));
  }

  /** Tells whether a record is there. */
  has(key: KvKey): boolean {
    return this.#records.has(key.join("\0"));
  }

  /** Writes one atomic. */
  commit(mutations: readonly KvMutation[]): void {
    for (const mutation of mutations) {
      if ("set" in mutation) this.#records.set(mutation.set.join("\0"), mutation.value.slice());
      else this.#records.delete(mutation.delete.join("\0"));
    }
  }

  /** A copy, as a backup of the disk would hold. */
  copy(): ReadonlyMap<string, Uint8Array> {
    return new Map(this.#records);
  }

  /** The disk is put back to a copy; by default it is new and empty. */
  restore(copy: ReadonlyMap<string, Uint8Array> = new Map()): void {
    this.#records = new Map(copy);
  }

  /** The cache's life; undefined while it has not been born. */
  get life(): string | undefined {
    const identity = this.#records.get("head\0identity");
    return identity && this.#sealed<{ life: string }>(identity).life;
  }

  get state(): DiskState | undefined {
    const state = this.#records.get("head\0state");
    return state && this.#sealed<DiskState>(state);
  }

  /** The pending intent's head. */
  get header(): DiskHeader | undefined {
    const header = this.#records.get("intent\0header");
    return header && this.#sealed<DiskHeader>(header);
  }

  /** Chunks of an intent are there, with a header or without. */
  get hasChunks(): boolean {
    return [...this.#records.keys()].some((key) => key.startsWith("intent\0chunk"));
  }

  /** What the pending intent says; empty if none is. */
  get entries(): DiskEntry[] {
    if (!this.header) return [];
    const entries: DiskEntry[] = [];
    for (const [key, value] of this.#records) {
      if (!key.startsWith("intent\0chunk")) continue;
      for (const [action, name, guardMod, after] of this.#parse<readonly RawEntry[]>(value, 0)) {
        const owners = after ? after[5].map(ownerOf) : [];
        entries.push({ action: ACTIONS[action] ?? "keep", key: name, guardMod, owners });
      }
    }
    return entries;
  }

  /** The row of a key. */
  row(key: string): DiskRow | undefined {
    const value = this.#records.get(`row\0${key}`);
    if (!value) return undefined;
    const [ours, mod, epoch, uid, resourceVersion, owners, hash, adopted] = this.#sealed<RawRow>(
      value,
    );
    return {
      ours: ours === 1,
      mod: epoch === this.state?.epoch ? mod : null,
      uid,
      resourceVersion,
      hash: hash ?? undefined,
      adopted: adopted === 1,
      owners: owners.map(ownerOf),
    };
  }

  /** The keys that have a row. */
  get rowKeys(): string[] {
    return [...this.#records.keys()].filter((key) => key.startsWith("row\0"))
      .map((key) => key.slice("row\0".length));
  }

  /** The cache remembers something that it put under a key, and that went. */
  hasTombstone(key: string): boolean {
    return this.#records.has(`tombstone\0${key}`);
  }

  /** The keys that have a tombstone. */
  get tombstoneKeys(): string[] {
    return [...this.#records.keys()].filter((key) => key.startsWith("tombstone\0"))
      .map((key) => key.slice("tombstone\0".length));
  }

  /** The versions that the cache would know as its own under a key, and all older ones of each. */
  remembered(key: string): DiskVersion[] {
    const row = this.row(key);
    const tombstone = this.#records.get(`tombstone\0${key}`);
    const known: DiskVersion[] = row?.ours ? [row, ...row.owners] : [];
    if (tombstone) {
      const { others = [], ...latest } = this.#sealed<RawTombstone>(tombstone);
      known.push(latest, ...others.map(([uid, resourceVersion]) => ({ uid, resourceVersion })));
    }
    return known;
  }

  /** The cache would know a version as its own, if etcd were restored to a state with it. */
  remembers(key: string, version: DiskVersion): boolean {
    return this.remembered(key).some(({ uid, resourceVersion }) =>
      uid === version.uid && BigInt(resourceVersion) >= BigInt(version.resourceVersion)
    );
  }

  #sealed<T>(value: Uint8Array): T {
    const hasSchema = (value[CHECKSUM_BYTES] ?? 0) < FIRST_JSON_BYTE;
    return this.#parse<T>(value, CHECKSUM_BYTES + (hasSchema ? 1 : 0));
  }

  #parse<T>(value: Uint8Array, offset: number): T {
    if (!this.#parsed.has(value)) {
      this.#parsed.set(value, JSON.parse(decoder.decode(value.subarray(offset))));
    }
    return this.#parsed.get(value) as T;
  }
}

function ownerOf(raw: RawOwner): DiskOwner {
  const [component, gvr, source, uid, resourceVersion] = raw;
  const [fromApi, older] = [source === API_SOURCE, source === OLDER_SOURCE];
  return { component, gvr, fromApi, older, uid, resourceVersion, hash: raw[10] ?? undefined };
}

function compareKeys(a: KvKey, b: KvKey): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left = "", right = ""] = [a[i], b[i]];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
