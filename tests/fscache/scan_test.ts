import assert from "node:assert/strict";
import { contentHash } from "../../lib/k8s/mod.ts";
import fc from "fast-check";
import {
  CacheRootError,
  CacheTooLargeError,
  DenoFileSystem,
  ExcludedResources,
  namesInRoot,
} from "../../lib/fscache/mod.ts";
import { MAX_ROOT_ENTRIES } from "../../lib/fscache/listings.ts";
import { maxEntries } from "../../lib/fscache/component_limits.ts";
import { MAX_INVALID_PATHS } from "../../lib/fscache/invalid_paths.ts";
import { cacheTest, HookedFileSystem, LATER_MS, objectAt, SETTLE_MS, TestCache } from "./_cache.ts";

cacheTest("scan() reads both layouts, namespaced and cluster-scoped", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/web");
  cache.put("kubelet/nodes.v1.core/edge-1");
  cache.put("kubelet/namespaces.v1.core/default");
  cache.put("kubelet/deployments/default/web", {}, "apps/v1");
  cache.put("kubelet/namespaces/shop", {}, "v1");
  cache.put("kubelet/clusterroles.v1.rbac.authorization.k8s.io/system:node");
  cache.mkdir("kubelet/services.v1.core");
  const { files, invalid, components, rewriting } = await cache.scan();
  assert.deepEqual(invalid, []);
  assert.deepEqual([...components], ["kubelet"]);
  assert.equal(rewriting.size, 0);
  assert.deepEqual([...files.keys()].toSorted(), [
    "kubelet/clusterroles.v1.rbac.authorization.k8s.io/system:node",
    "kubelet/deployments/default/web",
    "kubelet/namespaces.v1.core/default",
    "kubelet/namespaces/shop",
    "kubelet/nodes.v1.core/edge-1",
    "kubelet/pods.v1.core/default/web",
  ]);
  const { stamp, readAtMs, bytes, hash, ...web } = files.get("kubelet/deployments/default/web") ??
    assert.fail();
  assert.deepEqual(web, {
    path: "kubelet/deployments/default/web",
    component: "kubelet",
    directory: "deployments",
    gvr: { group: "apps", version: "v1", resource: "deployments" },
    namespace: "default",
    name: "web",
    uid: "uid-web",
    resourceVersion: "7",
    sourcePath: "kubelet/deployments/default/web",
  });
  assert.equal(stamp.size, bytes?.length);
  assert.equal(hash, contentHash(bytes ?? assert.fail()));
  assert.ok(readAtMs - stamp.mtimeMs >= LATER_MS - 1_000);
});

cacheTest(
  "scan() and namesInRoot() pass over cluster info, _internal and metadata-only directories",
  async (cache) => {
    cache.write("version", "{}");
    cache.write("apis_apps_v1", "not JSON");
    cache.write("tmp_version", "{}");
    cache.write("_internal/restmapper/cache-crd-restmapper.conf", "{}");
    cache.write("yurthub/partialobjectmetadatas.v1.meta.k8s.io/default/web", "{}");
    const snapshot = await cache.scan();
    assert.deepEqual(snapshot.invalid, []);
    assert.equal(snapshot.files.size, 0);
    assert.deepEqual([...snapshot.components], ["yurthub"]);
    assert.deepEqual([...namesInRoot(new DenoFileSystem(cache.root), cache.root)], ["yurthub"]);
  },
);

