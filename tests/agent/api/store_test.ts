import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView, objectBytes } from "../../e2e/_node.ts";
import { startEtcd } from "../../support/etcd_server.ts";
import { expectError, ready, startDaemon, SWIFT, until } from "../_daemon.ts";
import { Contract } from "./_contract.ts";

const MAPS = "/v1/components/app/resources/configmaps.v1.core";

function object(name: string): string {
  return `${MAPS}/namespaces/default/objects/${name}`;
}

/** A ConfigMap as JSON. */
function map(name: string, rv: number, more: Record<string, unknown> = {}): string {
  const bytes = objectBytes(`app/configmaps.v1.core/default/${name}`, { rv, more });
  return new TextDecoder().decode(bytes);
}

/** A list of ConfigMaps as an apiserver answers it: its items say neither kind nor apiVersion. */
function list(...maps: string[]): string {
  const items = maps.map((text) => {
    const { kind: _, apiVersion: __, ...rest } = JSON.parse(text);
    return rest;
  });
  return JSON.stringify({ kind: "ConfigMapList", apiVersion: "v1", metadata: {}, items });
}

Deno.test("the store API: every route answers as its document says, every error told apart", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const p = node.prefix;
  node.write("kubelet/pods.v1.core/default/a", { rv: 7 });
  node.write("kubelet/nodes.v1.core/edge-1", { rv: 8 });
  await using daemon = await startDaemon(node);
  const api = await Contract.of(daemon);
  await ready(daemon);
  const key = (name: string) => `${p}/configmaps/default/${name}`;
  const stored = async (name: string) => (await etcd.keys(key(name))).get(key(name))?.value;

  await t.step("how the node is doing", async () => {
    deepStrictEqual((await api.ask("GET", "/healthz")).json, { alive: true });
    deepStrictEqual((await api.ask("GET", "/readyz")).json, {
      ready: true,
      reasons: [],
      warnings: [],
    });
    match((await api.ask("GET", "/metrics")).text, /^edgekeyd_ready 1$/m);
    const status = await daemon.status();
    strictEqual(status.state, "in-step");
    deepStrictEqual([status.keys, status.nodeName, status.prefix], [2, "n1", p]);
    ok((status.etcd.latencyMs ?? -1) > 0);
    ok((status.components[0]?.lastSyncMs ?? 0) > Date.now() - 60_000);
    await api.ask("GET", "/v1/status");
    deepStrictEqual((await api.ask("GET", "/v1/verify")).json, {
      keys: 2,
      drift: [],
      revision: await etcd.revision(),
    });
    const owners = await api.ask(
      "GET",
      `/v1/owners?key=${encodeURIComponent(`${p}/minions/edge-1`)}`,
    );
    deepStrictEqual(owners.json, [{
      component: "kubelet",
      gvr: "nodes.v1.core",
      uid: "uid-edge-1",
      resourceVersion: "8",
      source: "current",
    }]);
    deepStrictEqual((await api.ask("GET", "/v1/owners?key=none")).json, []);
    expectError(await api.ask("GET", "/v1/owners"), 400, "BadRequest");
    const keys = [`${p}/minions/edge-1`, `${p}/pods/default/a`];
    deepStrictEqual((await api.ask("GET", "/v1/keys")).json, keys);
    deepStrictEqual((await api.ask("GET", "/v1/keys?component=kubelet&gvr=pods.v1.core")).json, [
      keys[1],
    ]);
  });

  await t.step("what the fs cache holds can be read, and not written", async () => {
    const pods = "/v1/components/kubelet/resources/pods.v1.core";
    const pod = `${pods}/namespaces/default/objects/a`;
    const bytes = new TextDecoder().decode(
      objectBytes("kubelet/pods.v1.core/default/a", { rv: 7 }),
    );
    strictEqual((await api.ask("GET", pod)).text, bytes);
    const cluster = "/v1/components/kubelet/resources/nodes.v1.core/objects/edge-1";
    strictEqual((await api.ask("GET", cluster)).status, 200);
    deepStrictEqual((await api.ask("GET", `${pods}/keys`)).json, [
      { key: `${p}/pods/default/a`, namespace: "default", name: "a" },
    ]);
    deepStrictEqual((await api.ask("GET", `${pods}/keys?namespace=other`)).json, []);
    const body = bytes.replace('"7"', '"9"');
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answered = await api.ask(method, pod, method === "DELETE" ? undefined : body);
      expectError(answered, 409, "ComponentClash");
    }
    const empty = '{"kind":"PodList","apiVersion":"v1","items":[]}';
    expectError(await api.ask("PUT", pods, empty), 409, "ComponentClash");
    expectError(await api.ask("DELETE", "/v1/components/kubelet"), 409, "ComponentClash");
    strictEqual((await etcd.keys(`${p}/pods/`)).size, 1);
  });

  await t.step("create, read, update, delete", async () => {
    const created = await api.ask("POST", object("one"), map("one", 10));
    strictEqual(created.status, 201);
    strictEqual((await stored("one"))?.toString(), map("one", 10));
    strictEqual((await api.ask("GET", object("one"))).text, map("one", 10));
    expectError(await api.ask("POST", object("one"), map("one", 11)), 409, "KeyExists");
    for (const rv of [9, 10]) {
      expectError(await api.ask("PUT", object("one"), map("one", rv)), 409, "UpdateConflict");
    }
    // As numbers or as texts these would be the other way round.
    const [low, high] = ["9".repeat(18), `1${"0".repeat(18)}`];
    const big = (rv: string) => map("one", 10).replace('"10"', `"${rv}"`);
    strictEqual((await api.ask("PUT", object("one"), big(low))).status, 200);
    strictEqual((await api.ask("PUT", object("one"), big(high))).status, 200);
    expectError(await api.ask("PUT", object("one"), big(low)), 409, "UpdateConflict");
    strictEqual((await stored("one"))?.toString(), big(high));
    strictEqual((await api.ask("DELETE", object("one"))).status, 200);
    strictEqual(await stored("one"), undefined);
    for (const method of ["GET", "DELETE"]) {
      expectError(await api.ask(method, object("one")), 404, "NotFound");
    }
    expectError(await api.ask("PUT", object("one"), map("one", 99)), 404, "NotFound");
    const cluster = "/v1/components/app/resources/nodes.v1.core/objects/edge-2";
    const bytes = objectBytes("app/nodes.v1.core/edge-2", { rv: 3 }).slice();
    strictEqual((await api.ask("POST", cluster, bytes)).status, 201);
    const newer = objectBytes("app/nodes.v1.core/edge-2", { rv: 4 }).slice();
    strictEqual((await api.ask("PUT", cluster, newer)).status, 200);
    strictEqual((await api.ask("DELETE", cluster)).status, 200);
  });

  await t.step("a key that somebody else has is not created, whoever it is", async () => {
    await etcd.put(key("foreign"), "k8s\0theirs");
    const refused = await api.ask("POST", object("foreign"), map("foreign", 5));
    expectError(refused, 409, "KeyExists");
    strictEqual((await stored("foreign"))?.toString(), "k8s\0theirs");
    match(refused.text, /delete it in etcd/);
    deepStrictEqual((await api.ask("GET", "/v1/keys?component=app")).json, []);
  });

  await t.step("what a file's component holds is joined, and stays when it is let go", async () => {
    const pod = "/v1/components/app/resources/pods.v1.core/namespaces/default/objects/a";
    const version = async () =>
      JSON.parse((await etcd.keys(`${p}/pods/`)).get(`${p}/pods/default/a`)?.value.toString() ?? "")
        .metadata.resourceVersion;
    for (const [method, status] of [["POST", 201], ["PUT", 200]] as const) {
      const body = objectBytes("app/pods.v1.core/default/a", { rv: 6 }).slice();
      const answered = await api.ask(method, pod, body);
      const { created, updated, joined } = answered.json as Record<string, number>;
      deepStrictEqual([answered.status, created, updated, joined], [status, 0, 0, 1]);
      strictEqual(await version(), "7");
      strictEqual((await api.ask("GET", pod)).status, 200);
      strictEqual((await api.ask("DELETE", pod)).status, 200);
      strictEqual(await version(), "7");
    }
  });

  await t.step("what an apiserver wrote over ours is read as it is, and not updated", async () => {
    strictEqual((await api.ask("POST", object("two"), map("two", 10))).status, 201);
    await etcd.put(key("two"), "k8s\0theirs");
    const read = await api.ask("GET", object("two"));
    strictEqual(read.headers.get("content-type"), "application/vnd.kubernetes.protobuf");
    const listed = (await api.ask("GET", MAPS)).json as { items: unknown[]; omitted: unknown[] };
    deepStrictEqual([listed.items.length, listed.omitted.length], [0, 1]);
    expectError(await api.ask("PUT", object("two"), map("two", 11)), 409, "UpdateConflict");
    strictEqual((await stored("two"))?.toString(), "k8s\0theirs");
    const gone = await api.ask("DELETE", object("two"));
    strictEqual((gone.json as { deleted: number }).deleted, 0);
    strictEqual((await stored("two"))?.toString(), "k8s\0theirs");
  });

  await t.step("what went missing in etcd is not found, and not made again", async () => {
    strictEqual((await api.ask("POST", object("three"), map("three", 10))).status, 201);
    await etcd.raw.delete().key(key("three"));
    expectError(await api.ask("GET", object("three")), 404, "NotFound");
    expectError(await api.ask("PUT", object("three"), map("three", 11)), 404, "NotFound");
    strictEqual(await stored("three"), undefined);
    deepStrictEqual((await api.ask("GET", "/v1/keys?component=app")).json, []);
  });

  await t.step("a list is replaced in one Txn, as a whole or in one namespace", async () => {
    const before = Number(await etcd.revision());
    const first = await api.ask("PUT", MAPS, list(map("a", 1), map("b", 1), map("c", 1)));
    strictEqual((first.json as { txns: number }).txns, 1);
    strictEqual(Number(await etcd.revision()), before + 1);
    deepStrictEqual(JSON.parse((await stored("a"))?.toString() ?? "").kind, "ConfigMap");
    const second = await api.ask(
      "PUT",
      `${MAPS}?namespace=default`,
      list(map("a", 2), map("d", 1)),
    );
    const { created, updated, deleted, txns } = second.json as Record<string, unknown>;
    deepStrictEqual({ created, updated, deleted, txns }, {
      created: 1,
      updated: 1,
      deleted: 2,
      txns: 1,
    });
    strictEqual((await api.ask("PUT", `${MAPS}?namespace=other`, list())).status, 200);
    deepStrictEqual(
      (await api.ask("GET", `${MAPS}/keys?namespace=default`)).json,
      ["a", "d"].map((name) => ({ key: key(name), namespace: "default", name })),
    );
    const read = (await api.ask("GET", `${MAPS}?namespace=default`)).json as {
      kind: string;
      items: { metadata: { name: string; resourceVersion: string } }[];
    };
    strictEqual(read.kind, "ConfigMapList");
    deepStrictEqual(
      read.items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`),
      [
        "a 2",
        "d 1",
      ],
    );
    deepStrictEqual((await api.ask("GET", `${MAPS}?namespace=none`)).json, {
      kind: "List",
      apiVersion: "v1",
      metadata: { resourceVersion: "" },
      items: [],
    });
    deepStrictEqual((await api.ask("GET", "/v1/components/app/resources")).json, [
      { gvr: "configmaps.v1.core", keys: 2 },
    ]);
    for (const [method, of] of [["GET", "/resources"], ["DELETE", ""]] as const) {
      const slip = await api.ask(method, `/v1/components/kublet${of}`);
      expectError(slip, 404, "NotFound");
      match(slip.text, /never had a component kublet; did you mean kubelet\?/);
      const far = await api.ask(method, `/v1/components/nobody${of}`);
      expectError(far, 404, "NotFound");
      match(far.text, /there are app, kubelet/);
    }
    deepStrictEqual((await api.ask("GET", "/v1/components")).json, [
      { component: "app", resources: [{ gvr: "configmaps.v1.core", keys: 2 }] },
      {
        component: "kubelet",
        resources: [{ gvr: "nodes.v1.core", keys: 1 }, { gvr: "pods.v1.core", keys: 1 }],
      },
    ]);
  });

  await t.step("a component is let go in one Txn, and once more without complaint", async () => {
    const gone = await api.ask("DELETE", "/v1/components/app");
    const { deleted, txns } = gone.json as Record<string, unknown>;
    deepStrictEqual({ deleted, txns }, { deleted: 2, txns: 1 });
    const again = (await api.ask("DELETE", "/v1/components/app")).json as { deleted: number };
    strictEqual(again.deleted, 0);
    // It was there, and holds nothing now.
    deepStrictEqual((await api.ask("GET", "/v1/components/app/resources")).json, []);
  });

  await t.step("contents that can't be taken", async () => {
    const before = await etcd.revision();
    expectError(await api.ask("POST", object("x")), 422, "NoContent");
    expectError(await api.ask("PUT", object("x"), ""), 422, "NoContent");
    expectError(await api.ask("PUT", MAPS), 422, "NoContent");
    const bad = [
      "{",
      "[]",
      "{}",
      map("other-name", 1),
      map("x", 1).replace('"default"', '"other"'),
      map("x", 1).replace('"v1"', '"v2"'),
      map("x", 1).replace('"resourceVersion":"1"', '"resourceVersion":""'),
      map("x", 1).replace('"resourceVersion":"1"', '"resourceVersion":"01"'),
      // No apiserver could read these, or it would read another object than was checked.
      map("x", 1).replace('"ConfigMap"', '"Pod"'),
      map("x", 1).replace("{", '{"kind":"Pod",'),
      map("x", 1).replace("{", '{"Kind":"Pod",'),
      map("x", 1).replace('"name":"x"', '"name":"x","name":"x"'),
      map("x", 1).replace('"namespace":"default"', '"namespace":null'),
      map("x", 1, { data: "DEEP" }).replace('"DEEP"', "[".repeat(10_000) + "]".repeat(10_000)),
    ];
    for (const body of bad) {
      expectError(await api.ask("POST", object("x"), body), 422, "InvalidContent");
    }
    const misplaced: [path: string, about: string, kind?: string][] = [
      ["secrets.v1.apps/namespaces/default/objects/x", "app/secrets.v1.apps/default/x", "Secret"],
      ["clusterroles.v1.rbac.authorization.k8s.io/namespaces/a/objects/b", "", "ClusterRole"],
      ["pods.v1.core/objects/x", "app/pods.v1.core/x"],
      ["ingresses.v1beta1.extensions/namespaces/a/objects/b", "", "Ingress"],
      ["pods.v1.core/namespaces/a/objects/%20", "app/pods.v1.core/a/ "],
    ];
    for (const [path, about, kind] of misplaced) {
      const place = about || `app/${path.replace("namespaces/", "").replace("objects/", "")}`;
      const body = objectBytes(place, { rv: 1, ...(kind && { kind }) }).slice();
      const answered = await api.ask("POST", `/v1/components/app/resources/${path}`, body);
      expectError(answered, 422, "InvalidContent");
    }
    strictEqual(await etcd.revision(), before, "nothing was written");
    node.write("kubelet/sensors.v1.devices.example.com/shop/seen", { kind: "Probe" });
    strictEqual((await api.ask("POST", "/v1/reconcile")).status, 200);
    const sensors = "/v1/components/app/resources/sensors.v1.devices.example.com";
    const sensor = (kind: string, namespace = "shop/") =>
      objectBytes(`app/sensors.v1.devices.example.com/${namespace}x`, { kind }).slice();
    const known: [path: string, body: Uint8Array<ArrayBuffer>][] = [
      [`${sensors}/namespaces/shop/objects/x`, sensor("Sensor")],
      [`${sensors}/objects/x`, sensor("Probe", "")],
    ];
    for (const [path, body] of known) {
      expectError(await api.ask("POST", path, body), 422, "InvalidContent");
    }
    const written = await etcd.revision();
    const mixed = ["A", "B"].map((kind) =>
      `{"kind":"${kind}","apiVersion":"pumps.io/v1","metadata":{"name":"${kind.toLowerCase()}",` +
      '"resourceVersion":"1"}}'
    );
    expectError(
      await api.ask(
        "PUT",
        "/v1/components/app/resources/pumps.v1.pumps.io",
        `{"kind":"List","apiVersion":"v1","items":[${mixed.join()}]}`,
      ),
      422,
      "InvalidContent",
    );
    const badLists = [
      map("x", 1),
      list(map("x", 1)).replace("{", '{"items":[],'),
      list(map("x", 1)).replace('"ConfigMapList"', '"PodList"'),
      list(map("x", 1), map("x", 2)),
      list(map("x", 1).replace('"x"', '"a/b"')),
      list(map("x", 1).replace('"x"', '".."')),
      // Half of a surrogate pair: etcd's key would be that of another name.
      list(map("x", 1).replace('"x"', '"x\\ud800"')),
      list(map("x", 1).replace('"default"', '"\\udc00"')),
    ];
    for (const body of badLists) {
      expectError(await api.ask("PUT", MAPS, body), 422, "InvalidContent");
    }
    expectError(
      await api.ask("PUT", `${MAPS}?namespace=other`, list(map("x", 1))),
      422,
      "InvalidContent",
    );
    const large = map("x", 1, { data: { text: "x".repeat(1_600_000) } });
    expectError(await api.ask("POST", object("x"), large), 413, "TooLarge");
    expectError(await api.ask("PUT", MAPS, list(map("y", 1), large)), 413, "TooLarge");
    strictEqual(await etcd.revision(), written, "nothing was written");
    const answered = await api.ask("POST", object("x"), '{"secret":');
    strictEqual(answered.text.includes("secret"), false);
  });

  await t.step("of which object an etcd key is, whoever holds it", async () => {
    const cases: [string, object][] = [
      ["services.v1.core/namespaces/shop/objects/web", {
        key: `${p}/services/specs/shop/web`,
        namespace: "shop",
        name: "web",
      }],
      ["nodes.v1.core/objects/edge-9", {
        key: `${p}/minions/edge-9`,
        namespace: "",
        name: "edge-9",
      }],
      ["sensors.v1.devices.example.com/namespaces/shop/objects/s", {
        key: `${p}/devices.example.com/sensors/shop/s`,
        namespace: "shop",
        name: "s",
      }],
    ];
    for (const [path, told] of cases) {
      deepStrictEqual((await api.ask("GET", `/v1/keys/${path}`)).json, told);
    }
    for (const path of ["pods/objects/a", "namespaces.v1.core/namespaces/a/objects/a"]) {
      expectError(await api.ask("GET", `/v1/keys/${path}`), 422, "UnrecognizedKey");
    }
    expectError(await api.ask("GET", "/v1/keys/pods.v1.core/objects/"), 422, "EmptyKey");
  });

  await t.step(
    "an item without a resourceVersion costs itself, and stays what it was",
    async () => {
      const bare = map("bare", 1).replace(',"resourceVersion":"1"', "");
      const whole = `${MAPS}?namespace=default`;
      for (const before of [false, true]) {
        if (before) {
          strictEqual(
            (await api.ask("POST", object("bare"), map("bare", 1))).status,
            201,
          );
        }
        const put = await api.ask("PUT", whole, list(bare, map("beside", before ? 2 : 1)));
        const { created, updated, deleted, conflicts } = put.json as Record<string, unknown>;
        deepStrictEqual([created, updated, deleted], before ? [0, 1, 0] : [1, 0, 0]);
        deepStrictEqual(conflicts, [{
          key: key("bare"),
          reason: "items[0] default/bare: has no metadata.resourceVersion, and was left out",
        }]);
        strictEqual((await stored("bare"))?.toString(), before ? map("bare", 1) : undefined);
      }
      const one = await api.ask("POST", object("single"), bare.replace("bare", "single"));
      expectError(one, 422, "InvalidContent");
      strictEqual((await api.ask("PUT", whole, list())).status, 200);
    },
  );

  await t.step("a refused list names the item", async () => {
    const good = map("good", 1);
    const cases: [string, RegExp][] = [
      [map("x", 1).replace('"default"', '"shop"').replace('"1"', '"01"'), /items\[1\] shop\/x: /],
      [good, /items\[1\] default\/good: .* stands in the list twice/],
      [map("x", 1).replace('"x"', '"a/b"'), /items\[1\]: /],
    ];
    for (const [bad, words] of cases) {
      const refused = await api.ask("PUT", MAPS, list(good, bad));
      expectError(refused, 422, "InvalidContent");
      match((refused.json as { message: string }).message, words);
    }
    const scalar = list(good).replace(/\]\}$/, ",1]}");
    match((await api.ask("PUT", MAPS, scalar)).text, /items\[1\]: is not a JSON object/);
    const other = await api.ask("PUT", `${MAPS}?namespace=other`, list(good));
    match(other.text, /items\[0\] default\/good: is not in namespace other/);
  });

  await t.step("a refused update carries what is held, to the byte", async () => {
    const big = map("held", 10).replace("{", '{"big":9007199254740993,');
    strictEqual((await api.ask("POST", object("held"), big)).status, 201);
    for (const rv of ["0", "9", "10"]) {
      const older = map("held", 10).replace('"10"', `"${rv}"`);
      const refused = await api.ask("PUT", object("held"), older);
      expectError(refused, 409, "UpdateConflict");
      ok(refused.text.includes(`"held":${big}`), refused.text);
    }
    await etcd.put(key("held"), "k8s\0theirs");
    const refused = await api.ask("PUT", object("held"), map("held", 11));
    expectError(refused, 409, "UpdateConflict");
    strictEqual((refused.json as { held?: unknown }).held, undefined);
    strictEqual((await api.ask("DELETE", object("held"))).status, 200);
    await etcd.raw.delete().key(key("held"));
    expectError(
      await api.ask("PUT", object("held"), map("held", 10).replace('"10"', '"0"')),
      422,
      "InvalidContent",
    );
  });

  await t.step("a body that is not JSON by its own word, and HEAD", async () => {
    const client = Deno.createHttpClient({ proxy: { transport: "unix", path: daemon.socket } });
    try {
      const send = async (method: string, target: string, type: string, body: string | null) => {
        const headers = { "content-type": type };
        const url = `http://127.0.0.1${target}`;
        const answered = await fetch(url, { method, client, headers, body });
        await answered.text();
        return answered.status;
      };
      const bodies: [string, string, string, string][] = [
        ["POST", object("typed"), "application/x-www-form-urlencoded", map("typed", 5)],
        ["PUT", object("typed"), "text/plain", map("typed", 5)],
        ["PUT", MAPS, "application/yaml", list()],
        ["POST", "/v1/delete-unclaimed", "text/plain", "[]"],
        ["POST", "/v1/import-key-cache", "application/json", "x"],
      ];
      for (const [method, target, type, body] of bodies) {
        strictEqual(await send(method, target, type, body), 415, `${method} ${target}`);
      }
      const { operations } = api;
      for (const operation of operations.filter((one) => /^GET [^{]*$/.test(one))) {
        const target = operation.slice("GET ".length);
        const query = target === "/v1/owners" ? "?key=none" : "";
        strictEqual(await send("HEAD", `${target}${query}`, "text/plain", null), 200, target);
      }
    } finally {
      client.close();
    }
  });

  await t.step("paths that name nothing", async () => {
    const cases: [string, string, number, string][] = [
      ["GET", "/v1/components//resources", 422, "EmptyComponent"],
      ["DELETE", "/v1/components/", 422, "EmptyComponent"],
      ["GET", "/v1/components/app/resources//keys", 422, "EmptyResource"],
      ["GET", "/v1/components/app/resources/", 422, "EmptyResource"],
      ["GET", `${MAPS}/objects/`, 422, "EmptyKey"],
      ["GET", `${MAPS}/namespaces//objects/x`, 422, "EmptyKey"],
      ["GET", `${MAPS}?namespace=`, 422, "EmptyKey"],
      ["GET", "/v1/components/app/resources/pods", 422, "UnrecognizedKey"],
      ["GET", "/v1/components/app/resources/pods.v1", 422, "UnrecognizedKey"],
      ["GET", `${MAPS}/objects/a%2Fb`, 422, "UnrecognizedKey"],
      ["GET", `${MAPS}/objects/a%25b`, 422, "UnrecognizedKey"],
      ["GET", `${MAPS}/objects/${"x".repeat(256)}`, 422, "UnrecognizedKey"],
      ["GET", "/v1/components/a%2Fb/resources", 422, "UnrecognizedKey"],
      [
        "GET",
        "/v1/components/app/resources/namespaces.v1.core/namespaces/a/objects/a",
        422,
        "UnrecognizedKey",
      ],
      ["GET", `${MAPS}/objects/none`, 404, "NotFound"],
      ["GET", `${MAPS}/nothing`, 404, "UnknownPath"],
      ["PATCH", object("x"), 405, "MethodNotAllowed"],
      ["POST", "/v1/components", 405, "MethodNotAllowed"],
      ["POST", "/v1/reconcile?dryRun=yes", 400, "BadRequest"],
      ["POST", "/v1/reconcile?dryRun=true&dryRun=true", 400, "BadRequest"],
      ["POST", "/v1/reconcile?sure=true", 400, "BadRequest"],
    ];
    for (const [method, target, status, code] of cases) {
      expectError(await api.ask(method, target), status, code);
    }
  });

  await t.step("reconcile, and show what it would do", async () => {
    const refused = await api.ask("POST", "/v1/reconcile", '{"dryRun":true}');
    expectError(refused, 400, "BadRequest");
    match(refused.text, /takes no body; use \?dryRun=true, \?confirmDeletes=true, /);
    node.write("kubelet/pods.v1.core/default/b", { rv: 9 });
    const shown = (await api.ask("POST", "/v1/reconcile?dryRun=true")).json as {
      report: { plan?: { key: string }[] };
    };
    deepStrictEqual(shown.report.plan?.map((step) => step.key), [`${p}/pods/default/b`]);
    const done = (await api.ask("POST", "/v1/reconcile?dryRun=false&confirmDeletes=false"))
      .json as {
        report: { status: string };
      };
    strictEqual(done.report.status, "in-step");
    strictEqual((await etcd.keys(`${p}/pods/`)).size, 2);
  });

  await t.step("what another importer left is deleted by name, or taken over", async () => {
    const left = `${p}/pods/default/left-behind`;
    const bytes = objectBytes("x/pods.v1.core/default/left-behind");
    const remove = (...keys: string[]) =>
      api.ask("POST", "/v1/delete-unclaimed", JSON.stringify(keys));
    await etcd.put(left, bytes);
    for (const not of [`${p}/pods/default/b`, "/elsewhere", key("foreign"), `${left}\ud800`]) {
      expectError(await remove(left, not), 409, "NotUnclaimed");
    }
    const { deleted } = (await remove(left, left)).json as { deleted: number };
    deepStrictEqual([deleted, (await etcd.keys(left)).size], [1, 0]);
    strictEqual(((await remove()).json as { deleted: number }).deleted, 0);
    for (const body of ["{", "{}", "[1]", "\xff"]) {
      const bytes = Uint8Array.from(body, (character) => character.charCodeAt(0));
      expectError(await api.ask("POST", "/v1/delete-unclaimed", bytes), 422, "InvalidContent");
    }
    expectError(await api.ask("POST", "/v1/delete-unclaimed"), 422, "NoContent");

    await etcd.put(left, bytes);
    const file = `gone#_v1_pods:${left},/elsewhere\n`;
    deepStrictEqual((await api.ask("POST", "/v1/import-key-cache", file)).json, {
      taken: 1,
      held: 0,
      absent: 0,
      left: [{ key: "/elsewhere", reason: "no file of gone/pods.v1.core can stand for it" }],
    });
    deepStrictEqual((await api.ask("GET", "/v1/keys?component=gone")).json, [left]);
    for (const body of ["no such line", Uint8Array.of(0xff)]) {
      expectError(await api.ask("POST", "/v1/import-key-cache", body), 422, "InvalidContent");
    }
    await api.ask("DELETE", "/v1/components/gone");
    strictEqual((await etcd.keys(left)).size, 0);
  });

  await t.step("retire: the daemon stays, and writes no more", async () => {
    const { deleted } = (await api.ask("POST", "/v1/retire")).json as { deleted: number };
    strictEqual(deleted, 4);
    deepStrictEqual([...(await etcd.keys(p)).keys()].sort(), [key("foreign"), key("two")]);
    strictEqual((await etcd.keys("/edgekeyd/")).size, 0);
    node.write("kubelet/pods.v1.core/default/c");
    expectError(await api.ask("POST", object("x"), map("x", 1)), 503, "NotReady");
    expectError(await api.ask("POST", "/v1/reconcile"), 503, "NotReady");
    const readiness = await api.ask("GET", "/readyz");
    expectError(readiness, 503, "NotReady");
    match(readiness.text, /this node was retired/);
    strictEqual((await daemon.status()).state, "retired");
    strictEqual((await etcd.keys("/edgekeyd/")).size, 0);
  });

  await t.step("every operation of the document was seen to answer", () => {
    deepStrictEqual(api.operations.filter((operation) => !api.answered.has(operation)), [
      "GET /openapi.json",
    ]);
  });

  const { code, stopMs, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  ok(stopMs < 2_000, `${stopMs} ms`);
});

Deno.test("the store API: a list goes in one Txn or not at all, a component in as many as it needs", async () => {
  await using server = await startEtcd({ args: ["--max-txn-ops=8"] });
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const maps = (namespace: string, count: number) =>
    list(...Array.from({ length: count }, (_, at) =>
      map(`${namespace}-${at}`, 1)
        .replace('"default"', `"${namespace}"`)));
  const inEtcd = async () => (await etcd.keys(`${node.prefix}/`)).size;
  {
    await using daemon = await startDaemon(node, [...SWIFT, "--etcd-max-txn-ops=8"]);
    const api = await Contract.of(daemon);
    await ready(daemon);
    // Two levels of three: nine to a Txn.
    for (const namespace of ["a", "b"]) {
      const put = await api.ask("PUT", `${MAPS}?namespace=${namespace}`, maps(namespace, 9));
      strictEqual((put.json as { txns: number }).txns, 1);
    }
    const before = await etcd.revision();
    const refused = await api.ask("PUT", `${MAPS}?namespace=a`, maps("a", 19));
    expectError(refused, 413, "TooLarge");
    match(refused.text, /app\/configmaps\.v1\.core does not fit one Txn, and a list is replaced/);
    match(refused.text, /nothing was written\. Raise --etcd-max-txn-ops .* namespace by namespace/);
    // So do ten deletes not fit, beside nothing.
    expectError(await api.ask("PUT", MAPS, list()), 413, "TooLarge");
    strictEqual(await etcd.revision(), before);
    strictEqual(((await api.ask("GET", `${MAPS}/keys`)).json as string[]).length, 18);
    strictEqual((await api.ask("GET", "/readyz")).status, 200);
    const gone = (await api.ask("DELETE", "/v1/components/app")).json as Record<string, unknown>;
    deepStrictEqual([gone.deleted, gone.txns, gone.staged], [18, 2, true]);
    strictEqual(await inEtcd(), 0);
    strictEqual((await daemon.stop()).code, 0);
  }
  // etcd takes less than the flags say: that is no matter of waiting either.
  await using daemon = await startDaemon(node);
  const api = await Contract.of(daemon);
  await ready(daemon);
  const refused = await api.ask("PUT", MAPS, maps("a", 19));
  expectError(refused, 413, "TooLarge");
  match(refused.text, /set --etcd-max-txn-ops to its --max-txn-ops/);
  strictEqual(await inEtcd(), 0);
  deepStrictEqual((await api.ask("GET", `${MAPS}/keys`)).json, []);
  strictEqual((await api.ask("GET", "/readyz")).status, 200);
});

Deno.test("readiness: held deletes make it unready, conflicts and invalid files are warnings", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const pods = `${node.cacheDir}/kubelet/pods.v1.core/default`;
  for (let pod = 0; pod < 20; pod++) node.write(`kubelet/pods.v1.core/default/p${pod}`);
  await etcd.put(`${node.prefix}/pods/default/p0`, "k8s\0theirs");
  for (const name of ["bad", "worse"]) Deno.writeTextFileSync(`${pods}/${name}`, "half");
  await using daemon = await startDaemon(node);
  const api = await Contract.of(daemon);
  await ready(daemon);
  const readiness = await api.ask("GET", "/readyz");
  const warnings = [
    `1 key left to others (${node.prefix}/pods/default/p0: etcd holds a value that an apiserver ` +
    "wrote; delete them in etcd to let edgekeyd write them)",
    "2 invalid paths not imported (kubelet/pods.v1.core/default/bad: not valid JSON; let edgekeyd " +
    "read what is denied or can't be read; remove what else is invalid, or let yurthub write it " +
    "anew)",
  ];
  deepStrictEqual([readiness.status, readiness.json], [200, {
    ready: true,
    reasons: [],
    warnings,
  }]);
  strictEqual((await daemon.status()).state, "partial");
  for (let pod = 1; pod < 20; pod++) node.remove(`kubelet/pods.v1.core/default/p${pod}`);
  await until("held back", async () => (await api.ask("GET", "/readyz")).status === 503);
  const held = (await api.ask("GET", "/readyz")).json as Record<string, unknown>;
  match(String(held.message), /19 deletes of kubelet are held back/);
  deepStrictEqual([held.code, held.ready, held.warnings], ["NotReady", false, warnings]);
});
