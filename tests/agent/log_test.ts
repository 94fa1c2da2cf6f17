import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EdgeNode } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon, SWIFT, until } from "./_daemon.ts";

Deno.test("the log begins with what runs where, and ends with why it stopped", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const where = {
    node: "n1",
    cacheDir: node.cacheDir,
    stateDir: node.stateDir,
    etcd: server.endpoint,
    listen: `unix:${node.root}/api.sock`,
  };
  {
    await using daemon = await startDaemon(node, [...SWIFT, "--log-format=json"]);
    await ready(daemon);
    const { code, stderr } = await daemon.stop();
    strictEqual(code, 0, stderr);
    const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    const { time: _, version, ...started } = lines[0];
    deepStrictEqual(started, { level: "info", message: "started", ...where });
    match(version, /^\d+\.\d+\.\d+$/);
    const { time: __, ...stopped } = lines.at(-1);
    deepStrictEqual(stopped, { level: "info", message: "stopped", signal: "SIGTERM" });
  }
  await using daemon = await startDaemon(node);
  await ready(daemon);
  daemon.kill("SIGINT");
  await until("ended", () => daemon.ask("GET", "/healthz").then(() => false, () => true));
  const { stderr } = await daemon.stop();
  match(
    stderr,
    /^info: started version=\S+ node=n1 cacheDir=\S+ stateDir=\S+ etcd=\S+ listen=\S+\n/,
  );
  match(stderr, /^info: stopped signal=SIGINT\n$/m);
});