cacheTest("scan() lists what disagrees with its path, and never quotes it", async (cache) => {
  const secret = "hunter2";
  const at = (name: string) => `kubelet/pods.v1.core/default/${name}`;
  const text = (name: string, metadata = {}, apiVersion = "v1") =>
    JSON.stringify({ ...objectAt(at(name), metadata, apiVersion), data: secret });
  const rows: [string, string | Uint8Array, RegExp][] = [
    ["empty", "", /^empty$/],
    ["truncated", text("truncated").slice(0, -9), /not valid JSON/],
    ["latin1", Uint8Array.of(0x7b, 0xff, 0x7d), /not valid UTF-8/],
    ["list", "[1]", /not a JSON object/],
    ["api", text("api", {}, "v2"), /apiVersion/],
    ["group", text("group", {}, "apps/v1"), /apiVersion/],
    ["name", text("name", { name: secret }), /metadata\.name/],
    ["space", text("space", { namespace: secret }), /metadata\.namespace/],
    ["cluster", text("cluster", { namespace: "" }), /metadata\.namespace/],
    ["rv", text("rv", { resourceVersion: "" }), /resourceVersion/],
    ["rv2", text("rv2", { resourceVersion: secret }), /resourceVersion/],
    ["huge", text("huge", { x: "x".repeat(2000) }), /larger than 1000 bytes/],
  ];
  for (const [name, content] of rows) cache.write(at(name), content);
  cache.put(at("good"));
  cache.put("kubelet/nodes.v1.core/edge", { namespace: "default" });
  cache.put("kubelet/deployments/default/web", {}, "apps/v1/x");
  const snapshot = await cache.scan({ maxObjectBytes: 1000 });
  const reasons = new Map(snapshot.invalid.map(({ path, reason }) => [path, reason]));
  for (const [name, , reason] of rows) {
    assert.match(reasons.get(at(name)) ?? "", reason, name);
    assert.equal(snapshot.absence(at(name)), "kept", name);
  }
  assert.match(reasons.get("kubelet/nodes.v1.core/edge") ?? "", /namespace/);
  assert.match(reasons.get("kubelet/deployments/default/web") ?? "", /apiVersion/);
  assert.equal(reasons.size, rows.length + 2);
  const kinds = snapshot.invalid.flatMap(({ path, kind }) => kind ? [[path, kind]] : []);
  assert.deepEqual(kinds, [[at("huge"), "too-large"]]);
  assert.ok(!JSON.stringify(snapshot.invalid).includes(secret));
  assert.deepEqual([...snapshot.files.keys()], [at("good")]);
});

cacheTest("scan() lists what can't hold or be an object, and goes on", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/good");
  cache.mkdir("kubelet/pods.v1.core/default/directory");
  cache.mkdir("kubelet/namespaces.v1.core/default");
  cache.mkdir("kubelet/No_Resource");
  cache.mkdir("kubelet/pods.v1");
  cache.write("kubelet/services.v1.core", "a file");
  cache.write("kubelet/pods.v1.core/default/a%b", "{}");
  cache.mkdir("kubelet/pods.v1.core/b%c");
  cache.mkdir("per%cent/pods.v1.core");
  cache.mkdir("tmp_");
  cache.mkdir("kubelet/pods.v1.core/tmp_");
  const snapshot = await cache.scan();
  assert.deepEqual(snapshot.invalid.map(({ path }) => path).toSorted(), [
    "kubelet/No_Resource",
    "kubelet/namespaces.v1.core/default",
    "kubelet/pods.v1",
    "kubelet/pods.v1.core/b%c",
    "kubelet/pods.v1.core/default/a%b",
    "kubelet/pods.v1.core/default/directory",
    "kubelet/pods.v1.core/tmp_",
    "kubelet/services.v1.core",
    "per%cent",
    "tmp_",
  ]);
  assert.equal(snapshot.absence("kubelet/secrets.v1.core/default/x"), "gone");
  assert.equal(snapshot.absence("kubelet/services.v1.core/default/x"), "kept");
  assert.equal(snapshot.files.size, 1);
});

cacheTest("scan() doesn't take a name that is not UTF-8 for another", async (cache) => {
  cache.mkdir("kubelet/pods.v1.core/default");
  const script = "printf x > \"$1/$(printf 'a\\377b')\"";
  const directory = cache.path("kubelet/pods.v1.core/default");
  const made = await new Deno.Command("sh", { args: ["-c", script, "sh", directory] }).output();
  assert.ok(made.success);
  const { files, invalid } = await cache.scan();
  assert.equal(files.size, 0);
  assert.match(invalid[0]?.reason ?? "", /name/);
});

