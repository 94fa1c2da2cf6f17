import assert from "node:assert/strict";
import { cacheTest } from "./_cache.ts";

cacheTest("scan() takes a group from its backup while it is rewritten", async (cache) => {
  cache.put("kubelet/tmp_pods.v1.core/default/old");
  cache.put("kubelet/pods.v1.core/default/new");
  cache.put("kubelet/services.v1.core/default/web");
  const snapshot = await cache.scan();
  assert.deepEqual(snapshot.invalid, []);
  assert.deepEqual([...snapshot.rewriting], ["kubelet/pods.v1.core"]);
  assert.equal(snapshot.files.size, 2);
  const old = snapshot.files.get("kubelet/pods.v1.core/default/old");
  assert.equal(old?.sourcePath, "kubelet/tmp_pods.v1.core/default/old");
  assert.equal(snapshot.absence("kubelet/pods.v1.core/default/new"), "rewriting");
  assert.equal(snapshot.absence("kubelet/pods.v1.core/other/x"), "rewriting");
  assert.equal(snapshot.absence("kubelet/services.v1.core/default/x"), "gone");
});

cacheTest("scan() takes a namespace from its backup, also inside another backup", async (cache) => {
  cache.put("kubelet/pods.v1.core/tmp_default/old");
  cache.put("kubelet/pods.v1.core/default/new");
  cache.put("kubelet/pods.v1.core/shop/web");
  cache.put("kubelet/tmp_services.v1.core/tmp_default/inner");
  cache.put("kubelet/tmp_services.v1.core/default/outer");
  cache.put("kubelet/services.v1.core/default/new");
  const snapshot = await cache.scan();
  assert.deepEqual(snapshot.invalid, []);
  assert.deepEqual([...snapshot.rewriting].toSorted(), [
    "kubelet/pods.v1.core",
    "kubelet/services.v1.core",
  ]);
  assert.deepEqual([...snapshot.files.values()].map((file) => file.sourcePath).toSorted(), [
    "kubelet/pods.v1.core/shop/web",
    "kubelet/pods.v1.core/tmp_default/old",
    "kubelet/tmp_services.v1.core/tmp_default/inner",
  ]);
  assert.equal(snapshot.absence("kubelet/pods.v1.core/shop/gone"), "rewriting");
});

cacheTest(
  "scan() takes a file from its backup, which is no rewrite of its group",
  async (cache) => {
    cache.put("kubelet/pods.v1.core/default/tmp_web", { resourceVersion: "1" });
    cache.write("kubelet/pods.v1.core/default/web", "{half");
    cache.put("kubelet/nodes.v1.core/tmp_edge");
    const snapshot = await cache.scan();
    assert.deepEqual(snapshot.invalid, []);
    assert.equal(snapshot.rewriting.size, 0);
    const web = snapshot.files.get("kubelet/pods.v1.core/default/web");
    assert.equal(web?.resourceVersion, "1");
    assert.equal(web?.name, "web");
    assert.equal(web?.sourcePath, "kubelet/pods.v1.core/default/tmp_web");
    assert.ok(snapshot.files.has("kubelet/nodes.v1.core/edge"));
    assert.equal(snapshot.absence("kubelet/pods.v1.core/default/gone"), "gone");
  },
);

cacheTest("scan() keeps what an invalid backup stands for", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/web");
  cache.write("kubelet/pods.v1.core/default/tmp_web", "{half");
  cache.mkdir("kubelet/services.v1.core/default");
  Deno.symlinkSync("default", cache.path("kubelet/services.v1.core/tmp_default"));
  cache.put("kubelet/nodes.v1.core/edge");
  cache.mkdir("kubelet/nodes.v1.core/tmp_edge");
  cache.mkdir("kubelet/secrets.v1.core/default/tmp_directory");
  const snapshot = await cache.scan();
  assert.deepEqual(snapshot.invalid.map(({ path }) => path).toSorted(), [
    "kubelet/nodes.v1.core/tmp_edge",
    "kubelet/pods.v1.core/default/tmp_web",
    "kubelet/secrets.v1.core/default/tmp_directory",
    "kubelet/services.v1.core/tmp_default",
  ]);
  assert.equal(snapshot.files.size, 0);
  for (
    const path of [
      "kubelet/pods.v1.core/default/web",
      "kubelet/services.v1.core/default/x",
      "kubelet/nodes.v1.core/edge",
      "kubelet/secrets.v1.core/default/directory",
    ]
  ) assert.equal(snapshot.absence(path), "kept", path);
  assert.equal(snapshot.absence("kubelet/secrets.v1.core/default/x"), "rewriting");
});

cacheTest("scan() lets nothing of a component go while a backup of it stands", async (cache) => {
  cache.put("kubelet/pods.v1.core/default/web");
  cache.mkdir("tmp_kubelet/pods.v1.core");
  cache.mkdir("tmp_flanneld");
  const snapshot = await cache.scan();
  assert.deepEqual(snapshot.invalid, []);
  assert.deepEqual([...snapshot.components].toSorted(), ["flanneld", "kubelet"]);
  assert.deepEqual([...snapshot.rewriting], ["kubelet/pods.v1.core"]);
  assert.deepEqual([...snapshot.files.keys()], ["kubelet/pods.v1.core/default/web"]);
  assert.equal(snapshot.absence("kubelet/services.v1.core/default/x"), "rewriting");
  assert.equal(snapshot.absence("flanneld/nodes.v1.core/x"), "rewriting");
});
