import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import { holdStateDirectory, KeyCacheError, type KeyRow } from "../../lib/keycache/mod.ts";
import { bindMount, canMount } from "../support/mounts.ts";
import { say } from "../support/say.ts";
import { cacheOptions } from "./_cache.ts";

const CAN_MOUNT = canMount();
if (!CAN_MOUNT) say("skipped: a mount over the state directory, which needs root");

const isReplaced = (error: unknown) =>
  error instanceof KeyCacheError && error.reason === "replaced";

function row(name: string): [string, KeyRow] {
  const key = `/registry/pods/default/${name}`;
  return [key, { key, ours: true, mod: null, uid: "u", resourceVersion: "1", owners: [] }];
}

/** How to take a file's place, and to give it back; undefined: that can't be done. */
interface Mishap {
  readonly name: string;
  readonly ignore?: boolean;
  take(state: string): (() => void) | undefined;
}

/** Puts something in the place of a file. */
function replace(path: string, content: string | undefined): () => void {
  Deno.renameSync(path, `${path}.away`);
  if (content !== undefined) Deno.writeTextFileSync(path, content);
  return () => Deno.renameSync(`${path}.away`, path);
}

const MISHAPS: readonly Mishap[] = [
  { name: "its directory is renamed", take: (state) => replace(state, undefined) },
  {
    name: "its directory is emptied",
    take(state) {
      for (const { name } of Deno.readDirSync(state)) Deno.removeSync(`${state}/${name}`);
      return undefined;
    },
  },
  {
    name: "its directory is mounted over",
    ignore: !CAN_MOUNT,
    take(state) {
      const other = `${state}.other`;
      Deno.mkdirSync(other);
      const mount = bindMount(other, state);
      return () => mount[Symbol.dispose]();
    },
  },
  {
    name: "another directory takes its place",
    take(state) {
      Deno.renameSync(state, `${state}.away`);
      Deno.mkdirSync(state);
      for (const file of ["lock", "cache.kv"]) {
        Deno.copyFileSync(`${state}.away/${file}`, `${state}/${file}`);
      }
      return () => {
        Deno.removeSync(state, { recursive: true });
        Deno.renameSync(`${state}.away`, state);
      };
    },
  },
  { name: "another file takes its place", take: (state) => replace(`${state}/cache.kv`, "") },
  { name: "it is removed", take: (state) => replace(`${state}/cache.kv`, undefined) },
  { name: "the lock is replaced", take: (state) => replace(`${state}/lock`, "1\n") },
  { name: "the lock is removed", take: (state) => replace(`${state}/lock`, undefined) },
];

for (const { name, ignore = false, take } of MISHAPS) {
  Deno.test({
    name: `the cache refuses to write once ${name}, until that is over`,
    ignore,
    async fn() {
      const base = Deno.makeTempDirSync({ prefix: "edgekeyd-replaced-" });
      const state = `${base}/state`;
      const directory = await holdStateDirectory(state, 1_000);
      try {
        const { cache } = await directory.openCache(cacheOptions());
        await cache.keep(new Map([row("before")]));
        directory.check();
        const giveBack = take(state);
        throws(() => directory.check(), isReplaced);
        await rejects(cache.keep(new Map([row("lost")])), isReplaced);
        cache.close();
        await rejects(directory.openCache(cacheOptions()), isReplaced, "no other is taken for it");
        if (!giveBack) return;
        giveBack();
        directory.check();
        const { cache: again } = await directory.openCache(cacheOptions());
        deepStrictEqual([...again.rows], [row("before")]);
        await again.keep(new Map([row("after")]));
        strictEqual(again.rows.size, 2);
        again.close();
      } finally {
        directory.release();
        Deno.removeSync(base, { recursive: true });
      }
    },
  });
}

Deno.test("the cache loses nothing when its journal is removed: it only has to be opened anew", async () => {
  const state = Deno.makeTempDirSync({ prefix: "edgekeyd-replaced-" });
  const directory = await holdStateDirectory(state, 1_000);
  try {
    const { cache } = await directory.openCache(cacheOptions());
    await cache.keep(new Map([row("before")]));
    Deno.removeSync(`${state}/cache.kv-wal`);
    throws(() => directory.check(), isReplaced);
    await rejects(cache.keep(new Map([row("lost")])), isReplaced);
    cache.close();
    const { cache: again } = await directory.openCache(cacheOptions());
    deepStrictEqual([...again.rows], [row("before")]);
    await again.keep(new Map([row("after")]));
    again.close();
  } finally {
    directory.release();
    Deno.removeSync(state, { recursive: true });
  }
});
