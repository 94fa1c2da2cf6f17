import { Buffer } from "node:buffer";
import { strictEqual } from "node:assert/strict";
import { startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

const PASSWORD = "s3cret of the node";

Deno.test("auth: user and password; what is denied is named, with user and role", async (t) => {
  await using server = await startEtcd();
  const admin = rawEtcd(server.endpoint);
  try {
    const { auth } = admin;
    await auth.userAdd({ name: "root", password: "root" });
    await auth.userGrantRole({ user: "root", role: "root" });
    const grant = (name: string, permType: "Read" | "Readwrite", prefix: string) =>
      auth.roleGrantPermission({
        name,
        perm: {
          permType,
          key: Buffer.from(prefix),
          range_end: Buffer.from(`${prefix.slice(0, -1)}0`),
        },
      });
    /** A user with a role that may do what is listed. */
    const user = async (name: string, ...permissions: ["Read" | "Readwrite", string][]) => {
      await auth.userAdd({ name, password: PASSWORD });
      await auth.roleAdd({ name: `${name}-role` });
      await auth.userGrantRole({ user: name, role: `${name}-role` });
      for (const [type, prefix] of permissions) await grant(`${name}-role`, type, prefix);
    };
    await user("writer", ["Readwrite", "/n1/registry/"], ["Readwrite", "/edgekeyd/"]);
    await user("unfenced", ["Readwrite", "/n1/registry/"]);
    await user("reader", ["Read", "/n1/registry/"], ["Readwrite", "/edgekeyd/"]);
    await user("unmoved", ["Readwrite", "/n1/registry/"], ["Read", "/edgekeyd/"]);
    await user("blind", ["Readwrite", "/edgekeyd/"]);
    await user(
      "partly",
      ["Read", "/n1/registry/"],
      ["Readwrite", "/n1/registry/configmaps/"],
      ["Readwrite", "/edgekeyd/"],
    );
    await auth.userAdd({ name: "roleless", password: PASSWORD });
    await auth.authEnable();
  } finally {
    admin.close();
  }

  using node = new EdgeNode(server);
  const passwordFile = `${node.root}/password`;
  Deno.writeTextFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const as = (name: string) => [
    `--etcd-username=${name}`,
    `--etcd-password-file=${passwordFile}`,
    `--state-dir=${node.root}/${name}`,
  ];
  for (let i = 0; i < 150; i++) node.write(`kubelet/configmaps.v1.core/default/c${i}`);
  node.write("kubelet/secrets.v1.core/default/s");

  const denied: [string, RegExp][] = [
    ["unfenced", /read \/edgekeyd\/n1\/fence to user "unfenced" \(.*role unfenced-role\)/],
    ["unmoved", /write \/edgekeyd\/n1\/fence to user "unmoved" \(.*role unmoved-role\)/],
    ["blind", /read \/n1\/registry\/configmaps\/default\/c0 to .* to user "blind" \(.*role blind-/],
    [
      "reader",
      /write \/n1\/registry\/configmaps\/default\/c0 to user "reader" \(.*role reader-role\)/,
    ],
    ["partly", /write \/n1\/registry\/secrets\/default\/s to user "partly" \(.*role partly-role\)/],
    ["roleless", /to user "roleless" \(.*no role\); give it a role with etcdctl user grant-role/],
  ];
  for (const [name, says] of denied) {
    await t.step(`${name} is denied, as a dry run says, and nothing is written`, async () => {
      expectExit(await node.reconcile("--include-secrets", ...as(name), "--dry-run"), 1, says);
      const run = await node.reconcile("--include-secrets", ...as(name));
      expectExit(run, 1, /denied permission to (read|write) \/.*etcdctl (role|user) grant/, says);
      strictEqual(run.report.status, "failed");
      strictEqual(run.report.created, 0);
    });
  }

  await t.step("who may do it all does it", async () => {
    const dry = await node.reconcile("--include-secrets", ...as("writer"), "--dry-run");
    expectExit(dry, 0);
    strictEqual(dry.report.created, 151);
    const run = await node.reconcile("--include-secrets", ...as("writer"));
    expectExit(run, 0);
    // Nothing of the runs above is there.
    strictEqual(run.report.created, 151);
    const again = await node.reconcile("--include-secrets", ...as("writer"));
    strictEqual(again.report.revision, run.report.revision);
    strictEqual(again.report.unchanged, 151);
    node.remove("kubelet/secrets.v1.core/default/s");
    const gone = await node.reconcile("--include-secrets", ...as("writer"));
    expectExit(gone, 0);
    strictEqual(gone.report.deleted, 1);
    expectExit(await node.run(["verify", ...as("writer")]), 0);
  });

  await t.step("nobody, and a wrong password", async () => {
    const nobody = await node.reconcile(`--state-dir=${node.root}/nobody`);
    expectExit(nobody, 1, /wants to know who asks: .*--etcd-username and --etcd-password-file/);
    Deno.writeTextFileSync(passwordFile, "wrong password\n");
    const wrong = await node.reconcile("--include-secrets", ...as("writer"));
    expectExit(wrong, 1, /refused to log in user "writer": .*--etcd-password-file/);
    strictEqual(wrong.stderr.includes("wrong password"), false);
  });
});
