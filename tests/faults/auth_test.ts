import { ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { expectExit, shown } from "../e2e/_contract.ts";
import { EdgeNode, QUICK } from "../e2e/_node.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";

const PASSWORD = "of the node";
const DEADLINE_MS = 30_000;
/** How long a token lasts after its last use: longer than a busy machine pauses. */
const TOKEN_S = 4;

/** Turns authentication on; user `node` may do all that an agent does, and no more. */
async function enableAuth(server: EtcdServer, prefix: string): Promise<void> {
  const admin = rawEtcd(server.endpoint);
  try {
    const { auth } = admin;
    await auth.userAdd({ name: "root", password: "root" });
    await auth.userGrantRole({ user: "root", role: "root" });
    await auth.userAdd({ name: "node", password: PASSWORD });
    await auth.roleAdd({ name: "agent" });
    await auth.userGrantRole({ user: "node", role: "agent" });
    for (const path of [`${prefix}/`, "/edgekeyd/"]) {
      const range = { key: Buffer.from(path), range_end: Buffer.from(`${path.slice(0, -1)}0`) };
      await auth.roleGrantPermission({ name: "agent", perm: { permType: "Readwrite", ...range } });
    }
    await auth.authEnable();
  } finally {
    admin.close();
  }
}

/** Changes users over etcd's JSON gateway: etcd3's own login would leave a channel open. */
async function asRoot(
  { endpoint }: EtcdServer,
  what: "user/grant" | "user/revoke",
  change: Readonly<Record<string, string>>,
): Promise<void> {
  const post = async (path: string, body: unknown, headers = {}) => {
    const answer = await fetch(`${endpoint}/v3/auth/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    strictEqual(answer.status, 200, text);
    return text;
  };
  const { token } = JSON.parse(await post("authenticate", { name: "root", password: "root" }));
  await post(what, change, { Authorization: token });
}

/** A counter of etcd's since it started; it needs no login. */
async function counted(server: EtcdServer, line: RegExp): Promise<number> {
  const metrics = await (await fetch(`${server.endpoint}/metrics`)).text();
  return Number(line.exec(metrics)?.[1] ?? 0);
}

const logins = (server: EtcdServer) =>
  counted(server, /^grpc_server_started_total{grpc_method="Authenticate".*} (\d+)$/m);
const puts = (server: EtcdServer) => counted(server, /^etcd_(?:debugging_)?mvcc_put_total (\d+)$/m);

Deno.test("tokens that expire, and an etcd that restarts, cost a daemon one login each", async () => {
  await using server = await startEtcd({
    args: ["--auth-token=simple", `--auth-token-ttl=${TOKEN_S}`],
  });
  using node = new EdgeNode(server, "tokens");
  await enableAuth(server, node.prefix);
  const passwordFile = `${node.root}/password`;
  Deno.writeTextFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  const user = ["--etcd-username=node", `--etcd-password-file=${passwordFile}`];
  const path = "kubelet/configmaps.v1.core/default/c";
  node.write(path, { rv: 1 });
  const flags = ["--debounce=50ms", "--resync-interval=1h", `--listen=unix:${node.root}/api.sock`];
  await using agent = node.start(["run", ...flags, ...user]);
  let ended: string | undefined;
  agent.result.then((result) => ended = shown(result), (error) => ended = String(error));

  const arrives = async (rv: number) => {
    const before = await puts(server);
    node.write(path, { rv });
    await untilPuts(before);
  };
  const untilPuts = async (more: number) => {
    const deadline = Date.now() + DEADLINE_MS;
    while (await puts(server) <= more) {
      ok(ended === undefined && Date.now() < deadline, ended ?? "nothing was put");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  // The object and the fence.
  await untilPuts(1);
  strictEqual(await logins(server), 1);
  for (const expired of [1, 2]) {
    // A token that is used lives on, and the daemon reads its fence every few seconds. etcd looks
    // for expired tokens once a second.
    agent.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, (TOKEN_S + 2) * 1_000));
    agent.kill("SIGCONT");
    await arrives(1 + expired);
    strictEqual(await logins(server), 1 + expired);
  }
  await server.kill();
  await server.start();
  node.write(path, { rv: 4 });
  await untilPuts(0);
  ok(await logins(server) <= 1, "one new login after a restart");
  agent.kill("SIGTERM");
  const stopped = await agent.result;
  strictEqual(stopped.code, 0, shown(stopped));
  expectExit(await node.run(["verify", ...user]), 0);
});

Deno.test("a role that is revoked under a pending Txn, and granted again", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server, "revoked");
  await enableAuth(server, node.prefix);
  const passwordFile = `${node.root}/password`;
  Deno.writeTextFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  const run = ["--reconcile", "-o", "json", ...QUICK, "--etcd-username=node"];
  run.push(`--etcd-password-file=${passwordFile}`);
  for (let i = 0; i < 20; i++) node.write(`kubelet/configmaps.v1.core/default/c${i}`);
  const main = new URL("agent_with_kill_points.ts", import.meta.url).pathname;
  await node.run(run, { main, env: { KILL_POINT: "txn-after:1" } });
  await asRoot(server, "user/revoke", { name: "node", role: "agent" });
  node.remove("kubelet/configmaps.v1.core/default/c0");
  expectExit(await node.run(run), 1, /denied permission/);
  await asRoot(server, "user/grant", { user: "node", role: "agent" });
  const healed = await node.run(run);
  expectExit(healed, 0);
  const { recovered, created, deleted } = JSON.parse(healed.stdout);
  strictEqual(`${recovered} ${created} ${deleted}`, "1 0 1");
});