cacheTest("scan() follows no symlink below the root and opens no FIFO", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/real");
  cache.mkdir("kubelet/loop.v1.core");
  const links: [string, string][] = [
    ["real", "kubelet/pods.v1.core/default/file"],
    ["default", "kubelet/pods.v1.core/other"],
    ["pods.v1.core", "kubelet/services.v1.core"],
    ["kubelet", "proxy"],
    ["..", "kubelet/loop.v1.core/up"],
    ["nowhere", "kubelet/loop.v1.core/dangling"],
  ];
  for (const [target, path] of links) Deno.symlinkSync(target, cache.path(path));
  const fifos = ["kubelet/pods.v1.core/default/fifo", "kubelet/pipes.v1.core", "pipe"];
  const args = fifos.map((path) => cache.path(path));
  assert.ok((await new Deno.Command("mkfifo", { args }).output()).success);
  const snapshot = await cache.scan();
  assert.deepEqual([...snapshot.files.keys()], ["kubelet/pods.v1.core/default/real"]);
  assert.deepEqual(
    snapshot.invalid.map(({ path }) => path).toSorted(),
    [...links.map(([, path]) => path), ...fifos].toSorted(),
  );
  for (
    const path of [
      "kubelet/pods.v1.core/default/file",
      "kubelet/pods.v1.core/other/x",
      "kubelet/services.v1.core/default/x",
      "proxy/pods.v1.core/default/real",
    ]
  ) assert.equal(snapshot.absence(path), "kept", path);
  assert.ok(snapshot.components.has("proxy"));
  assert.ok(!snapshot.components.has("pipe"));
});

cacheTest("scan() accepts a root that is a symlink", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/web");
  const link = `${cache.root}-link`;
  Deno.symlinkSync(cache.root, link);
  const snapshot = await new TestCache(link).scan();
  assert.equal(snapshot.files.size, 1);
  assert.equal(snapshot.absence("kubelet/pods.v1.core/default/gone"), "gone");
});

cacheTest(
  "scan() throws CacheRootError if the root is no directory that can be read",
  async (cache) => {
    cache.write("c/file", "");
    const refused = new HookedFileSystem((call) => {
      if (call === "readDir") throw new Deno.errors.PermissionDenied("no");
    });
    const rows: [Promise<unknown>, RegExp][] = [
      [cache.scan({ root: cache.path("missing") }), /missing is missing: check --cache-dir/],
      [cache.scan({ root: cache.path("c/file") }), /c\/file .*: check --cache-dir/],
      [cache.scan({ fs: refused }), /permission denied/],
    ];
    for (const [scanning, message] of rows) {
      await assert.rejects(scanning, (error) => {
        assert.ok(error instanceof CacheRootError);
        assert.equal(error.code, "CacheRoot");
        assert.match(error.message, message);
        return true;
      });
    }
  },
);

cacheTest("scan() keeps the keys of a subtree it could not list", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/web");
  cache.put("kubelet/pods.v1.core/shop/web");
  cache.put("kubelet/services.v1.core/default/web");
  cache.put("proxy/services.v1.core/default/web");
  const fs = new HookedFileSystem((call, path) => {
    if (call !== "readDir") return;
    if (path.endsWith("/shop")) throw new Deno.errors.PermissionDenied("no");
    if (path.endsWith("/proxy")) throw Object.assign(new Error("input/output"), { code: "EIO" });
  });
  const snapshot = await cache.scan({ fs });
  assert.deepEqual(snapshot.invalid.toSorted((a, b) => a.path < b.path ? -1 : 1), [
    { path: "kubelet/pods.v1.core/shop", reason: "permission denied" },
    { path: "proxy", reason: "can't be read (EIO)" },
  ]);
  assert.equal(snapshot.absence("kubelet/pods.v1.core/shop/web"), "kept");
  assert.equal(snapshot.absence("proxy/services.v1.core/default/web"), "kept");
  assert.equal(snapshot.absence("kubelet/pods.v1.core/default/old"), "gone");
  assert.equal(snapshot.files.size, 2);
});

cacheTest("scan() keeps a file that can't be read or stat'ed", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/a");
  cache.put("kubelet/pods.v1.core/default/b");
  const { files } = await cache.scan();
  const fs = new HookedFileSystem((call, path) => {
    if (call === "lstat" && path.endsWith("/a")) throw new Deno.errors.PermissionDenied("no");
  });
  const again = await cache.scan({ fs, recorded: files });
  assert.deepEqual([...again.unchanged.keys()], ["kubelet/pods.v1.core/default/b"]);
  assert.equal(again.absence("kubelet/pods.v1.core/default/a"), "kept");
});

