import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { customResource, CustomResources, DenoFileSystem } from "../../lib/fscache/mod.ts";
import { type Gvr, parseGvr } from "../../lib/k8s/mod.ts";
import { cacheTest, objectAt, type TestCache } from "./_cache.ts";

const SENSORS = "sensors.v1.devices.example.com";
const RESTMAPPER = "_internal/restmapper/cache-crd-restmapper.conf";

function gvrOf(text: string): Gvr {
  const gvr = parseGvr(text);
  if (gvr === undefined) throw new Error(text);
  return gvr;
}

/** Writes a sensor of some kind. */
function put(cache: TestCache, path: string, kind = "Sensor", rv = "7"): void {
  cache.write(path, JSON.stringify({ ...objectAt(path, { resourceVersion: rv }), kind }));
}

/** What a scan refuses, with the first words of the reason. */
async function refused(cache: TestCache, options: Parameters<TestCache["scan"]>[0] = {}) {
  const { invalid } = await cache.scan(options);
  return invalid.map(({ path, reason }) =>
    `${path}: ${/^kind is [^,]*, not \w+|^[^,]*/.exec(reason)?.[0]}`
  ).toSorted();
}

function crd(names: Record<string, unknown>, spec: Record<string, unknown> = {}): string {
  return JSON.stringify({
    kind: "CustomResourceDefinition",
    apiVersion: "apiextensions.k8s.io/v1",
    metadata: { name: "sensors.devices.example.com", uid: "u", resourceVersion: "7" },
    spec: {
      group: "devices.example.com",
      scope: "Namespaced",
      names: { plural: "sensors", kind: "Sensor", ...names },
      ...spec,
    },
  });
}

cacheTest(
  "scan() holds custom resources to the kind in yurthub's restmapper file",
  async (cache) => {
    cache.write(RESTMAPPER, '{"devices.example.com/v1beta1/sensors":"Sensor","x":1,"a/b/c/d":"E"}');
    // Even the only one, and the majority.
    put(cache, `a/${SENSORS}/shop/a`, "Pod");
    deepStrictEqual(await refused(cache), [`a/${SENSORS}/shop/a: kind is Pod, not Sensor`]);
    put(cache, `b/${SENSORS}/shop/b`, "Pod");
    put(cache, `b/${SENSORS}/shop/c`);
    cache.write(
      "b/sensors/shop/d",
      JSON.stringify({
        ...objectAt("b/sensors/shop/d", {}, "devices.example.com/v1"),
        kind: "Pod",
      }),
    );
    deepStrictEqual(await refused(cache), [
      `a/${SENSORS}/shop/a: kind is Pod, not Sensor`,
      `b/${SENSORS}/shop/b: kind is Pod, not Sensor`,
      "b/sensors/shop/d: kind is Pod, not Sensor",
    ]);
    strictEqual((await cache.scan()).absence(`a/${SENSORS}/shop/a`), "kept");
  },
);

cacheTest("scan() takes a restmapper file that is not one for none", async (cache) => {
  put(cache, `a/${SENSORS}/shop/a`);
  const hostile = [
    "",
    "null",
    "[]",
    "{",
    '{"devices.example.com/v1/sensors":7}',
    '{"devices.example.com/v1/sensors":""}',
    '{"devices.example.com/v1/sensors/x":"Pod"}',
    `{"devices.example.com/v1/sensors":"${"P".repeat(64)}"}`,
    `{"x":"${"x".repeat(2_000_000)}","devices.example.com/v1/sensors":"Pod"}`,
    '{"__proto__":{"devices.example.com/v1/sensors":"Pod"}}',
  ];
  for (const text of hostile) {
    cache.write(RESTMAPPER, text);
    deepStrictEqual(await refused(cache), [], text.slice(0, 60));
  }
  cache.remove("_internal");
  cache.write("elsewhere/cache-crd-restmapper.conf", '{"devices.example.com/v1/sensors":"Pod"}');
  cache.mkdir("_internal");
  Deno.symlinkSync("../elsewhere", cache.path("_internal/restmapper"));
  deepStrictEqual((await refused(cache)).filter((line) => line.startsWith("a/")), []);
});

