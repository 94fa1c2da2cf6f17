import assert from "node:assert/strict";
import {
  type Absence,
  AbsenceHistory,
  type ScannedFile,
  type ScanOptions,
} from "../../lib/fscache/mod.ts";
import { cacheTest, HookedFileSystem, LATER_MS, SETTLE_MS, type TestCache } from "./_cache.ts";

const WEB = "kubelet/pods.v1.core/default/web";

function fill(cache: TestCache): void {
  cache.put(WEB);
  cache.put("kubelet/services.v1.core/default/svc");
  cache.put("proxy/services.v1.core/default/svc");
}

/** Lets a directory be of long ago: two changes of one moment have the same time. */
function age(cache: TestCache, path: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(cache.path(path))) {
    if (isDirectory) age(cache, `${path}/${name}`);
  }
  Deno.utimeSync(cache.path(path), 1_000_000_000, 1_000_000_000);
}

cacheTest("absence() is gone for a missing file, namespace, group or component", async (cache) => {
  fill(cache);
  const snapshot = await cache.scan();
  assert.deepEqual(snapshot.invalid, []);
  for (
    const path of [
      "kubelet/pods.v1.core/default/x",
      "kubelet/pods.v1.core/x/x",
      "kubelet/pods.v1.core/x",
      "kubelet/secrets.v1.core/x/x",
      "flanneld/nodes.v1.core/x",
    ]
  ) assert.equal(snapshot.absence(path), "gone", path);
  assert.equal(snapshot.absence("no path"), "not-looked-at");
});

/** A change that happens while the walk is under way, just before `at` is listed. */
async function absenceAfter(
  cache: TestCache,
  at: string,
  change: () => void,
  path: string,
): Promise<Absence> {
  age(cache, "");
  let done = false;
  const fs = new HookedFileSystem((call, on) => {
    if (done || call !== "readDir" || on !== cache.path(at)) return;
    done = true;
    change();
  });
  const snapshot = await cache.scan({ fs });
  assert.ok(done);
  assert.deepEqual(snapshot.invalid, []);
  return snapshot.absence(path);
}

cacheTest(
  "absence() is unsettled if what was listed is gone, though no time tells of a change",
  async (cache) => {
    fill(cache);
    for (const at of [WEB, "kubelet/pods.v1.core/default", "kubelet/pods.v1.core"]) {
      // Times have a granularity: they can be the same before and after.
      const fs = new HookedFileSystem((call, on) => {
        if (call !== "readDir" && on === cache.path(at)) throw new Deno.errors.NotFound();
      });
      const snapshot = await cache.scan({ fs });
      assert.deepEqual(snapshot.invalid, []);
      assert.equal(snapshot.absence(WEB), "unsettled", at);
    }
  },
);

cacheTest(
  "absence() is unsettled if a directory on the way changed during the walk",
  async (cache) => {
    const rows: [string, string, (cache: TestCache) => void, string][] = [
      ["a file was removed", "kubelet/pods.v1.core/default", (c) => c.remove(WEB), WEB],
      ["a group became a backup", "kubelet/pods.v1.core", (c) => {
        c.rename("kubelet/pods.v1.core", "kubelet/tmp_pods.v1.core");
        c.mkdir("kubelet/pods.v1.core");
      }, WEB],
      ["a group vanished", "kubelet/pods.v1.core", (c) => c.remove("kubelet/pods.v1.core"), WEB],
      [
        "a namespace vanished",
        "kubelet/pods.v1.core/default",
        (c) => c.remove("kubelet/pods.v1.core/default"),
        WEB,
      ],
      [
        "a backup appeared",
        "kubelet/services.v1.core/default",
        (c) => c.mkdir("kubelet/tmp_pods.v1.core"),
        "kubelet/pods.v1.core/default/x",
      ],
      [
        "a component appeared",
        "kubelet/pods.v1.core",
        (c) => c.mkdir("flanneld"),
        "flanneld/nodes.v1.core/x",
      ],
      ["the component was replaced", "kubelet", (c) => {
        c.rename("kubelet", "old");
        c.mkdir("kubelet");
      }, WEB],
    ];
    for (const [what, at, change, path] of rows) {
      fill(cache);
      assert.equal(
        await absenceAfter(cache, at, () => change(cache), path),
        "unsettled",
        what,
      );
      for (const entry of [...Deno.readDirSync(cache.root)]) {
        cache.remove(entry.name);
      }
    }
  },
);

cacheTest("absence() of one group doesn't suffer from changes in another", async (cache) => {
  fill(cache);
  const change = () => cache.put("kubelet/services.v1.core/default/new");
  const absence = await absenceAfter(
    cache,
    "kubelet/services.v1.core/default",
    change,
    "kubelet/pods.v1.core/default/x",
  );
  assert.equal(absence, "gone");
});

