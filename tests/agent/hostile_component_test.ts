import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { expectExit } from "../e2e/_contract.ts";
import { EdgeNode, EtcdView, objectBytes } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const MORE = ["--resync-interval=10h"];

Deno.test("a component over its limits is held back, and no other: by a run and by a daemon", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  const keysOf = async (node: EdgeNode) => [...(await etcd.keys(`${node.prefix}/`)).keys()];

  for (
    const [limit, more] of [["keys", 5], ["bytes", 5 * 20_500]] as const
  ) {
    const flag = `--max-component-${limit}=${more}`;
    const fill = (node: EdgeNode, from: number, to: number) => {
      for (let at = from; at < to; at++) {
        node.write(`evil/configmaps.v1.core/ns/s${at}`, {
          more: { data: { a: "x".repeat(20_000) } },
        });
      }
    };

    await t.step(`--reconcile ${flag}`, async () => {
      using node = new EdgeNode(server, `run-${limit}`);
      node.write("kubelet/pods.v1.core/default/a");
      fill(node, 0, 3);
      expectExit(await node.reconcile(flag), 0);
      fill(node, 3, 60);
      node.write("kubelet/pods.v1.core/default/b");
      const run = await node.reconcile(flag);
      expectExit(run, 3, new RegExp(`files are left out.*--max-component-${limit}`));
      strictEqual(run.report.created, 3);
      match(
        run.report.invalid[0]?.reason ?? "",
        /^at least 50 files left out: evil would hold more than/,
      );
      strictEqual((await keysOf(node)).length, 7);
      // What it has may change, and may go; then there is room again.
      node.remove("evil/configmaps.v1.core/ns/s0");
      node.write("evil/configmaps.v1.core/ns/s1", {
        rv: 9,
        more: { data: { a: "y".repeat(20_000) } },
      });
      const next = await node.reconcile(flag);
      deepStrictEqual([next.report.updated, next.report.deleted], [1, 1]);
      expectExit(await node.reconcile(), 0);
      strictEqual((await keysOf(node)).length, 61);
    });

    await t.step(`a daemon with ${flag}`, async () => {
      using node = new EdgeNode(server, `daemon-${limit}`);
      node.write("kubelet/pods.v1.core/default/a");
      fill(node, 0, 3);
      await using daemon = await startDaemon(node, [...SWIFT, ...MORE, flag]);
      await ready(daemon);
      fill(node, 3, 60);
      await until(
        "said",
        async () =>
          (await daemon.status()).conditions.some(({ condition, advice }) =>
            condition === "components-full" && /raise the limit/.test(advice)
          ),
      );
      node.write("kubelet/pods.v1.core/default/b");
      const other = `${node.prefix}/pods/default/b`;
      await until("others go on", async () => (await etcd.keys(other)).size === 1);
      const evil = (await keysOf(node)).filter((key) => key.includes("/configmaps/"));
      strictEqual(evil.length, 5);
      strictEqual((await daemon.stop()).code, 0);
    });
  }
});

Deno.test("the API refuses what would give a component more than it may have, with a 413", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const limits = ["--max-component-keys=2", "--max-component-bytes=2000"];
  await using daemon = await startDaemon(node, [...SWIFT, ...MORE, ...limits]);
  await ready(daemon);
  const path = (name: string) =>
    `/v1/components/app/resources/pods.v1.core/namespaces/d/objects/${name}`;
  const pod = (name: string, rv: number, size = 0) =>
    objectBytes(`app/pods.v1.core/d/${name}`, { rv, more: { spec: { a: "x".repeat(size) } } });
  const send = async (method: string, name: string, rv: number, size?: number) => {
    const { status, json } = await daemon.ask(method, path(name), pod(name, rv, size).slice());
    return [status, (json as { code?: string }).code];
  };
  deepStrictEqual(await send("POST", "a", 1, 3_000), [413, "TooLarge"]);
  deepStrictEqual(await send("POST", "a", 1), [201, undefined]);
  deepStrictEqual(await send("PUT", "a", 2, 3_000), [413, "TooLarge"]);
  deepStrictEqual(await send("PUT", "a", 2, 10), [200, undefined]);
  deepStrictEqual(await send("POST", "b", 1), [201, undefined]);
  deepStrictEqual(await send("POST", "c", 1), [413, "TooLarge"]);
  const list = async (...names: string[]) => {
    const items = names.map((name) => JSON.parse(new TextDecoder().decode(pod(name, 5))));
    const body = JSON.stringify({ apiVersion: "v1", kind: "PodList", items });
    return (await daemon.ask("PUT", "/v1/components/app/resources/pods.v1.core", body)).status;
  };
  strictEqual(await list("x", "y", "z"), 413);
  strictEqual(await list("x", "y"), 200);
  const { text } = await daemon.ask("GET", "/v1/components/app/resources/pods.v1.core/keys");
  ok(/\/x/.test(text) && !/\/a"/.test(text), text);
  strictEqual((await daemon.stop()).code, 0);
});

