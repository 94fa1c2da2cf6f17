import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { ready, startDaemon, SWIFT, until } from "../agent/_daemon.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { byHand } from "./_by_hand.ts";
import { expectExit } from "./_contract.ts";
import { typed } from "./_cures.ts";
import { EdgeNode } from "./_node.ts";

const COMPONENTS = ["gone", "bare", "rest"];

/** What is left of each in the fs cache, as it is said in one line with its deletes. */
function saysOf(node: EdgeNode): RegExp[] {
  const directory = (component: string) => `its directory ${node.cacheDir}/${component}`;
  return [
    new RegExp(`12 deletes of gone are held back \\(${directory("gone")} is gone\\)`),
    new RegExp(`12 deletes of bare .* \\(${directory("bare")} is there and has no file in it\\)`),
    new RegExp(`12 deletes of rest .* \\(${directory("rest")} is there and has other files\\)`),
  ];
}

function lose(node: EdgeNode): void {
  node.remove("gone");
  node.remove("bare");
  Deno.mkdirSync(`${node.cacheDir}/bare/pods.v1.core/default`, { recursive: true });
  node.remove("rest/pods.v1.core");
}

Deno.test("deletes that are held back: one line says of each component whether its directory is gone, empty, or lacks the files; the keys are listed, and what is printed heals it", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  for (const component of COMPONENTS) {
    for (let n = 0; n < 12; n++) {
      node.write(`${component}/pods.v1.core/default/${component}-${n}`);
    }
  }
  node.write("rest/configmaps.v1.core/default/kept");
  expectExit(await node.reconcile(), 0);
  lose(node);
  const held = COMPONENTS.toSorted().map((component) => ({ component, deletes: 12 }));

  const dry = await node.run(["--reconcile", "--dry-run", "--settle-time=0"]);
  expectExit(
    dry,
    3,
    /bare is there and has no file.*\/gone is gone.*\/rest is there and has other/,
  );
  const listed = [...dry.stdout.matchAll(/^held back {2}(\/\S+)$/gm)].map(([, key]) => key);
  const keys = COMPONENTS.flatMap((component) =>
    Array.from({ length: 12 }, (_, n) => `${node.prefix}/pods/default/${component}-${n}`)
  );
  deepStrictEqual(listed, keys.sort());
  const { report } = await node.reconcile("--dry-run");
  deepStrictEqual(report.heldBack.toSorted((a, b) => (a.component < b.component ? -1 : 1)), held);

  await using daemon = await startDaemon(node);
  await until("held back", async () => (await daemon.status()).heldBack.length === 3);
  const besides = await byHand(node, "--reconcile", "--dry-run");
  strictEqual([...besides.stdout.matchAll(/^held back {2}\/\S+$/gm)].length, 36, besides.stdout);
  const page = await byHand(node, "status");
  for (const says of saysOf(node)) match(page.stdout, says);
  const { stderr } = await daemon.stop();
  const told = stderr.split("\n").filter((line) => line.startsWith("warning: deletes held back"));
  deepStrictEqual(told.length, 3, stderr);
  for (const [index, says] of ["is gone", "has no file in it", "has other files"].entries()) {
    const component = COMPONENTS[index] ?? "";
    ok(
      told.some((line) => line.includes(`component=${component} `) && line.includes(says)),
      stderr,
    );
  }

  // At rest it is looked at as well, each time.
  const rest = await byHand(node, "status");
  for (const says of saysOf(node)) match(rest.stdout, says);
  expectExit(await typed(rest.stdout, "delete-component"), 0);
  strictEqual(/deletes of gone/.test((await byHand(node, "status")).stdout), false);
  node.write("bare/pods.v1.core/default/bare-0");
  match((await byHand(node, "status")).stdout, /cache\/bare is there and has other files/);
  expectExit(await typed(rest.stdout, "--confirm-deletes"), 0);
  await using again = await startDaemon(node, SWIFT);
  await ready(again);
  strictEqual((await byHand(node, "status")).code, 0);
  await again.stop();
});