cacheTest("scan() does not read an unchanged file again", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/a");
  cache.put("kubelet/pods.v1.core/default/b");
  const { files } = await cache.scan();
  cache.put("kubelet/pods.v1.core/default/b", { resourceVersion: "12" });
  cache.put("kubelet/pods.v1.core/default/c");
  const fs = new HookedFileSystem();
  const again = await cache.scan({ fs, recorded: files });
  assert.equal(fs.count("readFile"), 2);
  assert.deepEqual([...again.unchanged], [...files].filter(([path]) => path.endsWith("/a")));
  assert.equal(again.files.get("kubelet/pods.v1.core/default/b")?.resourceVersion, "12");
});

cacheTest(
  "scan() reads a file again that was young when it was read, or is of the future",
  async (cache) => {
    cache.put("kubelet/pods.v1.core/default/web");
    const readings: [number, number][] = [[SETTLE_MS + 1, 0], [SETTLE_MS, 1], [0, 1], [-5_000, 1]];
    for (const [ageMs, reads] of readings) {
      const { mtimeMs } = new DenoFileSystem(cache.root).lstat(
        cache.path("kubelet/pods.v1.core/default/web"),
      );
      const { files } = await cache.scan({ nowMs: () => mtimeMs + ageMs });
      const fs = new HookedFileSystem();
      await cache.scan({ fs, recorded: files });
      assert.equal(fs.count("readFile"), reads, `${ageMs} ms old`);
    }
  },
);

cacheTest(
  "scan() reads a file again whose mtime was set back, if it was read in the second of its ctime",
  async (cache) => {
    const path = "kubelet/pods.v1.core/default/web";
    cache.put(path);
    Deno.utimeSync(cache.path(path), 1_577_836_800, 1_577_836_800);
    const { ctimeMs } = new DenoFileSystem(cache.root).lstat(cache.path(path));
    const readings: [number, number][] = [[1_011, 0], [1_010, 1], [999, 1], [0, 1]];
    for (const [ageMs, reads] of readings) {
      const { files } = await cache.scan({ nowMs: () => ctimeMs + ageMs });
      const fs = new HookedFileSystem();
      await cache.scan({ fs, recorded: files });
      assert.equal(fs.count("readFile"), reads, `${ageMs} ms after its ctime`);
    }
  },
);

cacheTest("scan() sees a rewrite of the same size by its inode", async (cache) => {
  const path = "kubelet/pods.v1.core/default/web";
  cache.put(path);
  const { files } = await cache.scan();
  const { mtime, atime } = Deno.lstatSync(cache.path(path));
  cache.write("other", JSON.stringify(objectAt(path, { resourceVersion: "8" })));
  Deno.utimeSync(cache.path("other"), atime ?? 0, mtime ?? 0);
  cache.rename("other", path);
  const again = await cache.scan({ recorded: files });
  assert.equal(again.files.get(path)?.resourceVersion, "8");
});

cacheTest(
  "scan() keeps what is recorded of a component in whose place a file stands, and says so",
  async (cache) => {
    cache.put("kubelet/pods.v1.core/default/web");
    cache.put("proxy/pods.v1.core/default/web");
    cache.write("version", "{}");
    const { files, invalid } = await cache.scan();
    assert.deepEqual(invalid, []);
    cache.rename("kubelet", "../elsewhere");
    cache.write("kubelet", "x");
    // Cluster info, as far as anybody knows.
    cache.write("openapi_v2", "x");
    const again = await cache.scan({ recorded: files });
    const reason = "a file where a directory should be";
    assert.deepEqual(again.invalid, [{ path: "kubelet", reason }]);
    assert.equal(again.absence("kubelet/pods.v1.core/default/web"), "kept");
    assert.equal(again.components.has("kubelet"), true);
    cache.remove("kubelet");
    cache.rename("../elsewhere", "kubelet");
    assert.deepEqual((await cache.scan({ recorded: files })).invalid, []);
  },
);