cacheTest(
  "absence() is unsettled for a file that vanished between listing and reading",
  async (cache) => {
    fill(cache);
    const fs = new HookedFileSystem((call, path) => {
      if (call === "readFile" && path === cache.path(WEB)) cache.remove(WEB);
    });
    const snapshot = await cache.scan({ fs });
    assert.deepEqual(snapshot.invalid, []);
    assert.equal(snapshot.absence(WEB), "unsettled");
    assert.equal(snapshot.files.size, 2);
  },
);

cacheTest("absence() is unsettled if the second look fails", async (cache) => {
  fill(cache);
  let looks = 0;
  const fs = new HookedFileSystem((call, path) => {
    if (call === "lstat" && path === cache.path("kubelet/pods.v1.core") && ++looks === 2) {
      throw new Deno.errors.PermissionDenied("no");
    }
  });
  const snapshot = await cache.scan({ fs });
  assert.equal(snapshot.absence("kubelet/pods.v1.core/default/x"), "unsettled");
  assert.equal(snapshot.absence("kubelet/services.v1.core/default/x"), "gone");
});

cacheTest(
  "absence() at a first look waits until each directory on the way has settled",
  async (cache) => {
    fill(cache);
    // One time for all: made one after the other, which is the youngest is left to chance.
    const youngestMs = Date.now();
    for (const path of ["", "kubelet", "kubelet/pods.v1.core", "kubelet/pods.v1.core/default"]) {
      Deno.utimeSync(cache.path(path), new Date(youngestMs), new Date(youngestMs));
    }
    const absenceAt = async (nowMs: number, settleMs: number) => {
      const snapshot = await cache.scan({ nowMs: () => nowMs, settleMs });
      return snapshot.absence("kubelet/pods.v1.core/default/x");
    };
    assert.equal(await absenceAt(youngestMs + SETTLE_MS - 1, SETTLE_MS), "unsettled");
    assert.equal(await absenceAt(youngestMs + SETTLE_MS, SETTLE_MS), "gone");
    assert.equal(await absenceAt(youngestMs, 0), "gone");
    assert.equal(await absenceAt(youngestMs - 1, 0), "unsettled");
  },
);

const X = "kubelet/services.v1.core/default/x";

/** Looks at a cache in which all has settled but the root, whose time is of the future. */
function looksWithYoungRoot(cache: TestCache) {
  const absences = new AbsenceHistory();
  const startMs = Date.now() + LATER_MS;
  return (atMs: number, options: Partial<ScanOptions<ScannedFile>> = {}) => {
    Deno.utimeSync(cache.root, new Date(), new Date(startMs + LATER_MS));
    const [nowMs, monotonicMs] = [() => startMs + atMs, () => atMs];
    return cache.scan({ absences, nowMs, monotonicMs, ...options });
  };
}

cacheTest(
  "absence() at a first look asks of a young root, since a component's backup may have just gone",
  async (cache) => {
    fill(cache);
    const look = looksWithYoungRoot(cache);
    assert.equal((await look(0)).absence(X), "unsettled");
    assert.equal((await look(SETTLE_MS - 1)).absence(X), "unsettled");
    assert.equal((await look(SETTLE_MS)).absence(X), "gone");
  },
);

cacheTest(
  "absence() at one look is gone in a young root if the component was seen without a backup for long",
  async (cache) => {
    fill(cache);
    cache.put(X);
    const look = looksWithYoungRoot(cache);
    await look(0);
    cache.remove(X);
    cache.remove("proxy");
    const snapshot = await look(SETTLE_MS);
    assert.equal(snapshot.absence(X), "gone");
    assert.equal(snapshot.absence("proxy/pods.v1.core/default/x"), "unsettled");
  },
);

cacheTest(
  "absence() waits for the settle time after the backup of a component went, whatever was looked at",
  async (cache) => {
    const pods = new Set(["kubelet/pods.v1.core"]);
    for (const whileItStands of [undefined, {}, { groups: pods }]) {
      fill(cache);
      cache.put(X);
      const look = looksWithYoungRoot(cache);
      await look(0);
      cache.rename("kubelet", "tmp_kubelet");
      cache.put(WEB);
      if (whileItStands) await look(10 * SETTLE_MS, whileItStands);
      cache.remove("tmp_kubelet");
      assert.equal((await look(20 * SETTLE_MS, { groups: pods })).absence(X), "not-looked-at");
      assert.equal((await look(21 * SETTLE_MS - 1)).absence(X), "unsettled");
      assert.equal((await look(21 * SETTLE_MS)).absence(X), "gone");
    }
  },
);
