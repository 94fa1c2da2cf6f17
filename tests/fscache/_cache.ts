import { kindOf } from "../support/kinds.ts";
import {
  AbsenceHistory,
  DenoFileSystem,
  type DirEntry,
  type FileStamp,
  type FileStat,
  type FileSystem,
  scan,
  type ScannedFile,
  type ScanOptions,
} from "../../lib/fscache/mod.ts";

/** By this much the clock is ahead of the files, so that all of them have settled. */
export const LATER_MS = 60_000;
export const SETTLE_MS = 2_000;

type Call = keyof FileSystem;

/** Recorded in every scan, as files that were never read; most are in no cache. */
const RECORDED: ReadonlyMap<string, ScannedFile> = new Map(
  [
    "kubelet/pods.v1.core/default/web",
    "kubelet/pods.v1.core/default/gone",
    "kubelet/pods.v1.core/default/old",
    "kubelet/pods.v1.core/default/x",
    "kubelet/pods.v1.core/shop/gone",
    "kubelet/pods.v1.core/other/x",
    "kubelet/pods.v1.core/x",
    "kubelet/pods.v1.core/x/x",
    "kubelet/services.v1.core/default/x",
    "kubelet/secrets.v1.core/default/x",
    "kubelet/secrets.v1.core/x/x",
    "flanneld/nodes.v1.core/x",
    "proxy/pods.v1.core/default/x",
  ].map((path) => [path, neverRead(path)]),
);

function neverRead(path: string): ScannedFile {
  return {
    path,
    component: "",
    directory: "",
    gvr: { group: "", version: "", resource: "" },
    namespace: "",
    name: "",
    uid: "",
    resourceVersion: "",
    hash: "",
    stamp: { size: 0, mtimeMs: 0, ctimeMs: 0, ino: 0 },
    readAtMs: 0,
    sourcePath: path,
  };
}

/** The real file system, with something that happens before or instead of each call. */
export class HookedFileSystem implements FileSystem {
  readonly calls: { readonly call: Call; readonly path: string }[] = [];
  readonly #real = new DenoFileSystem("/");
  readonly #hook: (call: Call, path: string) => void;

  constructor(hook: (call: Call, path: string) => void = () => {}) {
    this.#hook = hook;
  }

  count(call: Call): number {
    return this.calls.filter((made) => made.call === call).length;
  }

  readDir(path: string): DirEntry[] {
    this.#before("readDir", path);
    return this.#real.readDir(path);
  }

  lstat(path: string): FileStat {
    this.#before("lstat", path);
    return this.#real.lstat(path);
  }

  readFile(path: string, maxBytes: number): { bytes: Uint8Array; stamp: FileStamp } {
    this.#before("readFile", path);
    return this.#real.readFile(path, maxBytes);
  }

  #before(call: Call, path: string): void {
    this.calls.push({ call, path });
    this.#hook(call, path);
  }
}

/** An fs cache in a directory of its own. */
export class TestCache {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  path(path: string): string {
    return `${this.root}/${path}`;
  }

  mkdir(path: string): void {
    Deno.mkdirSync(this.path(path), { recursive: true });
  }

  write(path: string, content: string | Uint8Array): void {
    this.mkdir(path.slice(0, Math.max(0, path.lastIndexOf("/"))));
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    Deno.writeFileSync(this.path(path), bytes);
  }

  /** Writes the object that belongs at a path of the current layout, or variations of it. */
  put(path: string, metadata: Record<string, unknown> = {}, apiVersion?: string): void {
    this.write(path, JSON.stringify(objectAt(path, metadata, apiVersion)));
  }

  remove(path: string): void {
    Deno.removeSync(this.path(path), { recursive: true });
  }

  rename(from: string, to: string): void {
    Deno.renameSync(this.path(from), this.path(to));
  }

  scan(options: Partial<ScanOptions<ScannedFile>> = {}) {
    return scan<ScannedFile>({
      root: this.root,
      fs: new DenoFileSystem(this.root),
      nowMs: () => Date.now() + LATER_MS,
      monotonicMs: () => performance.now(),
      settleMs: SETTLE_MS,
      maxObjectBytes: 1024 * 1024,
      absences: new AbsenceHistory(),
      pause: () => Promise.resolve(),
      ...options,
      recorded: new Map([...RECORDED, ...options.recorded ?? []]),
    });
  }
}

export function objectAt(
  path: string,
  metadata: Record<string, unknown> = {},
  apiVersion?: string,
): Record<string, unknown> {
  const segments = path.split("/").map((segment) => segment.replace(/^(tmp_)+/, ""));
  const [resource = "", version, ...group] = (segments[1] ?? "").split(".");
  const groupName = group.join(".");
  const said = apiVersion ?? (groupName === "core" ? version ?? "" : `${groupName}/${version}`);
  return {
    kind: kindOf(resource, said),
    apiVersion: said,
    metadata: {
      name: segments.at(-1),
      ...(segments.length === 4 ? { namespace: segments[2] } : {}),
      uid: `uid-${segments.at(-1)}`,
      resourceVersion: "7",
      ...metadata,
    },
  };
}

/** Registers a test that gets an empty cache. */
export function cacheTest(name: string, body: (cache: TestCache) => Promise<void>): void {
  Deno.test(name, async () => {
    const base = Deno.makeTempDirSync();
    try {
      const root = `${base}/cache`;
      Deno.mkdirSync(root);
      await body(new TestCache(root));
    } finally {
      Deno.removeSync(base, { recursive: true });
    }
  });
}