cacheTest("scan() holds no more bytes than it may", async (cache) => {
  for (const name of ["a", "b", "c"]) cache.put(`kubelet/pods.v1.core/default/${name}`);
  const size = Deno.lstatSync(cache.path("kubelet/pods.v1.core/default/a")).size;
  const { files } = await cache.scan({ maxRetainedBytes: 2 * size });
  const held = [...files.values()].filter((file) => "bytes" in file);
  assert.equal(files.size, 3);
  assert.equal(held.length, 2);
});

cacheTest("scan() pauses between slices and tells its progress", async (cache) => {
  for (let at = 0; at < 40; at++) cache.put(`kubelet/pods.v1.core/default/p${at}`);
  let clockMs = 0;
  let pauses = 0;
  const told: number[] = [];
  await cache.scan({
    monotonicMs: () => clockMs += 6,
    pause: () => {
      pauses++;
      return Promise.resolve();
    },
    progress: (files) => told.push(files),
  });
  assert.ok(pauses >= 2);
  assert.equal(told.length, pauses + 1);
  assert.equal(told.at(-1), 40);
  assert.deepEqual(told, told.toSorted((a, b) => a - b));
});

cacheTest("scan() looks only at the components, resources and groups it is told", async (cache) => {
  for (const component of ["kubelet", "proxy"]) {
    for (const directory of ["pods.v1.core", "services.v1.core"]) {
      cache.put(`${component}/${directory}/default/web`);
      cache.mkdir(`${component}/bad_one`);
    }
  }
  cache.mkdir("per%cent");
  const seen = async (options: Parameters<TestCache["scan"]>[0]) => {
    const snapshot = await cache.scan(options);
    assert.equal(snapshot.components.size, 2);
    for (const path of snapshot.files.keys()) assert.equal(snapshot.absence(path), "kept");
    const absent = [
      "kubelet/pods.v1.core/x/x",
      "kubelet/services.v1.core/default/x",
      "proxy/pods.v1.core/default/x",
    ];
    return [
      [...snapshot.files.keys()].toSorted(),
      snapshot.invalid.length,
      absent.map((path) => snapshot.absence(path)),
    ];
  };
  assert.deepEqual(await seen({ components: new Set(["kubelet"]) }), [
    ["kubelet/pods.v1.core/default/web", "kubelet/services.v1.core/default/web"],
    1,
    ["gone", "gone", "not-looked-at"],
  ]);
  assert.deepEqual(await seen({ excludeResources: new ExcludedResources(["pods.v1.core"]) }), [
    ["kubelet/services.v1.core/default/web", "proxy/services.v1.core/default/web"],
    3,
    ["not-looked-at", "gone", "not-looked-at"],
  ]);
  assert.deepEqual(await seen({ groups: new Set(["kubelet/pods.v1.core", "gone/pods.v1.core"]) }), [
    ["kubelet/pods.v1.core/default/web"],
    0,
    ["gone", "not-looked-at", "not-looked-at"],
  ]);
  const besides = new Set(["proxy/services.v1.core/default/web", "proxy/pods.v1.core/default/x"]);
  assert.deepEqual(await seen({ components: new Set(["gone"]), besides }), [
    ["proxy/services.v1.core/default/web"],
    0,
    ["not-looked-at", "not-looked-at", "gone"],
  ]);
});

class EndlessFileSystem extends DenoFileSystem {
  constructor(readonly directories: ReadonlySet<string>, readonly entries: number) {
    super("/");
  }
  override readDir(path: string) {
    if (!this.directories.has(path.slice(path.lastIndexOf("/") + 1))) return super.readDir(path);
    return Array.from(
      { length: this.entries },
      (_, at) => ({ name: `n${at}`, kind: "other" as const }),
    );
  }
}

const LIMITS = { maxKeys: 20, maxBytes: 1_000_000 };
/** As many entries as a scan looks at. */
const MOST = maxEntries(LIMITS);

