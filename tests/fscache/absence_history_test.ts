import assert from "node:assert/strict";
import {
  AbsenceHistory,
  DenoFileSystem,
  type DirEntry,
  type FileStat,
  type FileSystem,
  type ScannedFile,
  type ScanOptions,
} from "../../lib/fscache/mod.ts";
import { cacheTest, HookedFileSystem, SETTLE_MS, TestCache } from "./_cache.ts";

const NAMESPACE = "kubelet/pods.v1.core/default";
const X = `${NAMESPACE}/x`;

/** One cache from look to look, as an agent sees it; its files are always young. */
class Looks {
  readonly absences = new AbsenceHistory();
  readonly #cache: TestCache;
  atMs = 0;

  constructor(cache: TestCache) {
    this.#cache = cache;
  }

  /** What the absence of a path means after so many ms. */
  async after(
    ms: number,
    options: Partial<ScanOptions<ScannedFile>> & { readonly path?: string } = {},
  ): Promise<string> {
    const { path = X, ...rest } = options;
    this.atMs += ms;
    const snapshot = await this.#cache.scan({
      absences: this.absences,
      monotonicMs: () => this.atMs,
      // Whatever the files say, it is of the future.
      nowMs: () => this.atMs,
      ...rest,
    });
    assert.deepEqual(snapshot.invalid, []);
    return snapshot.absence(path);
  }
}

/** What yurthub does to a directory with each update of an object. */
function update(cache: TestCache, name: string): void {
  cache.rename(`${NAMESPACE}/${name}`, `${NAMESPACE}/tmp_${name}`);
  cache.put(`${NAMESPACE}/${name}`);
  cache.remove(`${NAMESPACE}/tmp_${name}`);
}

cacheTest("a file is gone that was missing in two looks the settle time apart", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  const looks = new Looks(cache);
  assert.equal(await looks.after(0), "unsettled");
  assert.equal(await looks.after(SETTLE_MS - 1), "unsettled");
  assert.equal(await looks.after(1), "gone");
});

cacheTest("a file of a directory that never rests is gone as soon", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  const looks = new Looks(cache);
  const seen: string[] = [];
  for (let ms = 0; ms <= SETTLE_MS; ms += SETTLE_MS / 4) {
    seen.push(await looks.after(ms === 0 ? 0 : SETTLE_MS / 4));
    update(cache, "web");
  }
  assert.deepEqual(seen, ["unsettled", "unsettled", "unsettled", "unsettled", "gone"]);
});

cacheTest("without a settle time a second look is enough, whenever it comes", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  const looks = new Looks(cache);
  assert.equal(await looks.after(0, { settleMs: 0 }), "unsettled");
  update(cache, "web");
  assert.equal(await looks.after(0, { settleMs: 0 }), "gone");
});

cacheTest("a look that finds the file, or its backup, begins anew", async (cache) => {
  for (const name of ["x", "tmp_x"]) {
    cache.put(`${NAMESPACE}/web`);
    const looks = new Looks(cache);
    assert.equal(await looks.after(0), "unsettled");
    cache.put(`${NAMESPACE}/${name}`);
    assert.equal(await looks.after(SETTLE_MS), "kept", name);
    cache.remove(`${NAMESPACE}/${name}`);
    assert.equal(await looks.after(SETTLE_MS), "unsettled", name);
    assert.equal(await looks.after(SETTLE_MS), "gone", name);
  }
});

cacheTest("a look at a rewrite does not count, on any level", async (cache) => {
  for (
    const backup of ["tmp_kubelet", "kubelet/tmp_pods.v1.core", "kubelet/pods.v1.core/tmp_default"]
  ) {
    cache.put(`${NAMESPACE}/web`);
    const looks = new Looks(cache);
    assert.equal(await looks.after(0), "unsettled");
    cache.mkdir(backup);
    assert.equal(await looks.after(SETTLE_MS), "rewriting", backup);
    cache.remove(backup);
    assert.equal(await looks.after(SETTLE_MS), "unsettled", backup);
    assert.equal(await looks.after(SETTLE_MS), "gone", backup);
  }
});

cacheTest("a list that was written anew, in another directory, begins anew", async (cache) => {
  const levels = ["kubelet", "kubelet/pods.v1.core", NAMESPACE];
  for (const level of levels) {
    cache.put(`${NAMESPACE}/web`);
    const looks = new Looks(cache);
    assert.equal(await looks.after(0), "unsettled");
    cache.rename(level, "away");
    cache.put(`${NAMESPACE}/web`);
    cache.remove("away");
    assert.equal(await looks.after(SETTLE_MS), "unsettled", level);
    assert.equal(await looks.after(SETTLE_MS), "gone", level);
  }
});

cacheTest("a new directory with the inode number of the old one begins anew", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  let birthtimeMs = 1;
  const fs = changing({
    lstat: (path, stat) => path.endsWith("default") ? { ...stat, ino: 7, birthtimeMs } : stat,
  });
  const looks = new Looks(cache);
  assert.equal(await looks.after(0, { fs }), "unsettled");
  birthtimeMs = 2;
  assert.equal(await looks.after(SETTLE_MS, { fs }), "unsettled");
  assert.equal(await looks.after(SETTLE_MS, { fs }), "gone");
});

