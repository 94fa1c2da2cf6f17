/**
 * A file that is written again in place, with the size, inode and mtime of before, within the second
 * of its ctime: Deno tells no difference.
 */
import { notStrictEqual, strictEqual } from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { EdgeNode, EtcdView, QUICK } from "../e2e/_node.ts";
import { ready, startDaemon, SWIFT, until } from "./_daemon.ts";

const FILE = "kubelet/pods.v1.core/d/a";
const BEFORE = new Date("2020-01-01T00:00:00Z");
/** So often it is tried to be within one second. */
const TRIES = 20;

/** Writes a version, in place, and sets the mtime back. */
function rewrite(node: EdgeNode, rv: number): void {
  node.write(FILE, { rv });
  Deno.utimeSync(`${node.cacheDir}/${FILE}`, BEFORE, BEFORE);
}

function look(node: EdgeNode): string {
  const { size, ino, mtime, ctime } = Deno.lstatSync(`${node.cacheDir}/${FILE}`);
  return [size, ino, mtime?.getTime(), ctime?.getTime()].join();
}

async function hasVersion(node: EdgeNode, etcd: EtcdView, rv: number): Promise<boolean> {
  const key = `${node.prefix}/pods/d/a`;
  const { value } = (await etcd.keys(key)).get(key) ?? {};
  return value?.toString().includes(`"resourceVersion":"${rv}"`) ?? false;
}

Deno.test("a file that looks as it did when a run read it, but is another, is put by the next run", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  let unseen = 0;
  for (let rv = 100; unseen === 0 && rv < 100 + 2 * TRIES; rv += 2) {
    rewrite(node, rv);
    await using run = node.start(["--reconcile", ...QUICK]);
    // Its ctime is new at any moment, until it was read.
    await until("put", async () => {
      Deno.utimeSync(`${node.cacheDir}/${FILE}`, BEFORE, BEFORE);
      return await hasVersion(node, etcd, rv);
    });
    const before = look(node);
    rewrite(node, rv + 1);
    if (look(node) === before) unseen++;
    strictEqual((await run.result).code, 0);
    strictEqual((await node.run(["--reconcile", ...QUICK])).code, 0);
    strictEqual(await hasVersion(node, etcd, rv + 1), true);
  }
  notStrictEqual(unseen, 0);
});

Deno.test("a file that looks as it did when the daemon read it, but is another, is put", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  rewrite(node, 100);
  await using daemon = await startDaemon(node, SWIFT);
  await ready(daemon);
  let unseen = 0;
  for (let rv = 101; unseen === 0 && rv < 101 + 2 * TRIES; rv += 2) {
    rewrite(node, rv);
    await until("put", () => hasVersion(node, etcd, rv));
    const before = look(node);
    rewrite(node, rv + 1);
    if (look(node) === before) unseen++;
    await until("put again", () => hasVersion(node, etcd, rv + 1));
  }
  notStrictEqual(unseen, 0);
  strictEqual((await daemon.stop()).code, 0);
});
