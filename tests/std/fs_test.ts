/** The contract of the part of @std/fs that edgekeyd uses, from the real package's documentation. */
import assert from "node:assert/strict";
import { ensureDir, ensureDirSync, exists, existsSync } from "@std/fs";
import { join, toFileUrl } from "@std/path";

/** Runs a check in a fresh directory and removes it. */
async function inTempDir(check: (dir: string) => void | Promise<void>) {
  const dir = Deno.makeTempDirSync({ prefix: "edgekeyd-fs-" });
  try {
    await check(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

for (
  const [name, ensure] of [
    ["ensureDir", ensureDir],
    ["ensureDirSync", async (dir: string | URL) => await ensureDirSync(dir)],
  ] as const
) {
  Deno.test(`${name} makes a directory with its parents`, () =>
    inTempDir(async (dir) => {
      await ensure(join(dir, "a/b/c"));
      assert(Deno.statSync(join(dir, "a/b/c")).isDirectory);
      await ensure(toFileUrl(join(dir, "d/e")));
      assert(Deno.statSync(join(dir, "d/e")).isDirectory);
    }));

  Deno.test(`${name} leaves a directory or a symlink to one as it is`, () =>
    inTempDir(async (dir) => {
      Deno.mkdirSync(join(dir, "a"));
      Deno.writeTextFileSync(join(dir, "a/file"), "kept");
      Deno.symlinkSync(join(dir, "a"), join(dir, "link"));
      await ensure(join(dir, "a"));
      await ensure(join(dir, "link"));
      assert.equal(Deno.readTextFileSync(join(dir, "a/file")), "kept");
      assert(Deno.lstatSync(join(dir, "link")).isSymlink);
    }));

  Deno.test(`${name} refuses a file in the directory's place`, () =>
    inTempDir(async (dir) => {
      const file = join(dir, "file");
      Deno.writeTextFileSync(file, "kept");
      await assert.rejects(() => ensure(file), /Failed to ensure directory exists/);
      assert.equal(Deno.readTextFileSync(file), "kept");
    }));
}

for (
  const [name, look] of [
    ["exists", exists],
    ["existsSync", async (...args: Parameters<typeof existsSync>) => await existsSync(...args)],
  ] as const
) {
  Deno.test(`${name} says whether a file or directory is there`, () =>
    inTempDir(async (dir) => {
      const file = join(dir, "file");
      Deno.writeTextFileSync(file, "");
      Deno.symlinkSync(file, join(dir, "link"));
      Deno.symlinkSync(join(dir, "nothing"), join(dir, "dangling"));
      assert.equal(await look(dir), true);
      assert.equal(await look(toFileUrl(file)), true);
      assert.equal(await look(join(dir, "nothing")), false);
      assert.equal(await look(join(dir, "link"), { isFile: true }), true);
      assert.equal(await look(join(dir, "dangling")), false);
      assert.equal(await look(file, { isDirectory: true }), false);
      assert.equal(await look(dir, { isDirectory: true }), true);
      assert.equal(await look(dir, { isFile: true }), false);
      await assert.rejects(() => look(dir, { isFile: true, isDirectory: true }), TypeError);
    }));
}
