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
  const stateOf = async () => (await machine.run("systemctl", "is-active", "edgekeyd")).output;
  /** What is left of it, in files. */
  const left = () => machine.ok("find", "/etc", "/var/lib", "/run", "-name", "*edgekeyd*");

  await step("does not go beside what scripts/install.sh has installed", async () => {
    strictEqual((await node.install(BINARY)).code, 0);
    const { code, output } = await machine.run("dpkg", "--install", PACKAGE ?? "");
    strictEqual(code, 1, output);
    match(output, /take it away first with 'scripts\/install\.sh --uninstall'/);
    deepStrictEqual(await node.modes(...PROGRAM.slice(0, 2)), []);
    // Nothing of the attempt stands in install.sh's way.
    strictEqual((await node.install(BINARY)).code, 0);
    strictEqual((await node.install("--uninstall", "--purge")).code, 0);
    await dpkg("--purge", "edgekeyd");
  });

  await step("installs it, and neither starts nor enables what has no etcd yet", async () => {
    match(await upgrade(), /edgekeyd: set EDGEKEYD_ETCD_SERVERS in \/etc\/default\/edgekeyd/);
    deepStrictEqual(await node.modes(...PATHS), [...PROGRAM, ...KEPT]);
    strictEqual(await unit.show("ActiveState"), "inactive");
    strictEqual((await machine.run("systemctl", "is-enabled", "edgekeyd")).output, "disabled\n");
    await upgrade();
    strictEqual((await machine.run("systemctl", "is-enabled", "edgekeyd")).output, "disabled\n");
    match(await node.refusal(BINARY), /is installed as a Debian package: use apt or dpkg/);
    match(await node.refusal("--uninstall"), /is installed as a Debian package: use apt or dpkg/);
  });

  await step("brings a man page, what shells complete by, the docs, and monitoring", async () => {
    const page = await machine.ok("zcat", "/usr/share/man/man8/edgekeyd.8.gz");
    match(page, /^\.TH EDGEKEYD 8 "\d{4}-\d\d-\d\d" "edgekeyd /);
    match(page, /^\.B "delete\\-component NAME"$/m);
    const completion = `. /usr/share/bash-completion/completions/edgekeyd
      COMP_WORDS=(edgekeyd ver); COMP_CWORD=1; _edgekeyd; echo "\${COMPREPLY[@]}"`;
    match(await machine.ok("bash", "-c", completion), /^verify version$/);
    for (
      const path of [
        "zsh/vendor-completions/_edgekeyd",
        "fish/vendor_completions.d/edgekeyd.fish",
        "doc/edgekeyd/README.md",
        "doc/edgekeyd/docs/service.md",
        "doc/edgekeyd/examples/alerts.yaml",
        "doc/edgekeyd/examples/dashboard.json",
      ]
    ) await machine.ok("test", "-s", `/usr/share/${path}`);
  });

  await step("scripts/install.sh does not go beside one that is unpacked only", async () => {
    await dpkg("--unpack", PACKAGE ?? "");
    const said = /is unpacked: 'dpkg --configure edgekeyd' finishes it, 'dpkg --purge edgekeyd' /;
    match(await node.refusal(BINARY), said);
    match(await node.refusal("--uninstall"), said);
    await dpkg("--configure", "edgekeyd");
  });

  await step("what is in the cache then reaches etcd", async () => {
    await node.configure();
    await writePod(machine, "first");
    await machine.ok("systemctl", "--quiet", "enable", "edgekeyd");
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
    "an upgrade to another version keeps the settings, and has new ones beside them",
    async () => {
      const revision = await view.revision();
      const pid = await unit.show("MainPID");
      const other = `set -e
      dpkg-deb --raw-extract ${PACKAGE} /srv/other
      sed -i "s/^Version: .*/Version: 9.0.0/" /srv/other/DEBIAN/control
      echo "# A new setting." >>/srv/other/etc/default/edgekeyd
      dpkg-deb -Znone --root-owner-group --build /srv/other /srv/other.deb`;
      await machine.ok("sh", "-c", other);
      await dpkg("--force-confold", "--install", "/srv/other.deb");
      match(await machine.ok("dpkg-query", "-W", "edgekeyd"), /\t9\.0\.0$/);
      notStrictEqual(await unit.show("MainPID"), pid);
      await node.inStep("first");
      strictEqual(await view.revision(), revision);
      match(await machine.ok("cat", "/etc/default/edgekeyd"), /EDGEKEYD_NODE_NAME=edge-1/);
      match(await machine.ok("cat", "/etc/default/edgekeyd.dpkg-dist"), /\n# A new setting\.$/);
      await dpkg("--force-confold,downgrade", "--install", PACKAGE ?? "");
      await node.inStep("first");
    },
  );

  await step("an upgrade does not start what the operator has stopped or masked", async () => {
    await machine.ok("systemctl", "stop", "edgekeyd");
    await upgrade();
    strictEqual(await stateOf(), "inactive\n");
    await machine.ok("systemctl", "--quiet", "mask", "edgekeyd");
    await upgrade();
    strictEqual(await stateOf(), "inactive\n");
    await machine.ok("systemctl", "--quiet", "unmask", "edgekeyd");
    strictEqual((await unit.ctl("start")).code, 0);
    await node.inStep("first");
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
    match(await dpkg("--remove", "edgekeyd"), /what this node wrote stays in etcd, and .* here$/m);
    deepStrictEqual(await node.modes(...PATHS), KEPT);
    strictEqual(await unit.show("ActiveState"), "inactive");
    strictEqual((await view.keys("/registry/")).size, 1);
  });

  await step("scripts/install.sh does not go beside what was removed, but not purged", async () => {
    match(await node.refusal(BINARY), /was removed, but .* then 'dpkg --purge edgekeyd' first\n$/);
    match(await node.refusal("--uninstall", "--purge"), /was removed, but /);
    deepStrictEqual(await node.modes(...PATHS), KEPT);
  });

  await step("installed again, it starts and knows what it knew", async () => {
    const revision = await view.revision();
    await upgrade();
    await node.inStep("first");
    strictEqual(await machine.ok(...OWNER), "kubelet pods.v1.core");
    strictEqual(await view.revision(), revision);
  });

  await step("purged without a retire, it keeps the state, and says so", async () => {
    const revision = await view.revision();
    match(await dpkg("--purge", "edgekeyd"), /^edgekeyd: kept \/var\/lib\/edgekeyd, which alone /m);
    deepStrictEqual(await node.modes(...PATHS), KEPT.slice(1));
    await node.configure();
    await dpkg("--force-confold", "--install", PACKAGE ?? "");
    await node.inStep("first");
    strictEqual(await view.revision(), revision);
  });

  await step("retired it stays out; back by --rejoin, its state is kept again", async () => {
    match(await machine.ok("edgekeyd", "retire"), /^1 deleted, 0 released; 1 Txn/);
    await dpkg("--remove", "edgekeyd");
    await upgrade();
    match(await machine.ok("systemctl", "status", "edgekeyd"), /Retired: nothing is written/);
    await machine.ok("systemctl", "stop", "edgekeyd");
    await machine.ok("edgekeyd", "--reconcile", "--rejoin");
    await machine.ok("systemctl", "start", "edgekeyd");
    await node.inStep("first");
    await machine.ok("systemctl", "stop", "edgekeyd");
    await dpkg("--remove", "edgekeyd");
    match(await dpkg("--purge", "edgekeyd"), /^edgekeyd: kept \/var\/lib\/edgekeyd, which alone /m);
    await node.configure();
    await dpkg("--force-confold", "--install", PACKAGE ?? "");
    await node.inStep("first");
  });

  await step("retired and purged, nothing of it is left in etcd, or here", async () => {
    match(await machine.ok("edgekeyd", "retire"), /^1 deleted, 0 released; 1 Txn/);
    const said = await dpkg("--purge", "edgekeyd");
    match(said, /^((?!edgekeyd: )[^])*$/);
    deepStrictEqual([...(await view.keys("/")).keys()], []);
    deepStrictEqual(await node.modes(...PATHS), []);
    strictEqual(await unit.show("LoadState"), "not-found");
    strictEqual(await left(), "");
  });

  await step("a state that is mounted is emptied, and the purge comes to its end", async () => {
    await node.configure();
    await machine.ok(
      "sh",
      "-c",
      "mkdir /var/lib/edgekeyd && mount -t tmpfs none /var/lib/edgekeyd",
    );
    await dpkg("--force-confold", "--install", PACKAGE ?? "");
    await node.inStep("first");
    match(await machine.ok("edgekeyd", "retire"), /^1 deleted, /);
    match(await dpkg("--purge", "edgekeyd"), /^edgekeyd: \/var\/lib\/edgekeyd can't be removed/m);
    strictEqual(await machine.ok("ls", "-A", "/var/lib/edgekeyd"), "");
    await machine.ok("umount", "/var/lib/edgekeyd");
    await machine.ok("rmdir", "/var/lib/edgekeyd");
  });

  await step("a state that the settings moved is left where it is", async () => {
    const dropIn = "/etc/systemd/system/edgekeyd.service.d/state.conf";
    await machine.write(dropIn, "[Service]\nStateDirectory=edgekeyd elsewhere\n");
    await node.configure("EDGEKEYD_STATE_DIR=/var/lib/elsewhere");
    await dpkg("--force-confold", "--install", PACKAGE ?? "");
    await node.inStep("first");
    const said = await dpkg("--purge", "edgekeyd");
    match(said, /^edgekeyd: \/var\/lib\/elsewhere stays, also after a purge, /m);
    match(said, /^edgekeyd: kept .*\/edgekeyd\.service\.d, which is yours$/m);
    match(await machine.ok("ls", "-A", "/var/lib/elsewhere"), /./);
    deepStrictEqual(await node.modes(...PATHS), []);
    await machine.ok("rm", "-r", "/var/lib/elsewhere", "/etc/systemd/system/edgekeyd.service.d");
    await node.emptyEtcd();
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

  await step("scripts/install.sh takes over from it, once it is purged", async () => {
    const revision = await view.revision();
    await machine.ok("cp", "-p", "/etc/default/edgekeyd", "/srv/settings");
    match(await dpkg("--purge", "edgekeyd"), /^edgekeyd: kept \/var\/lib\/edgekeyd, /m);
    await machine.ok("mv", "/srv/settings", "/etc/default/edgekeyd");
    const { code, output } = await node.install(BINARY);
    strictEqual(code, 0, output);
    await node.inStep("first");
    strictEqual(await machine.ok(...OWNER), "kubelet pods.v1.core");
    strictEqual(await view.revision(), revision);
  });

  await step(
    "a purge leaves what an older scripts/install.sh put beside a removed one",
    async () => {
      strictEqual((await node.install("--uninstall")).code, 0);
      await dpkg("--force-confold", "--install", PACKAGE ?? "");
      await dpkg("--remove", "edgekeyd");
      // One that did not look for the rest of a package.
      const old = `mount --bind /dev/null /usr/bin/dpkg-query && /opt/edgekeyd/scripts/install.sh`;
      await machine.ok("unshare", "--mount", "sh", "-c", `${old} ${BINARY}`);
      await node.inStep("first");
      const pid = await unit.show("MainPID");
      match(
        await dpkg("--purge", "edgekeyd"),
        /scripts\/install\.sh has installed one: its state /,
      );
      deepStrictEqual(await node.modes("/var/lib/edgekeyd"), KEPT.slice(1));
      strictEqual(await machine.ok("systemctl", "is-enabled", "edgekeyd"), "enabled");
      strictEqual(await unit.show("MainPID"), pid);
    },
  );
});
