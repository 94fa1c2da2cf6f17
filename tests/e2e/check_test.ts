import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import { startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

/** What `edgekeyd check` found, by what it looked at. */
async function check(node: EdgeNode, code: 0 | 1, ...flags: string[]) {
  const text = await node.run(["check", ...flags]);
  expectExit(text, code);
  const result = await node.run(["check", "-o", "json", ...flags]);
  expectExit(result, code);
  const { checks }: { checks: { check: string; ok: boolean; says: string }[] } = JSON.parse(
    result.stdout,
  );
  for (const { check, ok, says } of checks) {
    // Revisions and counts may have moved on in between.
    const [start = ""] = says.split(/\d/, 1);
    const line = text.stdout.split("\n").find((one) =>
      one.startsWith(`${ok ? "✓" : "✗"} ${check} `)
    );
    strictEqual(line?.includes(start), true, text.stdout);
  }
  return { checks, wrong: checks.filter(({ ok }) => !ok), text };
}

Deno.test("check: a new node on which all fits together; nothing is made", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  // yurthub's own directory is no component.
  Deno.mkdirSync(`${node.cacheDir}/_internal/restmapper`, { recursive: true });
  const { checks, wrong } = await check(node, 0);
  deepStrictEqual(wrong, []);
  deepStrictEqual(checks.map(({ check }) => check), [
    "settings",
    "cache",
    "state",
    "etcd",
    "run",
    "unit",
  ]);
  match(checks[1]?.says ?? "", /components kubelet$/);
  match(checks[4]?.says ?? "", /create 1, update 0 and delete 0 keys$/);
  strictEqual(existsSync(node.stateDir), false);
});

Deno.test("check: what does not fit is named, each once, with what to do", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const missing = await check(node, 1, `--cache-dir=${node.root}/none`);
  deepStrictEqual(missing.wrong.map(({ check }) => check), ["cache"]);
  match(missing.wrong[0]?.says ?? "", /is missing: check --cache-dir/);
  match(missing.text.stderr, /^edgekeyd: not in order: cache\n$/);

  const away = await check(node, 1, "--etcd-servers=http://127.0.0.1:1");
  deepStrictEqual(away.wrong.map(({ check }) => check), ["etcd"]);
  match(away.wrong[0]?.says ?? "", /can't reach etcd at http:\/\/127\.0\.0\.1:1/);

  // The state directory of somebody that others may write to.
  Deno.mkdirSync(node.stateDir);
  Deno.chmodSync(node.stateDir, 0o777);
  const open = await check(node, 1);
  deepStrictEqual(open.wrong.map(({ check }) => check), ["state"]);
  match(open.wrong[0]?.says ?? "", /can be written to by others/);
});

Deno.test("check: with a daemon, it says what status says", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  await using daemon = await startDaemon(node, SWIFT);
  await until("in step", async () => (await daemon.status()).state === "in-step");
  const { checks } = await check(node, 0);
  match(checks.find(({ check }) => check === "node")?.says ?? "", /^in-step/);
  Deno.writeTextFileSync(`${node.cacheDir}/kubelet/pods.v1.core/default/b`, "no object");
  await until("partial", async () => (await daemon.status()).state === "partial");
  const { wrong } = await check(node, 1);
  deepStrictEqual(wrong.map(({ check }) => check), ["node"]);
  match(wrong[0]?.says ?? "", /^1 .* \(kubelet\/pods\.v1\.core\/default\/b: .*; .*\)$/);
});

Deno.test("check: a daemon that is gone is told once, with what to do", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  node.write("kubelet/pods.v1.core/default/a");
  expectExit(await node.reconcile(), 0);
  Deno.writeTextFileSync(`${node.stateDir}/daemon`, "2026-11-30T13:53:12.000Z\n");
  const { wrong } = await check(node, 1);
  deepStrictEqual(wrong.map(({ check }) => check), ["node"]);
  match(
    wrong[0]?.says ?? "",
    /^the daemon that ran here since 2026-\S+ is gone \(nothing was copied since; .*\)$/,
  );
});