cacheTest(
  "scan() leaves a component with too many entries as it was, in one directory or many, and goes on",
  async (cache) => {
    cache.put("kubelet/pods.v1.core/default/web");
    const files = ["nodes.v1.core/a", "pods.v1.core/default/p"].map((path) => `evil/${path}`);
    for (const path of files) cache.put(path);
    const before = await cache.scan();
    const recorded = new Map([...before.files].filter(([path]) => path.startsWith("evil/")));
    cache.remove(files[0] ?? "");
    cache.put("evil/nodes.v1.core/b");
    const many = ["services.v1.core", "configmaps.v1.core", "endpoints.v1.core"];
    for (const name of many) cache.mkdir(`evil/${name}`);
    for (const [entries, ...names] of [[MOST + 1, many[0]], [MOST / 2, ...many]] as const) {
      const fs = new EndlessFileSystem(new Set(names.map(String)), entries);
      const snapshot = await cache.scan({ fs, recorded, room: { limits: LIMITS } });
      const full = snapshot.invalid.filter(({ reason }) =>
        /evil holds more than 1040 files .*--max-component-keys/.test(reason)
      );
      assert.deepEqual(full.map(({ path, kind }) => [path, kind]), [["evil", "component-full"]]);
      const others = snapshot.invalid.filter(({ path }) => path.split("/", 1).join() !== "evil");
      assert.deepEqual(others, []);
      assert.deepEqual([...snapshot.files.keys()], ["kubelet/pods.v1.core/default/web"]);
      assert.deepEqual(
        files.filter((path) => !snapshot.unchanged.has(path)).map(snapshot.absence),
        snapshot.unchanged.size === 1 ? ["kept"] : ["kept", "kept"],
      );
    }
  },
);

cacheTest(
  "scan() says of a component with very many invalid files, too, that it has too many entries, and lets others' files go",
  async (cache) => {
    const names = ["services.v1.core", "configmaps.v1.core"];
    for (const name of names) cache.mkdir(`evil/${name}`);
    cache.put("kubelet/pods.v1.core/default/web");
    const limits = { maxKeys: MAX_INVALID_PATHS, maxBytes: 1_000_000 };
    const fs = new EndlessFileSystem(new Set(names), maxEntries(limits) - 10);
    const snapshot = await cache.scan({ fs, room: { limits } });
    assert.match(
      snapshot.invalid.find(({ path }) => path === "evil")?.reason ?? "",
      /--max-component-keys/,
    );
    assert.equal(snapshot.absence("evil/pods.v1.core/default/x"), "kept");
    assert.equal(snapshot.absence("kubelet/pods.v1.core/default/x"), "gone");
  },
);

cacheTest("scan() counts a huge directory, and does not list it", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/web");
  const name = (at: number) => `${at}${"x".repeat(240)}`;
  for (let at = 0; at < 2_500; at++) cache.write(`evil/pods.v1.core/default/${name(at)}`, "");
  const listed: string[] = [];
  class Watched extends DenoFileSystem {
    override readDir(path: string) {
      listed.push(path.slice(cache.root.length + 1));
      return super.readDir(path);
    }
  }
  const snapshot = await cache.scan({
    fs: new Watched(cache.root),
    room: { limits: LIMITS },
  });
  assert.equal(snapshot.files.size, 1);
  assert.ok(!listed.includes("evil/pods.v1.core/default"));
  assert.equal(snapshot.absence("evil/pods.v1.core/default/x"), "kept");
});

cacheTest("scan() throws CacheTooLargeError for a root of too many entries", async (cache) => {
  const name = cache.root.slice(cache.root.lastIndexOf("/") + 1);
  const fs = new EndlessFileSystem(new Set([name, ""]), MAX_ROOT_ENTRIES + 1);
  await assert.rejects(cache.scan({ fs }), (error) => {
    assert.ok(error instanceof CacheTooLargeError);
    assert.equal(error.code, "CacheTooLarge");
    return true;
  });
});

