import assert from "node:assert/strict";
import {
  DenoFileSystem,
  FileChangingError,
  FileTooLargeError,
  NotRegularFileError,
} from "../../lib/fscache/mod.ts";
import { cacheTest } from "./_cache.ts";

cacheTest("readFile() answers bytes of its own and the stamp that lstat() answers", (cache) => {
  cache.write("c/a", "first");
  cache.write("c/b", "other");
  const fs = new DenoFileSystem(cache.root);
  const first = fs.readFile(cache.path("c/a"), 5);
  fs.readFile(cache.path("c/b"), 5);
  assert.equal(new TextDecoder().decode(first.bytes), "first");
  assert.equal(first.bytes.buffer.byteLength, 5);
  const { birthtimeMs, ...stat } = fs.lstat(cache.path("c/a"));
  assert.deepEqual({ kind: "file", ...first.stamp }, stat);
  assert.ok(birthtimeMs > 0 && birthtimeMs <= stat.mtimeMs);
  return Promise.resolve();
});

cacheTest("readFile() refuses a file that holds more than it may", (cache) => {
  cache.write("c/a", "123456");
  assert.throws(
    () => new DenoFileSystem(cache.root).readFile(cache.path("c/a"), 5),
    FileTooLargeError,
  );
  return Promise.resolve();
});

cacheTest("readFile() neither follows a symlink nor waits on a FIFO", async (cache) => {
  cache.write("c/a", "a");
  Deno.symlinkSync("a", cache.path("c/link"));
  const made = await new Deno.Command("mkfifo", { args: [cache.path("c/fifo")] }).output();
  assert.ok(made.success);
  const fs = new DenoFileSystem(cache.root);
  for (const path of ["c/link", "c/fifo", "c"]) {
    assert.throws(() => fs.readFile(cache.path(path), 5), NotRegularFileError, path);
  }
});

cacheTest(
  "readFile() opens without following or waiting even if lstat() was told otherwise",
  async (cache) => {
    cache.write("c/a", "a");
    Deno.symlinkSync("a", cache.path("c/link"));
    await new Deno.Command("mkfifo", { args: [cache.path("c/fifo")] }).output();
    class Swapped extends DenoFileSystem {
      override lstat() {
        return super.lstat(cache.path("c/a"));
      }
    }
    assert.throws(
      () => new Swapped(cache.root).readFile(cache.path("c/link"), 5),
      NotRegularFileError,
    );
    assert.throws(
      () => new Swapped(cache.root).readFile(cache.path("c/fifo"), 5),
      FileChangingError,
    );
  },
);

cacheTest("readFile() reads again if the file changed meanwhile, and gives up at last", (cache) => {
  const path = cache.path("c/a");
  class Rewritten extends DenoFileSystem {
    looks = 0;
    constructor(readonly rewrites: string[]) {
      super(cache.root);
    }
    override lstat(of: string) {
      const stat = super.lstat(of);
      const content = this.rewrites[this.looks++];
      if (content !== undefined) cache.write("c/a", content);
      return stat;
    }
  }
  cache.write("c/a", "whole");
  // Shrunk, grown: the odd looks are those before a read.
  const fs = new Rewritten(["who", "longer than before"]);
  assert.equal(new TextDecoder().decode(fs.readFile(path, 100).bytes), "longer than before");
  const growing = Array.from({ length: 20 }, (_, at) => "x".repeat(at + 20));
  assert.throws(() => new Rewritten(growing).readFile(path, 100), FileChangingError);
  return Promise.resolve();
});

cacheTest("readFile() throws Deno's errors", (cache) => {
  class Vanished extends DenoFileSystem {
    override lstat() {
      return super.lstat(cache.root);
    }
  }
  assert.throws(
    () => new DenoFileSystem(cache.root).readFile(cache.path("x"), 5),
    Deno.errors.NotFound,
  );
  class Vanishing extends DenoFileSystem {
    override lstat(path: string) {
      const stat = super.lstat(path);
      cache.remove("c/a");
      return stat;
    }
  }
  cache.write("c/a", "a");
  assert.throws(
    () => new Vanishing(cache.root).readFile(cache.path("c/a"), 5),
    Deno.errors.NotFound,
  );
  assert.throws(() => new Vanished(cache.root).readFile(cache.path("c/a"), 5), NotRegularFileError);
  return Promise.resolve();
});

cacheTest("readDir() tells kinds without following symlinks", (cache) => {
  cache.write("c/file", "");
  cache.mkdir("c/directory");
  Deno.symlinkSync("directory", cache.path("c/link"));
  const entries = new DenoFileSystem(cache.root).readDir(cache.path("c"));
  assert.deepEqual(entries.toSorted((a, b) => a.name < b.name ? -1 : 1), [
    { name: "directory", kind: "directory" },
    { name: "file", kind: "file" },
    { name: "link", kind: "symlink" },
  ]);
  return Promise.resolve();
});
