import { match, strictEqual } from "node:assert/strict";
import { EdgeNode } from "../e2e/_node.ts";
import { TestAuthority } from "../support/certificates.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon, SWIFT, until } from "./_daemon.ts";

Deno.test("a certificate file that is empty for a while stops no connection that works: the daemon warns, and goes on", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-credentials-" });
  try {
    const authority = new TestAuthority(directory, "ca");
    const own = authority.issue({ name: "etcd", hosts: ["127.0.0.1"] });
    const mine = authority.issue({ name: "agent" });
    await using server = await startEtcd({ scheme: "https", args: authority.etcdFlags(own) });
    using node = new EdgeNode(server);
    node.write("kubelet/pods.v1.core/default/a");
    await using daemon = await startDaemon(node, [
      ...SWIFT,
      `--etcd-cafile=${authority.caFile}`,
      `--etcd-certfile=${mine.certFile}`,
      `--etcd-keyfile=${mine.keyFile}`,
    ]);
    await ready(daemon);
    const whole = Deno.readFileSync(mine.certFile);
    const names = async () => (await daemon.status()).conditions.map((one) => one.condition);
    for (const broken of [new Uint8Array(), undefined]) {
      if (broken) Deno.writeFileSync(mine.certFile, broken);
      else Deno.removeSync(mine.certFile);
      await until("said", async () => (await names()).includes("credentials-unread"), 60_000);
      const { keys } = await daemon.status();
      node.write(`kubelet/pods.v1.core/default/${broken ? "b" : "c"}`);
      await until("in etcd all the same", async () => (await daemon.status()).keys > keys);
      const { status, text } = await daemon.ask("GET", "/readyz");
      strictEqual(status, 200);
      match(text, /can't be read again/);
      Deno.writeFileSync(mine.certFile, whole);
      await until("over", async () => (await names()).length === 0, 60_000);
    }
    const { code, stderr } = await daemon.stop();
    strictEqual(code, 0, stderr);
    strictEqual(/^error: /m.test(stderr), false, stderr);
    match(stderr, /^warning: certificates or password can't be read again; .* reason=/m);
    match(stderr, /^notice: certificates and password were read again/m);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
