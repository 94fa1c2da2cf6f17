import { deepStrictEqual, doesNotMatch, ok } from "node:assert/strict";
import { ready, startDaemon, SWIFT } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { EdgeNode, QUICK } from "./_node.ts";

/** Turns what follows around, has no width, hides, ends a line, rings: one of each kind. */
const UNSEEN = ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\u{e0041}", "\u2028", "\x07"];
UNSEEN.push("\u3164", "\ufe0f", "\x1b[2J", "\x9b");
const RAW = /[^\P{Cc}\n]|[\p{Cf}\u2028\u2029\u3164\ufe0f]/u;

Deno.test("characters that can't be seen are written out wherever a name is printed, and are themselves again in JSON", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const names = UNSEEN.map((unseen, index) => `a${index}${unseen}b`);
  for (const name of names) {
    node.write(`kubelet/pods.v1.core/default/${name}`);
    node.write(`${name}/nodes.v1.core/edge`);
  }
  const found = (text: string) =>
    names.filter((name) => text.includes(JSON.stringify(name).slice(1, -1)));
  const commands = [["--reconcile"], ["--reconcile", "--dry-run"], ["status"], ["verify"]];
  commands.push(
    ...names.flatMap((name) => [["keys", name], ["owners", `/${name}`], [`--${name}`]]),
  );
  for (const args of commands) {
    for (const output of ["text", "json"]) {
      const quick = args[0] === "--reconcile" ? QUICK : [];
      const { stdout, stderr } = await node.run([...args, `-o=${output}`, ...quick]);
      doesNotMatch(stdout + stderr, RAW, `${args} -o ${output}`);
    }
  }
  const { invalid } = JSON.parse((await node.run(["--reconcile", "-o=json", ...QUICK])).stdout);
  const paths = invalid.map(({ path }: { path: string }) => path);
  ok(names.every((name) => paths.some((path: string) => path.endsWith(`/${name}`))), paths.join());

  for (const format of ["text", "json"]) {
    await using daemon = await startDaemon(node, [...SWIFT, `--log-format=${format}`]);
    await ready(daemon).catch(() => {});
    const { stderr } = await daemon.stop();
    doesNotMatch(stderr, RAW, format);
    if (format === "json") {
      const lines = stderr.trimEnd().split("\n").map((line) => JSON.stringify(JSON.parse(line)));
      deepStrictEqual(found(lines.join("\n")), names);
    }
  }
});
