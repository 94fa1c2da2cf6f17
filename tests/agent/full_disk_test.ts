import { match, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { expectError, ready, startDaemon, until } from "./_daemon.ts";

/** Runs mount or umount; tells whether it worked. */
async function mounting(program: "mount" | "umount", ...args: string[]): Promise<boolean> {
  const command = new Deno.Command(program, { args, stdout: "null", stderr: "null" });
  return (await command.output().catch(() => ({ code: 1 }))).code === 0;
}

/** A small file system, which only root can make; undefined if that is not allowed. */
async function smallDisk(path: string): Promise<AsyncDisposable | undefined> {
  Deno.mkdirSync(path);
  if (!(await mounting("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", path))) {
    return undefined;
  }
  return {
    async [Symbol.asyncDispose]() {
      await mounting("umount", "-l", path);
    },
  };
}

/** Fills a disk to its last byte. */
function fill(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (const size of [64 * 1024, 1]) {
    try {
      while (true) file.writeSync(new Uint8Array(size));
    } catch (error) {
      if (!/No space left/i.test(String(error))) throw error;
    }
  }
}

Deno.test("a full disk", async (t) => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  await using disk = await smallDisk(node.stateDir);
  await t.step({
    name: "is said in status, no exit, nothing forgotten, in step once there is room",
    ignore: disk === undefined,
    fn: () => filling(server, node),
  });
});

async function filling(server: EtcdServer, node: EdgeNode): Promise<void> {
  using etcd = new EtcdView(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node);
  await ready(daemon);
  const ballast = `${node.stateDir}/ballast`;
  fill(ballast);
  for (let pod = 0; pod < 2_000; pod++) node.write(`kubelet/pods.v1.core/default/p${pod}`);
  await until("failing", async () => (await daemon.status()).state === "failing");
  match((await daemon.status()).notReady.join(), /the disk is full; free some space/);
  expectError(await daemon.ask("GET", "/readyz"), 503, "NotReady");
  strictEqual((await etcd.keys(`${node.prefix}/pods/`)).size, 1, "nothing without an intent");
  Deno.removeSync(ballast);
  await ready(daemon);
  await until("all", async () => (await etcd.keys(`${node.prefix}/pods/`)).size === 2_001);
  const { code, stderr } = await daemon.stop();
  strictEqual(code, 0, stderr);
  strictEqual(stderr.match(/^error: .*the disk is full/gm)?.length, 1, stderr);
  strictEqual(stderr.match(/^notice: in step again/gm)?.length, 1, stderr);
}