/** How many inotify instances a process has, and how many watches on them. */
function inotifyOf(pid: number): { readonly instances: number; readonly watches: number } {
  let [instances, watches] = [0, 0];
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      if (Deno.readLinkSync(`/proc/${pid}/fd/${name}`) !== "anon_inode:inotify") continue;
      instances++;
      const info = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${name}`);
      watches += info.split("\n").filter((line) => line.startsWith("inotify ")).length;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return { instances, watches };
}

Deno.test("a daemon watches the directories of its cache, and nothing that a link in it leads to", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  for (const target of ["/usr", "/"]) {
    await t.step(`links to ${target}, in place at the start or moved in later`, async () => {
      using node = new EdgeNode(server, `link-${target.length}`);
      node.write("kubelet/pods.v1.core/default/a");
      node.write("evil/pods.v1.core/default/a");
      Deno.symlinkSync(target, `${node.cacheDir}/evil/link`);
      Deno.symlinkSync(target, `${node.cacheDir}/evil/pods.v1.core/link`);
      await using daemon = await startDaemon(node, [...SWIFT, "--resync-interval=1s"]);
      await ready(daemon);
      // The root, two components, two groups, two namespaces, and the socket, by which it is asked.
      deepStrictEqual(inotifyOf(daemon.pid), { instances: 1, watches: 8 });
      Deno.mkdirSync(`${node.root}/full/ns`, { recursive: true });
      Deno.symlinkSync(target, `${node.root}/full/link`);
      Deno.symlinkSync(target, `${node.root}/full/ns/link`);
      Deno.renameSync(`${node.root}/full`, `${node.cacheDir}/evil/configmaps.v1.core`);
      for (let rv = 2; rv < 5; rv++) {
        node.write("kubelet/pods.v1.core/default/a", { rv });
        const key = `${node.prefix}/pods/default/a`;
        await until("kubelet's change", async () => {
          const { value } = (await etcd.keys(key)).get(key) ?? {};
          return value?.toString().includes(`"resourceVersion":"${rv}"`) ?? false;
        });
        // Some full passes, each with a watch that is begun anew.
        await new Promise((resolve) => setTimeout(resolve, 1_500));
      }
      deepStrictEqual(inotifyOf(daemon.pid), { instances: 1, watches: 10 });
      const { watchFailure } = await daemon.status();
      strictEqual(watchFailure, undefined);
      strictEqual((await daemon.stop()).code, 0);
    });
  }
});

Deno.test("a resourceVersion far beyond all others is said, with the component; one that is none is invalid", async (t) => {
  await using server = await startEtcd();
  const flags = ["--settle-time=0", "-o", "json"];
  const put = (node: EdgeNode, resourceVersion: string) => {
    const object = JSON.parse(new TextDecoder().decode(objectBytes("evil/pods.v1.core/d/p")));
    object.metadata.resourceVersion = resourceVersion;
    Deno.mkdirSync(`${node.cacheDir}/evil/pods.v1.core/d`, { recursive: true });
    Deno.writeTextFileSync(`${node.cacheDir}/evil/pods.v1.core/d/p`, JSON.stringify(object));
  };
  await t.step("--reconcile", async () => {
    using node = new EdgeNode(server, "far-run");
    node.write("kubelet/pods.v1.core/d/p", { rv: 700 });
    put(node, "4611686018427387904");
    for (const dryRun of [["--dry-run"], [], ["--dry-run"]]) {
      const far = await node.run(["--reconcile", ...flags, ...dryRun]);
      strictEqual(far.code, 0);
      match(
        far.stderr,
        /evil has resourceVersions far beyond .*4611686018427387904 at .*\/pods\/d\/p/,
      );
    }
    put(node, "9223372036854775808");
    const none = await node.run(["--reconcile", ...flags]);
    strictEqual(none.code, 3);
    match(none.stderr, /evil\/pods.v1.core\/d\/p: .*2\^63-1/);
  });
  await t.step("a daemon", async () => {
    using node = new EdgeNode(server, "far-daemon");
    node.write("kubelet/pods.v1.core/d/p", { rv: 700 });
    await using daemon = await startDaemon(node, [...SWIFT, ...MORE]);
    await ready(daemon);
    const about = async () =>
      (await daemon.status()).conditions
        .filter(({ condition }) => condition === "versions-far-ahead")
        .flatMap(({ items }) => items.map((item) => item.about));
    deepStrictEqual(await about(), []);
    put(node, "4611686018427387904");
    await until("said", async () => (await about()).join() === "evil");
    node.remove("evil");
    const daemonOf = await node.run(["delete-component", "evil"]);
    strictEqual(daemonOf.code, 0, daemonOf.stderr);
    await until("over", async () => (await about()).length === 0);
    strictEqual((await daemon.stop()).code, 0);
  });
});

/** What a component does with FIFOs, in a directory of its own that is watched. */
const FIFOS: Readonly<Record<string, (directory: string) => void>> = {
  "a FIFO": (directory) => mkfifo(`${directory}/fifo`),
  "a FIFO beside directories that are made with it": (directory) => {
    for (let n = 0; n < 20; n++) Deno.mkdirSync(`${directory}/../new${n}`);
    mkfifo(`${directory}/../fifo`);
    for (let n = 0; n < 20; n++) Deno.mkdirSync(`${directory}/../newer${n}`);
  },
  "a FIFO that takes its directory's place": (directory) => {
    Deno.renameSync(directory, `${directory}-was`);
    mkfifo(directory);
  },
  "a link to a FIFO elsewhere": (directory) => {
    mkfifo(`${directory}/../../../../fifo`);
    Deno.symlinkSync("../../../../fifo", `${directory}/link`);
  },
};

function mkfifo(path: string): void {
  strictEqual(new Deno.Command("mkfifo", { args: [path] }).outputSync().success, true);
}

/** Has kubelet write, again and again, with more than the time between: each change has to arrive. */
async function expectKubeletsChanges(node: EdgeNode, etcd: EtcdView): Promise<void> {
  const key = `${node.prefix}/pods/d/a`;
  for (let rv = 2; rv < 5; rv++) {
    node.write("kubelet/pods.v1.core/d/a", { rv });
    await until("kubelet's change", async () => {
      const { value } = (await etcd.keys(key)).get(key) ?? {};
      return value?.toString().includes(`"resourceVersion":"${rv}"`) ?? false;
    }, 60_000);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
  }
}

for (const [what, make] of Object.entries(FIFOS)) {
  Deno.test(`${what} stops neither the daemon nor what it does for other components`, async () => {
    await using server = await startEtcd();
    using etcd = new EtcdView(server);
    using node = new EdgeNode(server);
    node.write("kubelet/pods.v1.core/d/a");
    node.write("evil/configmaps.v1.core/d/a");
    await using daemon = await startDaemon(node, SWIFT);
    await ready(daemon);
    // All of it at once, whoever is faster.
    daemon.kill("SIGSTOP");
    make(`${node.cacheDir}/evil/configmaps.v1.core/d`);
    daemon.kill("SIGCONT");
    await expectKubeletsChanges(node, etcd);
    await until("said", async () => /FIFO/.test((await daemon.status()).watchFailure ?? ""));
    strictEqual((await daemon.stop()).code, 0);
  });
}

Deno.test("a FIFO that stands in the cache when the daemon starts has its own directory looked at now and then, and all else watched", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/d/a");
  node.write("evil/configmaps.v1.core/d/a");
  const fifo = `${node.cacheDir}/evil/configmaps.v1.core/d/fifo`;
  mkfifo(fifo);
  await using daemon = await startDaemon(node, SWIFT);
  await ready(daemon);
  const failure = async () => (await daemon.status()).watchFailure;
  match(await failure() ?? "", /evil\/configmaps.v1.core\/d has a FIFO, socket or device in it$/);
  Deno.chmodSync(fifo, 0o600);
  await expectKubeletsChanges(node, etcd);
  match(await failure() ?? "", /has a FIFO, socket or device in it$/);
  Deno.removeSync(fifo);
  await until("watched", async () => await failure() === undefined);
  node.write("evil/configmaps.v1.core/d/a", { rv: 7 });
  const key = `${node.prefix}/configmaps/d/a`;
  await until("evil's change", async () => {
    const { value } = (await etcd.keys(key)).get(key) ?? {};
    return value?.toString().includes('"resourceVersion":"7"') ?? false;
  });
  strictEqual((await daemon.stop()).code, 0);
});