cacheTest("scan() takes up what a component has room for, and counts the rest", async (cache) => {
  for (const name of ["a", "b", "c", "d"]) {
    cache.put(`evil/nodes.v1.core/${name}`, { resourceVersion: "10" });
  }
  const { files } = await cache.scan();
  const [size = 0] = [...files.values()].map(({ stamp }) => stamp.size);
  const heldBy = () => ({ keys: 1, bytes: size });
  for (
    const [limits, reason] of [
      [
        { maxKeys: 3, maxBytes: 1e6 },
        /^at least 2 files left out: .* 3 keys \(--max-component-keys\)$/,
      ],
      [
        { maxKeys: 9, maxBytes: 3 * size },
        /^at least 2 files left out: .* bytes \(--max-component-bytes\)$/,
      ],
    ] as const
  ) {
    const some = await cache.scan({ room: { limits, heldBy } });
    assert.equal(some.files.size, 2);
    assert.deepEqual(some.invalid.map(({ path }) => path), ["evil/nodes.v1.core"]);
    assert.match(some.invalid[0]?.reason ?? "", reason);
    assert.equal(some.invalid[0]?.kind, "component-full");
  }
  // What is recorded may change, but not grow; and it is not gone.
  const recorded = new Map([...files].slice(0, 2));
  const [grown = "", same = ""] = recorded.keys();
  cache.put(grown, { resourceVersion: "77", uid: "u".repeat(100) });
  // A byte less: all this may be within one tick of the file system's clock.
  cache.put(same, { resourceVersion: "2" });
  const full = {
    limits: { maxKeys: 2, maxBytes: 2 * size },
    heldBy: () => ({ keys: 2, bytes: 2 * size }),
  };
  const snapshot = await cache.scan({ recorded, room: full });
  assert.deepEqual([...snapshot.files.keys()], [same]);
  assert.equal(snapshot.absence(grown), "kept");
});

cacheTest(
  "scan() reads no more of a component than it may have, be it valid or not",
  async (cache) => {
    for (let at = 0; at < 50; at++) cache.write(`evil/nodes.v1.core/n${at}`, "x".repeat(100));
    cache.put("kubelet/nodes.v1.core/n");
    const fs = new HookedFileSystem();
    await cache.scan({ fs, room: { limits: { maxKeys: 100, maxBytes: 1_000 } } });
    assert.equal(
      fs.calls.filter(({ call, path }) => call === "readFile" && /evil/.test(path)).length,
      10,
    );
  },
);

cacheTest(
  "scan() lists so many invalid paths and no more, but keeps all of them",
  async (cache) => {
    cache.mkdir("kubelet/services.v1.core");
    cache.put("kubelet/pods.v1.core/default/web");
    const fs = new EndlessFileSystem(new Set(["services.v1.core"]), 3 * MAX_INVALID_PATHS);
    const snapshot = await cache.scan({ fs });
    assert.equal(snapshot.invalid.length, MAX_INVALID_PATHS + 1);
    assert.match(snapshot.invalid.at(-1)?.reason ?? "", /more are not listed/);
    const last = `kubelet/services.v1.core/n${3 * MAX_INVALID_PATHS - 1}`;
    assert.equal(snapshot.absence(last), "kept");
    assert.equal(snapshot.absence("kubelet/pods.v1.core/default/x"), "gone");
  },
);

Deno.test("scan() never throws on whatever stands below the root", async () => {
  const segment = fc.oneof(
    fc.constantFrom(
      "kubelet",
      "pods.v1.core",
      "pods",
      "default",
      "namespaces.v1.core",
      "_internal",
    ),
    fc.constantFrom("tmp_kubelet", "tmp_pods.v1.core", "tmp_default", "tmp_tmp_web", "tmp_", "web"),
    fc.string({ minLength: 1, maxLength: 8 }).filter((name) =>
      !name.includes("/") && name !== "." && name !== ".."
    ),
  );
  const node = fc.record({
    path: fc.array(segment, { minLength: 1, maxLength: 5 }),
    what: fc.constantFrom("directory", "symlink", "garbage", "object"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(node, { maxLength: 12 }), async (nodes) => {
      const cache = new TestCache(Deno.makeTempDirSync());
      try {
        for (const { path, what } of nodes) {
          const joined = path.join("/");
          try {
            if (what === "directory") cache.mkdir(joined);
            else if (what === "object") cache.put(joined);
            else if (what === "garbage") cache.write(joined, "{");
            else Deno.symlinkSync("..", cache.path(joined));
          } catch {
            // Something else stands there already.
          }
        }
        const snapshot = await cache.scan();
        for (const { path } of snapshot.invalid) assert.ok(!snapshot.files.has(path), path);
        for (const { path } of nodes) snapshot.absence(path.join("/"));
      } finally {
        Deno.removeSync(cache.root, { recursive: true });
      }
    }),
    { numRuns: 60 },
  );
});