cacheTest(
  "a file that the listing missed is not gone, however old its directory",
  async (cache) => {
    cache.put(`${NAMESPACE}/web`);
    cache.put(X);
    const fs = changing({ readDir: (_, entries) => entries.filter(({ name }) => name !== "x") });
    const looks = new Looks(cache);
    const nowMs = () => Date.now() + 60_000;
    for (let look = 0; look < 3; look++) {
      assert.equal(await looks.after(SETTLE_MS, { fs, nowMs }), "unsettled");
    }
    cache.remove(X);
    assert.equal(await looks.after(SETTLE_MS, { fs }), "unsettled");
    assert.equal(await looks.after(SETTLE_MS, { fs }), "gone");
  },
);

cacheTest("a file that is renamed while it is looked at is not gone", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  cache.put(X);
  // The listing misses it, and it is renamed after its backup was asked for, before it is itself.
  const fs = changing({
    readDir: (_, entries) => entries.filter(({ name }) => !name.endsWith("x")),
    before: (path) => {
      if (path.endsWith("/x")) cache.rename(X, `${NAMESPACE}/tmp_x`);
    },
  });
  const looks = new Looks(cache);
  for (let look = 0; look < 3; look++) {
    assert.equal(await looks.after(SETTLE_MS, { fs }), "unsettled");
    cache.rename(`${NAMESPACE}/tmp_x`, X);
  }
});

cacheTest("a look at a directory that changes all the time does not count", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  let mtimeMs = 0;
  const fs = changing({
    lstat: (path, stat) => path.endsWith("default") ? { ...stat, mtimeMs: ++mtimeMs } : stat,
  });
  const looks = new Looks(cache);
  for (let look = 0; look < 3; look++) {
    assert.equal(await looks.after(SETTLE_MS, { fs }), "unsettled");
  }
  assert.equal(await looks.after(SETTLE_MS), "unsettled");
  assert.equal(await looks.after(SETTLE_MS), "gone");
});

cacheTest("a directory that can't be looked at again says nothing", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  const fs = new HookedFileSystem((call, path) => {
    if (call === "lstat" && path.endsWith("/x")) throw new Deno.errors.PermissionDenied("no");
  });
  const looks = new Looks(cache);
  for (let look = 0; look < 3; look++) {
    assert.equal(await looks.after(SETTLE_MS, { fs }), "unsettled");
  }
});

cacheTest("file times are no measure soon after the wall clock was set", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  cache.put(X);
  const looks = new Looks(cache);
  let wallMs = Date.now();
  const nowMs = () => wallMs;
  assert.equal(await looks.after(0, { nowMs }), "kept");
  cache.remove(X);
  // The files were written under the old time: they look an hour old.
  wallMs += 3_600_000;
  assert.equal(await looks.after(1, { nowMs }), "unsettled");
  wallMs += SETTLE_MS;
  assert.equal(await looks.after(SETTLE_MS, { nowMs }), "gone");
  assert.equal(await looks.after(0, { nowMs, path: "kubelet/secrets.v1.core/x/x" }), "gone");
});

cacheTest("nothing is remembered but recorded files that are missing", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  const looks = new Looks(cache);
  const other = `${NAMESPACE}/other`;
  const { files } = await cache.scan();
  const [recorded] = files.values();
  assert.ok(recorded);
  await looks.after(0, { recorded: new Map([[other, recorded]]) });
  assert.ok(looks.absences.missing.has(other));
  assert.ok(looks.absences.missing.has(X));
  assert.ok(!looks.absences.missing.has(`${NAMESPACE}/web`));
  cache.put(X);
  await looks.after(1);
  assert.ok(!looks.absences.missing.has(other));
  assert.ok(!looks.absences.missing.has(X));
});

cacheTest("it is remembered how many files stood when one was missing first", async (cache) => {
  cache.put(`${NAMESPACE}/web`);
  cache.put(X);
  const looks = new Looks(cache);
  await looks.after(0);
  const gone = looks.absences.missing.get(`${NAMESPACE}/gone`);
  // All eleven of kubelet's that are recorded, as far as was known.
  assert.deepEqual([gone?.firstMs, gone?.stoodBefore], [0, 11]);
  cache.remove(X);
  await looks.after(5);
  const x = looks.absences.missing.get(X);
  assert.deepEqual([x?.firstMs, x?.stoodBefore], [5, 2]);
});

/** The real file system, with something that happens before a look or changes what it finds. */
function changing(changes: {
  readonly lstat?: (path: string, stat: FileStat) => FileStat;
  readonly readDir?: (path: string, entries: DirEntry[]) => DirEntry[];
  readonly before?: (path: string) => void;
}): FileSystem {
  const real = new DenoFileSystem("/");
  return {
    readDir: (path) => changes.readDir?.(path, real.readDir(path)) ?? real.readDir(path),
    lstat: (path) => {
      changes.before?.(path);
      return changes.lstat?.(path, real.lstat(path)) ?? real.lstat(path);
    },
    readFile: (path, maxBytes) => real.readFile(path, maxBytes),
  };
}
