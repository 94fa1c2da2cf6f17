import { strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

Deno.test("watchCache() and identifyRoot() need no more than to read, as the binary may", async () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-watch-" });
  Deno.mkdirSync(`${root}/kubelet`);
  const program = fromFileUrl(new URL("fixtures/watch_once.ts", import.meta.url));
  const args = ["run", "--no-prompt", "--no-check", "--allow-read", program, root];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  strictEqual(code, 0, new TextDecoder().decode(stderr));
  Deno.removeSync(root, { recursive: true });
});