cacheTest("scan() holds custom resources to their CustomResourceDefinition", async (cache) => {
  const path = "x/customresourcedefinitions.v1.apiextensions.k8s.io/sensors.devices.example.com";
  cache.write(path, crd({}));
  put(cache, `a/${SENSORS}/shop/a`, "Pod");
  put(cache, `a/${SENSORS}/cluster`);
  put(cache, `a/${SENSORS}/shop/b`);
  deepStrictEqual(await refused(cache), [
    `a/${SENSORS}/cluster: has no metadata.namespace`,
    `a/${SENSORS}/shop/a: kind is Pod, not Sensor`,
  ]);
  cache.write(path, crd({}, { scope: "Cluster" }));
  strictEqual((await refused(cache)).length, 2);
  // The restmapper file counts more.
  cache.write(RESTMAPPER, '{"devices.example.com/v1/sensors":"Pod"}');
  match((await refused(cache)).join(), /cluster: kind is Sensor, not Pod/);
  cache.remove(RESTMAPPER);
  // What defines something else, or nothing, does not count.
  const others = [crd({ plural: "pumps" }), crd({ kind: 7 }), crd({}, { group: "x.io" }), "{"];
  for (const text of others) {
    cache.write(path, text);
    deepStrictEqual((await refused(cache)).filter((line) => line.startsWith("a/")), [
      `a/${SENSORS}/cluster: has no metadata.namespace`,
      `a/${SENSORS}/shop/a: kind is Pod, not Sensor`,
    ]);
  }
});

cacheTest("scan() goes by most of the files where nothing else tells", async (cache) => {
  put(cache, `a/${SENSORS}/shop/lone`, "Anything");
  deepStrictEqual(await refused(cache), []);
  // A tie: the resource's name is the plural of Sensor.
  put(cache, `b/${SENSORS}/shop/b`);
  deepStrictEqual(await refused(cache), [`a/${SENSORS}/shop/lone: kind is Anything, not Sensor`]);
  for (const name of ["c", "d"]) put(cache, `${name}/${SENSORS}/shop/${name}`, "Anything");
  deepStrictEqual(await refused(cache), [`b/${SENSORS}/shop/b: kind is Sensor, not Anything`]);
  // All versions are of one kind.
  for (const name of ["c", "d"]) put(cache, `b/sensors.v2.devices.example.com/shop/${name}`);
  strictEqual((await refused(cache)).length, 3);
  cache.remove("b");
  for (const name of ["c", "d"]) cache.remove(name);

  put(cache, `a/${SENSORS}/one`, "Anything");
  deepStrictEqual(await refused(cache), [`a/${SENSORS}/one: has no metadata.namespace`]);
  put(cache, `a/${SENSORS}/two`, "Anything");
  deepStrictEqual(await refused(cache), [`a/${SENSORS}/shop/lone: has a metadata.namespace`]);
});

cacheTest(
  "scan() asks files that did not change, too, and remembers for one group",
  async (cache) => {
    const customs = new CustomResources();
    for (const name of ["a", "b", "c"]) put(cache, `good/${SENSORS}/shop/${name}`);
    const { files } = await cache.scan({ customs });
    strictEqual(files.size, 3);
    for (const name of ["a", "b"]) put(cache, `evil/${SENSORS}/shop/${name}`, "Pod");
    const expected = ["a", "b"].map((name) =>
      `evil/${SENSORS}/shop/${name}: kind is Pod, not Sensor`
    );
    deepStrictEqual(await refused(cache, { customs, recorded: files }), expected);
    const groups = new Set([`evil/${SENSORS}`]);
    deepStrictEqual(await refused(cache, { customs, recorded: files, groups }), expected);
    // Nothing is settled by a scan that did not see all.
    const fresh = new CustomResources();
    deepStrictEqual(await refused(cache, { customs: fresh, recorded: files, groups }), []);
    strictEqual(fresh.get(gvrOf(SENSORS)), undefined);
    deepStrictEqual(customs.get(gvrOf(SENSORS)), { kind: "Sensor", namespaced: true });
    // One that was recorded earlier, and is not what the others are, is said.
    for (const name of ["a", "b"]) put(cache, `good/${SENSORS}/shop/${name}`, "Pump", "8");
    cache.remove("evil");
    const again = await cache.scan({ customs, recorded: files });
    deepStrictEqual(again.invalid.map(({ path }) => path), [`good/${SENSORS}/shop/c`]);
    strictEqual(again.unchanged.size, 0);
  },
);

