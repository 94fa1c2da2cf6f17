import assert from "node:assert/strict";
import { DenoFileSystem } from "../../lib/fscache/mod.ts";
import { cacheTest } from "./_cache.ts";

/** Renames a directory away, a link into its place, and back, without end. */
const SWAP = `
const [at] = Deno.args;
console.log("begun");
for (;;) {
  Deno.renameSync(at, at + ".directory");
  Deno.renameSync(at + ".link", at);
  Deno.renameSync(at, at + ".link");
  Deno.renameSync(at + ".directory", at);
}
`;
const READS = 6_000;

for (const [what, swapped] of [["group", "pods.v1.core"], ["namespace", "pods.v1.core/shop"]]) {
  cacheTest(
    `readFile() never reads by way of a link that takes a ${what}'s place while it is read`,
    async (cache) => {
      const outside = Deno.makeTempDirSync({ prefix: "edgekeyd-outside-" });
      const directory = cache.path(`evil/${swapped}`);
      const below = what === "group" ? "shop/" : "";
      for (let file = 0; file < 20; file++) {
        cache.write(`evil/pods.v1.core/shop/p${file}`, "inside");
        Deno.mkdirSync(`${outside}/${below}`, { recursive: true });
        Deno.writeTextFileSync(`${outside}/${below}p${file}`, "secret");
      }
      Deno.symlinkSync(outside, `${directory}.link`);
      const program = Deno.makeTempFileSync({ suffix: ".ts" });
      Deno.writeTextFileSync(program, SWAP);
      const args = ["run", "-A", "--no-check", program, directory];
      const command = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "null" });
      const swapper = command.spawn();
      const stdout = swapper.stdout.getReader();
      await stdout.read();
      const seen = { inside: 0, secret: 0, links: 0 };
      try {
        const fs = new DenoFileSystem(cache.root);
        for (let read = 0; read < READS; read++) {
          const path = cache.path(`evil/pods.v1.core/shop/p${read % 20}`);
          try {
            if (Deno.readTextFileSync(path) === "secret") seen.links++;
          } catch {
            // It is on its way.
          }
          try {
            const text = new TextDecoder().decode(fs.readFile(path, 100).bytes);
            seen[text === "secret" ? "secret" : "inside"]++;
          } catch (error) {
            assert.ok(error instanceof Error);
          }
        }
      } finally {
        swapper.kill("SIGKILL");
        await swapper.status;
        await stdout.cancel();
        Deno.removeSync(outside, { recursive: true });
        Deno.removeSync(program);
      }
      assert.ok(seen.links > 0, "the link was never met: nothing was tried");
      assert.equal(seen.secret, 0, JSON.stringify(seen));
    },
  );
}

cacheTest("readFile() reads what stands still, however young its directories are", (cache) => {
  const fs = new DenoFileSystem(cache.root);
  for (let file = 0; file < 50; file++) {
    const path = `c/g${file}.v1.core/shop/p`;
    cache.write(path, "new");
    assert.equal(fs.readFile(cache.path(path), 3).bytes.length, 3);
  }
  return Promise.resolve();
});

cacheTest("readFile() follows no link on the way that has been there for long", async (cache) => {
  cache.write("c/real/shop/p", "inside");
  Deno.symlinkSync("real", cache.path("c/pods.v1.core"));
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  const fs = new DenoFileSystem(cache.root);
  assert.throws(() => fs.readFile(cache.path("c/pods.v1.core/shop/p"), 10), Deno.errors.NotFound);
  assert.equal(fs.readFile(cache.path("c/real/shop/p"), 10).bytes.length, 6);
});
