import { rejects } from "node:assert/strict";
import { connect } from "../../lib/etcd/mod.ts";

const CLOSED =
  /has mode 0000, as what edgekeyd's unit closes to the service \(InaccessiblePaths=\): copy the file to \/etc\/edgekeyd, and name it in \/etc\/default\/edgekeyd$/;

Deno.test("connect() says of a file that the unit closes what to do, be it the file, a directory above it or what a link leads to", async () => {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-closed-" });
  const expect = async (file: string, message: RegExp) => {
    const options = { endpoints: ["http://127.0.0.1:1"], timeoutMs: 1_000, username: "edgekeyd" };
    await rejects(connect({ ...options, passwordFile: `${root}/${file}` }), message);
  };
  try {
    Deno.mkdirSync(`${root}/private`, { mode: 0 });
    Deno.writeTextFileSync(`${root}/key`, "", { mode: 0 });
    Deno.chmodSync(`${root}/key`, 0);
    Deno.symlinkSync("private/password", `${root}/link`);
    for (const file of ["private/password", "private/below/it", "key", "link"]) {
      await expect(file, CLOSED);
    }
    await expect("none", /there is no such file$/);
    Deno.writeTextFileSync(`${root}/nothing`, "");
    await expect("nothing", /nothing is empty$/);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
