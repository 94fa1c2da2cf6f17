import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { ready, startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode, EtcdView, QUICK } from "./_node.ts";

const CONDITION = "credentials-exposed";

Deno.test("a password that goes to etcd without TLS, or stands in a file that every user can read, is warned of by runs, the daemon and status", async () => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  await etcd.raw.auth.userAdd({ name: "root", password: "secret" });
  await etcd.raw.auth.userGrantRole({ user: "root", role: "root" });
  await etcd.raw.auth.authEnable();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  const file = `${node.root}/password`;
  Deno.writeTextFileSync(file, "secret", { mode: 0o600 });
  const flags = ["--etcd-username=root", `--etcd-password-file=${file}`];
  const clear = /^edgekeyd: note: http:\/\/\S+: the password goes there without TLS; /m;
  const readable = /^edgekeyd: note: \S+\/password: every user of this machine can read the /m;
  const told = async (...args: string[]) => (await node.run([...args, ...flags])).stderr;

  Deno.chmodSync(file, 0o640);
  const quiet = await told("--reconcile", ...QUICK);
  match(quiet, clear);
  doesNotMatch(quiet, readable);
  Deno.chmodSync(file, 0o644);
  match(await told("--reconcile", ...QUICK), readable);
  Deno.chmodSync(file, 0o602);
  match(await told("verify"), /every user of this machine can replace the password in it/);

  const items = [
    { about: server.endpoint, reason: "the password goes there without TLS" },
    { about: file, reason: "every user of this machine can read and replace the password in it" },
  ];
  Deno.chmodSync(file, 0o666);
  const status = await node.run(["status", "-o=json", ...flags]);
  expectExit(status, 0);
  const { conditions, state } = JSON.parse(status.stdout);
  deepStrictEqual(conditions.map(({ condition }: { condition: string }) => condition), [CONDITION]);
  deepStrictEqual([state, conditions[0].items], ["in-step", items]);
  match((await node.run(["status", ...flags])).stdout, /others can have what etcd knows/);

  await using daemon = await startDaemon(node, [...SWIFT, ...flags]);
  await ready(daemon);
  const held = async () =>
    (await daemon.status()).conditions.find(({ condition }) => condition === CONDITION)?.items;
  await until("seen", async () => (await held())?.length === 2);
  deepStrictEqual(await held(), items);
  Deno.chmodSync(file, 0o600);
  await until("mended", async () => (await held())?.length === 1);
  const { stderr } = await daemon.stop();
  strictEqual(stderr.match(/^warning: others can have what etcd knows/gm)?.length, 2, stderr);
});
