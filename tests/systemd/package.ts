/**
 * The Debian package on a Debian with a real systemd. As root:
 *
 *     EDGEKEYD_TEST_ROOTFS=… EDGEKEYD_TEST_BINARIES=… deno test -A tests/systemd/package.ts
 *
 * @module
 */
import { deepStrictEqual, match, notStrictEqual, strictEqual } from "node:assert/strict";
import { BINARY, CAN_RUN, InstalledNode, PACKAGE } from "./_installed.ts";
import { stepsOf, writePod } from "./_node.ts";

const PROGRAM = [
  "/usr/bin/edgekeyd root:root 755",
  "/usr/lib/systemd/system/edgekeyd.service root:root 644",
  "/usr/lib/sysusers.d/edgekeyd.conf root:root 644",
];
const KEPT = ["/etc/default/edgekeyd root:root 600", "/var/lib/edgekeyd edgekeyd:edgekeyd 700"];
const PATHS = [...PROGRAM, ...KEPT].map((line) => line.split(" ", 1)[0] ?? "");
const OWNER = ["edgekeyd", "owners", "/registry/pods/shop/first"];

Deno.test({
  name: "the Debian package under a real systemd",
  ignore: !CAN_RUN || PACKAGE === undefined,
}, async (t) => {
  await using node = await InstalledNode.boot();
  const { machine, unit, view } = node;
  const step = stepsOf(t, unit);
  const dpkg = (...args: string[]) =>
    machine.ok("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", ...args);
  const upgrade = () => dpkg("--install", PACKAGE ?? "");

  await step("does not go beside what scripts/install.sh has installed", async () => {
    strictEqual((await node.install(BINARY)).code, 0);
    const { code, output } = await machine.run("dpkg", "--install", PACKAGE ?? "");
    strictEqual(code, 1, output);
    match(output, /take it away first with 'scripts\/install\.sh --uninstall'/);
    deepStrictEqual(await node.modes(...PROGRAM.slice(0, 2)), []);
    strictEqual((await node.install("--uninstall", "--purge")).code, 0);
    await dpkg("--purge", "edgekeyd");
  });

  await step("installs and enables it, and starts nothing that has no etcd yet", async () => {
    match(await upgrade(), /edgekeyd: set EDGEKEYD_ETCD_SERVERS in \/etc\/default\/edgekeyd/);
    deepStrictEqual(await node.modes(...PATHS), [...PROGRAM, ...KEPT]);
    strictEqual(await unit.show("ActiveState"), "inactive");
    strictEqual((await machine.ok("systemctl", "is-enabled", "edgekeyd")).trim(), "enabled");
    match(await node.refusal(BINARY), /is installed as a Debian package: use apt or dpkg/);
    match(await node.refusal("--uninstall"), /is installed as a Debian package: use apt or dpkg/);
  });

  await step("what is in the cache then reaches etcd", async () => {
    await node.configure();
    await writePod(machine, "first");
    strictEqual((await unit.ctl("start")).code, 0);
    await node.inStep("first");
  });

  await step("an upgrade restarts it and keeps state and settings", async () => {
    const revision = await view.revision();
    const pid = await unit.show("MainPID");
    await upgrade();
    notStrictEqual(await unit.show("MainPID"), pid);
    await node.inStep("first");
    strictEqual(await machine.ok(...OWNER), "kubelet pods.v1.core");
    strictEqual(await view.revision(), revision);
  });

  await step(
    "an upgrade is done, and says so, if the service does not start after it",
    async () => {
      await node.configure("EDGEKEYD_DEBOUNCE=soon");
      match(await upgrade(), /edgekeyd: the service does not start: see journalctl -u edgekeyd/);
      await node.configure();
      strictEqual((await unit.ctl("start")).code, 0);
      await node.inStep("first");
    },
  );

  await step("removed, it leaves state, settings and etcd as they are, and says so", async () => {
    match(await dpkg("--remove", "edgekeyd"), /what this node wrote stays in etcd, unless you ran/);
    deepStrictEqual(await node.modes(...PATHS), KEPT);
    strictEqual(await unit.show("ActiveState"), "inactive");
    strictEqual((await view.keys("/registry/")).size, 1);
  });

  await step("installed again, it starts and knows what it knew", async () => {
    const revision = await view.revision();
    await upgrade();
    await node.inStep("first");
    strictEqual(await machine.ok(...OWNER), "kubelet pods.v1.core");
    strictEqual(await view.revision(), revision);
  });

  await step("retired and purged, nothing of it is left in etcd, or here", async () => {
    match(await machine.ok("edgekeyd", "retire"), /^1 deleted, 0 released; 1 Txn/);
    await dpkg("--purge", "edgekeyd");
    deepStrictEqual([...(await view.keys("/")).keys()], []);
    deepStrictEqual(await node.modes(...PATHS), []);
    strictEqual(await unit.show("LoadState"), "not-found");
    const left = await machine.ok("find", "/etc", "/var/lib", "-name", "*edgekeyd*");
    strictEqual(left, "");
  });

  await step("takes over from scripts/install.sh what that has left", async () => {
    await node.configure();
    strictEqual((await node.install(BINARY)).code, 0);
    await node.inStep("first");
    const revision = await view.revision();
    strictEqual((await node.install("--uninstall")).code, 0);
    await dpkg("--force-confold", "--install", PACKAGE ?? "");
    await node.inStep("first");
    strictEqual(await view.revision(), revision);
    match(await machine.ok("cat", "/etc/default/edgekeyd"), /EDGEKEYD_NODE_NAME=edge-1/);
  });
});
