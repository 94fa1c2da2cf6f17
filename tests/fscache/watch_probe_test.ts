import { strictEqual } from "node:assert/strict";
import { watchCache, type WatchHint } from "../../lib/fscache/mod.ts";

Deno.test("a watch answers by its probe, behind a link too, and when that is another or gone", async () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-probe-" });
  Deno.mkdirSync(`${root}/cache/kubelet/pods.v1.core`, { recursive: true });
  Deno.mkdirSync(`${root}/run`);
  Deno.symlinkSync("run", `${root}/link`);
  const hints: WatchHint[] = [];
  for (const directory of ["run", "link"]) {
    const file = `${root}/${directory}/probe`;
    Deno.writeTextFileSync(file, "");
    const watch = watchCache(`${root}/cache`, (hint) => hints.push(hint), file);
    for (let time = 0; time < 3; time++) {
      strictEqual(await watch.answers?.(), true, directory);
    }
    strictEqual(hints.length, 0, "what happens to the probe is no hint");
    Deno.writeTextFileSync(`${root}/run/other`, "");
    Deno.renameSync(`${root}/run/other`, file);
    strictEqual(await watch.answers?.(), true, "another stands there");
    Deno.removeSync(file);
    strictEqual(await watch.answers?.(), true, "none stands there");
    watch.close();
    await watch.ended;
  }
  const without = watchCache(`${root}/cache`, () => {}, `${root}/none/at/all`);
  strictEqual(without.unwatched, undefined);
  strictEqual(await without.answers?.(), true);
  without.close();
  await without.ended;
  Deno.removeSync(root, { recursive: true });
});
