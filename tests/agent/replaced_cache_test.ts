import { strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { bindMount, canMount } from "../support/mounts.ts";
import { say } from "../support/say.ts";
import { ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const CAN_MOUNT = canMount();
if (!CAN_MOUNT) say("skipped: mounts over a daemon's cache, which need root");

/** Nothing but the watch and the look around it tells of a change within the test. */
const NO_RESYNC = "--resync-interval=10h";
/** A second on an idle machine; a busy one gets the rest. */
const SOON_MS = 20_000;

/** A daemon on a cache with one pod, and a second cache that can take its place. */
async function onTwoCaches(
  server: EtcdServer,
  name: string,
  work: (at: {
    readonly node: EdgeNode;
    readonly other: string;
    /** Changes the pod in the cache that is in place, and waits until etcd has it. */
    readonly arrives: (what: string) => Promise<void>;
  }) => Promise<void>,
): Promise<void> {
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server, name);
  const pod = "kubelet/pods.v1.core/default/p";
  let rv = 1;
  node.write(pod, { rv });
  const other = `${node.root}/other`;
  Deno.mkdirSync(`${other}/kubelet/pods.v1.core/default`, { recursive: true });
  Deno.copyFileSync(`${node.cacheDir}/${pod}`, `${other}/${pod}`);
  await using daemon = await startDaemon(node, [...SWIFT, NO_RESYNC]);
  await ready(daemon);
  await work({
    node,
    other,
    async arrives(what) {
      // The first change may be found by the look at everything that follows; a second is not.
      for (const change of ["first", "second"]) {
        node.write(pod, { rv: ++rv });
        await until(`the ${change} change after ${what}`, async () => {
          const key = `${node.prefix}/pods/default/p`;
          const value = (await etcd.keys(key)).get(key)?.value.toString();
          return value !== undefined && JSON.parse(value).metadata.resourceVersion === String(rv);
        }, SOON_MS);
      }
    },
  });
  const { code, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  strictEqual(/can't be watched/.test(stderr), false, stderr);
}

Deno.test("a daemon goes on to follow a cache that is replaced", async (t) => {
  await using server = await startEtcd();

  await t.step(
    "a root that is removed and made again",
    () =>
      onTwoCaches(server, "again", async ({ node, arrives }) => {
        for (let round = 0; round < 3; round++) {
          Deno.removeSync(node.cacheDir, { recursive: true });
          await arrives("the root was made again");
        }
      }),
  );

  await t.step(
    "a root that another is renamed to",
    () =>
      onTwoCaches(server, "swap", async ({ node, other, arrives }) => {
        for (let round = 0; round < 3; round++) {
          Deno.renameSync(node.cacheDir, `${node.root}/old`);
          Deno.renameSync(other, node.cacheDir);
          Deno.renameSync(`${node.root}/old`, other);
          await arrives("another root was renamed to it");
        }
      }),
  );

  await t.step(
    "a root that is a symlink to where it is switched",
    () =>
      onTwoCaches(server, "switch", async ({ node, other, arrives }) => {
        Deno.renameSync(node.cacheDir, `${node.root}/first`);
        for (const target of [`${node.root}/first`, other, `${node.root}/first`]) {
          Deno.symlinkSync(target, `${node.root}/link`);
          Deno.renameSync(`${node.root}/link`, node.cacheDir);
          await arrives(`the switch to ${target}`);
        }
      }),
  );

  await t.step(
    "a component that another is renamed to",
    () =>
      onTwoCaches(server, "component", async ({ node, other, arrives }) => {
        for (let round = 0; round < 3; round++) {
          Deno.renameSync(`${node.cacheDir}/kubelet`, `${node.root}/old`);
          Deno.renameSync(`${other}/kubelet`, `${node.cacheDir}/kubelet`);
          Deno.renameSync(`${node.root}/old`, `${other}/kubelet`);
          await arrives("another component was renamed to it");
        }
      }),
  );

  await t.step(
    "a component, group or namespace that is removed, and made again later",
    () =>
      onTwoCaches(server, "later", async ({ node, arrives }) => {
        for (const place of ["kubelet", "kubelet/pods.v1.core", "kubelet/pods.v1.core/default"]) {
          node.remove(place);
          // Long enough for the daemon to see that it is gone, or to have looked at it once more.
          const rest = () => new Promise((resolve) => setTimeout(resolve, 800));
          await rest();
          await arrives(`${place} was made again`);
          await rest();
          await arrives(`${place} was made again, and all is quiet`);
        }
      }),
  );

  for (const place of ["", "/kubelet", "/kubelet/pods.v1.core"]) {
    await t.step({
      name: `a mount over ${place || "the root"}, and its end`,
      ignore: !CAN_MOUNT,
      fn: () =>
        onTwoCaches(
          server,
          `mount${place.replaceAll(/[/.]/g, "")}`,
          async ({ node, other, arrives }) => {
            {
              using _mount = bindMount(`${other}${place}`, `${node.cacheDir}${place}`);
              await arrives("the mount");
            }
            await arrives("its end");
          },
        ),
    });
  }
});

Deno.test("a daemon takes up a cache that comes late at once, whatever --retry-max", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  Deno.removeSync(node.cacheDir);
  const patient = [...SWIFT.filter((flag) => !flag.startsWith("--retry-max")), "--retry-max=1h"];
  await using daemon = await startDaemon(node, [...patient, NO_RESYNC]);
  await until("said", async () => (await daemon.status()).state === "failing");
  // Until its pauses have grown far beyond this test.
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  node.write("kubelet/pods.v1.core/default/p");
  await ready(daemon);
  strictEqual((await etcd.keys(`${node.prefix}/pods/`)).size, 1);
});
