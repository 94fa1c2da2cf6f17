/** The contract of the part of @std/fs that edgekeyd uses, from the real package's documentation. */
import assert from "node:assert/strict";
import { ensureDirSync, existsSync } from "@std/fs";
import { join } from "@std/path";

/** Runs a check in a fresh directory and removes it. */
function inTempDir(check: (dir: string) => void) {
  const dir = Deno.makeTempDirSync({ prefix: "edgekeyd-fs-" });
  try {
    check(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("ensureDirSync makes a directory with its parents", () =>
  inTempDir((dir) => {
    ensureDirSync(join(dir, "a/b/c"));
    assert(Deno.statSync(join(dir, "a/b/c")).isDirectory);
    ensureDirSync(new URL(`file://${dir}/d/e`));
    assert(Deno.statSync(join(dir, "d/e")).isDirectory);
  }));

Deno.test("ensureDirSync leaves a directory or a symlink to one as it is", () =>
  inTempDir((dir) => {
    Deno.mkdirSync(join(dir, "a"));
    Deno.writeTextFileSync(join(dir, "a/file"), "kept");
    Deno.symlinkSync(join(dir, "a"), join(dir, "link"));
    ensureDirSync(join(dir, "a"));
    ensureDirSync(join(dir, "link"));
    assert.equal(Deno.readTextFileSync(join(dir, "a/file")), "kept");
    assert(Deno.lstatSync(join(dir, "link")).isSymlink);
  }));

Deno.test("ensureDirSync refuses a file in the directory's place", () =>
  inTempDir((dir) => {
    const file = join(dir, "file");
    Deno.writeTextFileSync(file, "kept");
    assert.throws(() => ensureDirSync(file), /Failed to ensure directory exists/);
    assert.equal(Deno.readTextFileSync(file), "kept");
  }));

Deno.test("existsSync says whether a file or directory is there", () =>
  inTempDir((dir) => {
    const file = join(dir, "file");
    Deno.writeTextFileSync(file, "");
    Deno.symlinkSync(file, join(dir, "link"));
    Deno.symlinkSync(join(dir, "nothing"), join(dir, "dangling"));
    assert.equal(existsSync(dir), true);
    assert.equal(existsSync(new URL(`file://${file}`)), true);
    assert.equal(existsSync(join(dir, "nothing")), false);
    assert.equal(existsSync(join(dir, "link"), { isFile: true }), true);
    assert.equal(existsSync(join(dir, "dangling")), false);
    assert.equal(existsSync(file, { isDirectory: true }), false);
    assert.equal(existsSync(dir, { isDirectory: true }), true);
    assert.equal(existsSync(dir, { isFile: true }), false);
    assert.throws(() => existsSync(dir, { isFile: true, isDirectory: true }), TypeError);
  }));
