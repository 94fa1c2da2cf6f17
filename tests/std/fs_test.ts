/** The contract of the part of @std/fs that edgekeyd uses, from the real package's documentation. */
import assert from "node:assert/strict";
import { existsSync } from "@std/fs";
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
    assert.throws(() => existsSync(join(file, "below")), Deno.errors.NotADirectory);
  }));
