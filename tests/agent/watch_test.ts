import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { type DaemonProcess, expectError, ready, startDaemon, until } from "./_daemon.ts";

/** Debounce and a round trip take less than 1 s; a busy machine gets the rest. */
const SOON_MS = 20_000;
/** What is changed within it is one burst. */
const DEBOUNCE_MS = 300;
const ATTEMPTS = 5;

/** Waits until etcd's revision has not moved for a while, and answers it. */
async function atRest(etcd: EtcdView): Promise<number> {
  let last = "";
  await until("etcd at rest", async () => {
    const before = await etcd.revision();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    last = await etcd.revision();
    return before === last;
  });
  return Number(last);
}

async function residentBytes(daemon: DaemonProcess): Promise<number> {
  const { text } = await daemon.ask("GET", "/metrics");
  return Number(/^edgekeyd_process_resident_memory_bytes (\d+)/m.exec(text)?.[1]);
}

Deno.test("the daemon follows the fs cache", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const p = node.prefix;
  const rvOf = async (key: string) => {
    const found = (await etcd.keys(`${p}/${key}`)).get(`${p}/${key}`);
    return found && JSON.parse(found.value.toString()).metadata.resourceVersion;
  };
  const count = async (prefix: string) => (await etcd.keys(`${p}/${prefix}`)).size;
  for (let pod = 0; pod < 30; pod++) node.write(`kubelet/pods.v1.core/default/p${pod}`, { rv: 1 });
  const flags = [`--debounce=${DEBOUNCE_MS}ms`, "--settle-time=200ms", "--retry-max=500ms"];
  await using daemon = await startDaemon(node, flags);
  await ready(daemon);
  strictEqual(await count("pods/"), 30);

  await t.step("a changed file is in etcd within a moment", async () => {
    node.write("kubelet/pods.v1.core/default/p0", { rv: 2 });
    await until("changed", async () => (await rvOf("pods/default/p0")) === "2", SOON_MS);
  });

  await t.step("a removed file is gone from etcd once its directory has settled", async () => {
    node.remove("kubelet/pods.v1.core/default/p1");
    await until("gone", async () => (await rvOf("pods/default/p1")) === undefined, SOON_MS);
  });

  /** Changes files up to p29 in one go, which must be one Txn: tried again if it took too long. */
  const inOneTxn = async (rv: number, change: (rv: number) => void) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = await atRest(etcd);
      const startMs = performance.now();
      change(rv + attempt);
      const tookMs = performance.now() - startMs;
      const newest = String(rv + attempt);
      await until("all", async () => (await rvOf("pods/default/p29")) === newest, SOON_MS);
      const txns = await atRest(etcd) - before;
      if (tookMs < DEBOUNCE_MS) return strictEqual(txns, 1);
    }
    throw new Error(`no burst took less than ${DEBOUNCE_MS} ms`);
  };

  await t.step("a burst of changes is one Txn", async () => {
    await inOneTxn(10, (rv) => {
      for (let pod = 2; pod < 30; pod++) {
        node.write(`kubelet/pods.v1.core/default/p${pod}`, { rv });
      }
    });
  });

  await t.step("a list that yurthub rewrites is one Txn", async () => {
    const group = `${node.cacheDir}/kubelet/pods.v1.core`;
    await inOneTxn(20, (rv) => {
      Deno.renameSync(group, `${node.cacheDir}/kubelet/tmp_pods.v1.core`);
      node.write("kubelet/pods.v1.core/default/p0", { rv });
      for (let pod = 2; pod < 32; pod++) {
        node.write(`kubelet/pods.v1.core/default/p${pod}`, { rv });
      }
      Deno.removeSync(`${node.cacheDir}/kubelet/tmp_pods.v1.core`, { recursive: true });
    });
    strictEqual(await count("pods/"), 31);
  });

  await t.step("a rewrite that stops half way lets go of nothing", async () => {
    const group = `${node.cacheDir}/kubelet/pods.v1.core`;
    Deno.renameSync(group, `${node.cacheDir}/kubelet/tmp_pods.v1.core`);
    node.write("kubelet/pods.v1.core/default/p0", { rv: 30 });
    await atRest(etcd);
    strictEqual(await count("pods/"), 31);
    for (let pod = 2; pod < 31; pod++) {
      node.write(`kubelet/pods.v1.core/default/p${pod}`, { rv: 30 });
    }
    Deno.removeSync(`${node.cacheDir}/kubelet/tmp_pods.v1.core`, { recursive: true });
    await until("let go", async () => (await count("pods/")) === 30, SOON_MS);
  });

  await t.step("what comes in directories that were just made is never missed", async () => {
    for (let round = 0; round < 20; round++) {
      for (let file = 0; file < 5; file++) {
        node.write(`made${round}/configmaps.v1.core/ns${round}-${file}/c`, { rv: 1 });
      }
      if (round % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
    }
    await until("all 100", async () => (await count("configmaps/")) === 100, SOON_MS);
  });

  await t.step("what is no object is said in status, and taken up once it is one", async () => {
    Deno.writeTextFileSync(`${node.cacheDir}/kubelet/pods.v1.core/default/p0`, "half");
    await until("partial", async () => (await daemon.status()).state === "partial", SOON_MS);
    const { invalid } = await daemon.status();
    deepStrictEqual(invalid.map(({ path }) => path), ["kubelet/pods.v1.core/default/p0"]);
    strictEqual(await rvOf("pods/default/p0"), "30");
    node.write("kubelet/pods.v1.core/default/p0", { rv: 31 });
    await until("in step", async () => (await daemon.status()).state === "in-step", SOON_MS);
    strictEqual(await rvOf("pods/default/p0"), "31");
  });

  await t.step("a root that is gone, or another and empty, deletes nothing", async () => {
    const before = await atRest(etcd);
    const away = `${node.root}/away`;
    Deno.renameSync(node.cacheDir, away);
    await until("said", async () => (await daemon.status()).state === "failing");
    match((await daemon.status()).notReady.join(), /cache directory .* is missing/);
    expectError(await daemon.ask("GET", "/readyz"), 503, "NotReady");
    Deno.mkdirSync(node.cacheDir);
    await until("held back", async () => (await daemon.status()).heldBack.length > 0);
    match((await daemon.status()).notReady.join(), /deletes of kubelet are held back/);
    strictEqual(await atRest(etcd), before);

    Deno.removeSync(node.cacheDir);
    Deno.renameSync(away, node.cacheDir);
    await until("in step", async () => (await daemon.status()).state === "in-step");
    strictEqual(await atRest(etcd), before);
    // The new root is watched, not only looked at.
    await until("watched again", async () => {
      node.write("kubelet/pods.v1.core/default/p0", { rv: 32 });
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      return (await rvOf("pods/default/p0")) === "32";
    });
  });

  await t.step("five thousand files rewritten at once settle in bounded memory", async () => {
    const bulk = async (rv: number) => {
      for (let file = 0; file < 5_000; file++) {
        const more = { data: { text: "x".repeat(1_000), rv } };
        node.write(`bulk/configmaps.v1.core/bulk/c${file}`, { rv, more });
      }
      await until("all 5,000", async () => {
        const { components, dirtyGroups } = await daemon.status();
        const held = components.find(({ component }) => component === "bulk")?.resources[0]?.keys;
        return dirtyGroups === 0 && held === 5_000 &&
          (await rvOf("configmaps/bulk/c4999")) === String(rv);
      }, 60_000);
    };
    await bulk(1);
    await bulk(2);
    // A file that was read while it was written is looked at once more.
    await until("in step", async () => (await daemon.status()).state === "in-step");
    const bytes = await residentBytes(daemon);
    ok(bytes < 600e6, `${bytes} bytes`);
  });

  const { code, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  strictEqual(stderr.includes("xxxx"), false, "nothing of an object is ever logged");
});
