import { strictEqual, throws } from "node:assert/strict";
import { FileTooLargeError, NotRegularFileError, readRegularFile } from "../../lib/regular_file.ts";
import { cacheTest } from "./_cache.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

cacheTest("readRegularFile() answers all of a file, behind a symlink too", (cache) => {
  cache.write("c/a", "12345");
  cache.write("c/empty", "");
  Deno.symlinkSync("a", cache.path("c/link"));
  for (const name of ["c/a", "c/link"]) {
    strictEqual(text(readRegularFile(cache.path(name), 5)), "12345", name);
  }
  strictEqual(text(readRegularFile(cache.path("c/empty"), 5)), "");
  throws(() => readRegularFile(cache.path("c/none"), 5), Deno.errors.NotFound);
  throws(() => readRegularFile(cache.path("c/a/b"), 5), Deno.errors.NotADirectory);
  return Promise.resolve();
});

cacheTest("readRegularFile() waits on nothing and reads no device", async (cache) => {
  await new Deno.Command("mkfifo", { args: [cache.path("fifo")] }).output();
  using _ = Deno.listen({ transport: "unix", path: cache.path("socket") });
  Deno.symlinkSync("/dev/zero", cache.path("zero"));
  const none = [".", "fifo", "socket", "zero"].map((name) => cache.path(name));
  for (const path of [...none, "/dev/zero", "/dev/null"]) {
    throws(() => readRegularFile(path, 5), NotRegularFileError, path);
  }
});

cacheTest("readRegularFile() reads no more than it may, also of what has grown", (cache) => {
  cache.write("c/a", "123456");
  throws(() => readRegularFile(cache.path("c/a"), 5), FileTooLargeError);
  // A regular file of no size at all, as it says, that has grown once it is read.
  const status = "/proc/self/status";
  strictEqual(Deno.statSync(status).size, 0);
  throws(() => readRegularFile(status, 100), FileTooLargeError);
  strictEqual(text(readRegularFile(status, 1_000_000)).startsWith("Name:"), true);
  return Promise.resolve();
});