cacheTest("scan() names a group once that only looks like one of Kubernetes'", async (cache) => {
  const customs = new CustomResources();
  put(cache, "a/pods.v1beta1.metrics.k8s.io/shop/a", "PodMetrics");
  put(cache, "a/things.v1.new.k8s.io/shop/a", "Thing");
  put(cache, "a/leases.v1.coordination.k8s.io/shop/a", "Lease");
  put(cache, `a/${SENSORS}/shop/a`);
  cache.write(RESTMAPPER, '{"new.k8s.io/v1/others":"Other"}');
  deepStrictEqual((await cache.scan({ customs })).invalid, []);
  deepStrictEqual(customs.takeStrangers(), ["metrics.k8s.io"]);
  await cache.scan({ customs });
  deepStrictEqual(customs.takeStrangers(), []);
});

cacheTest("customResource() says what the cache knows, whoever asks", async (cache) => {
  const look = {
    fs: new DenoFileSystem(cache.root),
    root: cache.root,
    customs: new CustomResources(),
  };
  const gvr = gvrOf(SENSORS);
  deepStrictEqual(customResource(look, gvr), { kind: undefined, namespaced: undefined });
  put(cache, `a/${SENSORS}/shop/a`, "Probe");
  await cache.scan({ customs: look.customs });
  deepStrictEqual(customResource(look, gvr), { kind: "Probe", namespaced: true });
  cache.write(RESTMAPPER, '{"devices.example.com/v1/sensors":"Sensor"}');
  deepStrictEqual(customResource(look, gvr), { kind: "Sensor", namespaced: true });
});

cacheTest(
  "scan() takes no list for an object of its resource, though there is nothing else",
  async (cache) => {
    put(cache, `a/${SENSORS}/shop/list`, "SensorList");
    put(cache, `a/${SENSORS}/shop/other`, "SensorList");
    deepStrictEqual(await refused(cache), [
      `a/${SENSORS}/shop/list: kind is SensorList, not Sensor`,
      `a/${SENSORS}/shop/other: kind is SensorList, not Sensor`,
    ]);
    // One against two: the lists speak for the objects in them.
    put(cache, `a/${SENSORS}/shop/one`);
    strictEqual((await refused(cache)).length, 2);
    // A kind may end so by itself.
    put(cache, "a/allowlists.v1.devices.example.com/shop/a", "AllowList");
    strictEqual((await refused(cache)).length, 2);
  },
);

cacheTest(
  "scan() gives each component one voice on kind and scope, however many files it has",
  async (cache) => {
    put(cache, `kubelet/${SENSORS}/shop/a`);
    put(cache, `proxy/${SENSORS}/shop/a`);
    for (let file = 0; file < 100; file++) {
      put(cache, `evil/${SENSORS}/shop/n${file}`, "Other");
      put(cache, `evil/${SENSORS}/m${file}`, "Sensor");
    }
    const { invalid, files } = await cache.scan();
    strictEqual(invalid.length, 200);
    deepStrictEqual(invalid.filter(({ path }) => !path.startsWith("evil/")), []);
    // The same from files that did not change, of which some are asked.
    const again = await cache.scan({ recorded: files });
    deepStrictEqual(again.invalid.filter(({ path }) => !path.startsWith("evil/")), []);
    strictEqual(again.unchanged.size, 2);
  },
);

cacheTest(
  "scan() takes the kind that the resource is named after where two components differ",
  async (cache) => {
    put(cache, `kubelet/${SENSORS}/shop/a`);
    for (let file = 0; file < 9; file++) put(cache, `evil/${SENSORS}/shop/n${file}`, "Other");
    const { invalid } = await cache.scan();
    strictEqual(invalid.length, 9);
    strictEqual(invalid.every(({ path }) => path.startsWith("evil/")), true);
  },
);
