/**
 * `scripts/install.sh` on a machine with a real systemd, and the program as one file. As root:
 *
 *     EDGEKEYD_TEST_ROOTFS=… EDGEKEYD_TEST_BINARIES=… deno test -A tests/systemd/install.ts
 *
 * @module
 */
import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { BINARY, CAN_RUN, InstalledNode, OTHER, OTHER_VERSION } from "./_installed.ts";
import { stepsOf, writePod } from "./_node.ts";

const SHARED = [
  "/usr/local/bin/edgekeyd root:root 755",
  "/etc/systemd/system/edgekeyd.service root:root 644",
  "/usr/lib/sysusers.d/edgekeyd.conf root:root 644",
];
const KEPT = ["/etc/default/edgekeyd root:root 600", "/var/lib/edgekeyd edgekeyd:edgekeyd 700"];
const PATHS = [...SHARED, ...KEPT].map((line) => line.split(" ", 1)[0] ?? "");
const TAKEN_OVER = "/registry/pods/shop/after-kill";
const OWNER = ["edgekeyd", "owners", "/registry/pods/shop/first"];
const UNIT = "/etc/systemd/system/edgekeyd.service";
/** A systemctl that kills who calls it before it does what $KILL_AT names. */
const KILLING = `#!/bin/sh
case "$*" in *"$KILL_AT"*) kill -9 $PPID ;; *) exec /usr/bin/systemctl "$@" ;; esac
`;

Deno.test({
  name: "scripts/install.sh under a real systemd",
  ignore: !CAN_RUN,
}, async (t) => {
  await using node = await InstalledNode.boot();
  const { machine, unit, etcd, view } = node;
  const step = stepsOf(t, unit);
  /** An answer on a terminal. */
  const purgeAsked = (answer: string) =>
    machine.run(
      "sh",
      "-c",
      `echo ${answer} | script -qec "/opt/edgekeyd/scripts/install.sh --uninstall --purge" /dev/null`,
    );

  /** `scripts/install.sh`, killed before its systemctl does that. */
  const killedAt = async (what: string, ...args: string[]) => {
    await machine.write("/opt/killing/systemctl", KILLING);
    await machine.ok("chmod", "755", "/opt/killing/systemctl");
    const path = "PATH=/opt/killing:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const command = ["/opt/edgekeyd/scripts/install.sh", ...args];
    const { code } = await machine.run("env", path, `KILL_AT=${what}`, ...command);
    strictEqual(code, 137);
    await machine.ok("sh", "-c", "rm -r /run/edgekeyd-install.*");
  };

  await step("refuses what can't work, and changes nothing", async () => {
    strictEqual((await node.install("--purge")).code, 2);
    strictEqual((await node.install("--uninstall", "--retire")).code, 2);
    strictEqual((await node.install(BINARY, OTHER)).code, 2);
    match(
      await node.refusal(),
      /no program at .*\/dist\/edgekeyd-x86_64-unknown-linux-gnu: name one/,
    );
    strictEqual((await node.install("--uninstall", "--without-sums")).code, 2);
    match(await node.refusal("/bin/true"), /there is no \/bin\/SHA256SUMS .* give --without-sums /);
    match(await node.refusal("--without-sums", "/bin/true"), /\/bin\/true is not edgekeyd/);
    const foreign = BINARY.replace("x86_64", "aarch64");
    match(await node.refusal(foreign), /aarch64.* does not run on this machine: Exec format error/);
    await machine.write("/opt/dist/edgekeyd", "echo edgekeyd");
    match(
      await node.refusal("--without-sums", "/opt/dist/edgekeyd"),
      /\/opt\/dist\/edgekeyd is no program/,
    );
    await machine.write("/opt/dist/SHA256SUMS", `${"0".repeat(64)}  edgekeyd\n`);
    for (const args of [["/opt/dist/edgekeyd"], ["--without-sums", "/opt/dist/edgekeyd"]]) {
      match(await node.refusal(...args), /is not what \/opt\/dist\/SHA256SUMS says/);
    }
    await machine.write("/opt/dist/SHA256SUMS", `${"0".repeat(64)}  another\n`);
    match(await node.refusal("/opt/dist/edgekeyd"), /SHA256SUMS does not name edgekeyd/);
    const spaced = 'cd /opt/dist && cp edgekeyd "edgekeyd x" && sha256sum "edgekeyd x" >SHA256SUMS';
    await machine.ok("sh", "-c", spaced);
    match(await node.refusal("/opt/dist/edgekeyd x"), /\/opt\/dist\/edgekeyd x is no program/);
    const user = await machine.run(
      "setpriv",
      "--reuid=65534",
      "/opt/edgekeyd/scripts/install.sh",
      BINARY,
    );
    deepStrictEqual(user, { code: 1, output: "install.sh: only root can do this\n" });
    const hiding = async (hide: string) => {
      const script = `mount ${hide} && /opt/edgekeyd/scripts/install.sh ${BINARY}`;
      return (await machine.run("unshare", "--mount", "sh", "-c", script)).output;
    };
    match(
      await hiding("-t tmpfs none /run/systemd"),
      /^install\.sh: no systemd runs this machine, /,
    );
    match(
      await hiding("--bind /dev/null /usr/bin/systemd-sysusers"),
      /: no systemd-sysusers here /,
    );
    await machine.write("/opt/old/systemctl", "#!/bin/sh\necho 'systemd 251 (251.4-1)'\n");
    await machine.ok("chmod", "755", "/opt/old/systemctl");
    match(
      await hiding("--bind /opt/old/systemctl /usr/bin/systemctl"),
      /^install\.sh: this machine has systemd 251, .* needs 252 or newer\n$/,
    );
    await machine.ok("systemctl", "--quiet", "mask", "edgekeyd");
    match(await node.refusal(BINARY), /edgekeyd\.service is masked .*'systemctl unmask edgekeyd'/);
    strictEqual(await machine.ok("readlink", UNIT), "/dev/null");
    await machine.ok("systemctl", "--quiet", "unmask", "edgekeyd");
    deepStrictEqual(await node.modes(...PATHS), []);
    match(await machine.ok("ls", "-A", "/usr/local/bin"), /^$/);
    const nothing = await node.install("--uninstall");
    deepStrictEqual(nothing, { code: 0, output: "edgekeyd is not installed\n" });
  });

  await step("says what can't be done on the way", async () => {
    const hide = "mount --bind /bin/false /usr/bin/systemd-sysusers";
    const script = `${hide} && /opt/edgekeyd/scripts/install.sh ${BINARY}`;
    const { code, output } = await machine.run("unshare", "--mount", "sh", "-c", script);
    strictEqual(code, 1, output);
    match(output, /^install\.sh: systemd-sysusers can't make the user edgekeyd\n$/);
  });

  await node.configure();
  for (const what of ["daemon-reload", "enable", "reset-failed"]) {
    await step(`a run that is killed before ${what} is ended by the next: enabled`, async () => {
      const uninstalls = what === "reset-failed";
      strictEqual((await node.install(uninstalls ? BINARY : "--uninstall")).code, 0);
      await killedAt(what, uninstalls ? "--uninstall" : BINARY);
      strictEqual((await machine.run("systemctl", "is-enabled", "edgekeyd")).output, "disabled\n");
      match((await node.install(BINARY)).output, /\nedgekeyd\.service: enabled, active /);
      match(await machine.ok("ls", "-A", "/etc/systemd/system"), /^((?!unfinished)[^])*$/);
    });
  }

  await step("what the operator has disabled stays so", async () => {
    await machine.ok("systemctl", "--quiet", "disable", "--now", "edgekeyd");
    match(
      (await node.install(BINARY)).output,
      /\nedgekeyd\.service: disabled, inactive; systemctl enable --now edgekeyd\n$/,
    );
    strictEqual((await node.install("--uninstall", "--purge", "--no-retire")).code, 0);
    await node.emptyEtcd();
  });

  await step("installs it, and neither starts nor enables what has no etcd yet", async () => {
    const { code, output } = await node.install(BINARY);
    strictEqual(code, 0, output);
    match(output, /: disabled, inactive; set EDGEKEYD_ETCD_SERVERS in \/etc\/default\/edgekeyd/);
    match(output, /then: systemctl enable --now edgekeyd$/m);
    deepStrictEqual(await node.modes(...PATHS), [...SHARED, ...KEPT]);
    deepStrictEqual(await unit.show("ActiveState"), "inactive");
    // Whoever starts it all the same is told, and nothing is written anywhere.
    strictEqual((await unit.ctl("start")).code, 1);
    match(
      await machine.ok("journalctl", "--unit=edgekeyd", "--output=cat"),
      /nobody named an etcd.*\/etc\/default\/edgekeyd/,
    );
  });

  await step("what is in the cache then reaches etcd", async () => {
    await node.configure();
    await writePod(machine, "first");
    await machine.ok("systemctl", "--quiet", "enable", "edgekeyd");
    strictEqual((await unit.ctl("start")).code, 0);
    await node.inStep("first");
  });

  await step("a second run changes nothing and restarts nothing", async () => {
    const traces = async () => [
      await unit.show("MainPID"),
      await machine.ok("stat", "-c", "%n %i %y", ...PATHS.slice(0, 4)),
    ];
    const before = await traces();
    const { code, output } = await node.install(BINARY);
    strictEqual(code, 0, output);
    match(output, /: nothing to change\nedgekeyd\.service: enabled, active \(In step: 1 key\)\n$/);
    deepStrictEqual(await traces(), before);
  });

  await step("is started again after a kill -9", async () => {
    await machine.ok("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "edgekeyd");
    await unit.until("NRestarts", /^1$/, 30_000);
    await writePod(machine, "after-kill");
    await node.inStep("first", "after-kill");
  });

  await step("an upgrade in place keeps the state: nothing is written again", async () => {
    const revision = await view.revision();
    const pid = await unit.show("MainPID");
    const { code, output } = await node.install(OTHER);
    strictEqual(code, 0, output);
    match(output, /\(commit f+, .*\): \/usr\/local\/bin\/edgekeyd\n/);
    match(await machine.ok("edgekeyd", "--version"), OTHER_VERSION);
    notStrictEqual(await unit.show("MainPID"), pid);
    await node.inStep("first", "after-kill");
    strictEqual(await machine.ok(...OWNER), "kubelet pods.v1.core");
    strictEqual(await view.revision(), revision);
    match(await machine.ok("cat", "/etc/default/edgekeyd"), /EDGEKEYD_NODE_NAME=edge-1/);
  });

  await step("what does not run here takes nobody's place", async () => {
    const pid = await unit.show("MainPID");
    match(await node.refusal("--without-sums", "/bin/true"), /is not edgekeyd/);
    match(await machine.ok("edgekeyd", "--version"), OTHER_VERSION);
    strictEqual(await unit.show("MainPID"), pid);
    deepStrictEqual(await machine.ok("ls", "-A", "/usr/local/bin"), "edgekeyd");
  });

  await step("ends what a run left half done: restarts into what is installed", async () => {
    await machine.ok("sh", "-c", "cd /usr/local/bin && cp -p edgekeyd .new && mv .new edgekeyd");
    const pid = await unit.show("MainPID");
    match((await node.install(OTHER)).output, /: nothing to change\n/);
    notStrictEqual(await unit.show("MainPID"), pid);
  });

  await step("ends what a run left half done: a unit that systemd has not read yet", async () => {
    await machine.ok(
      "sh",
      "-c",
      `cp -p ${UNIT} /opt/unit && sed -i s/TasksMax=64/TasksMax=65/ ${UNIT}`,
    );
    await machine.ok("systemctl", "daemon-reload");
    strictEqual((await unit.ctl("restart")).code, 0);
    await machine.ok("sh", "-c", `touch /opt/unit && mv /opt/unit ${UNIT}`);
    const pid = await unit.show("MainPID");
    match((await node.install(OTHER)).output, /: nothing to change\n/);
    notStrictEqual(await unit.show("MainPID"), pid);
    strictEqual(await unit.show("TasksMax"), "64");
  });

  await step("an upgrade does not start what the operator has stopped", async () => {
    await machine.ok("systemctl", "stop", "edgekeyd");
    const { code, output } = await node.install(BINARY);
    strictEqual(code, 0, output);
    match(output, /: enabled, inactive; systemctl start edgekeyd\n$/);
    strictEqual(await unit.show("ActiveState"), "inactive");
    strictEqual((await unit.ctl("start")).code, 0);
  });

  await step("--uninstall leaves state, settings and etcd as they are", async () => {
    const { code, output } = await node.install("--uninstall");
    strictEqual(code, 0, output);
    match(
      output,
      /^edgekeyd is uninstalled\nkept: \/var\/lib\/edgekeyd .*\nkept: \/etc\/default\/edgekeyd .*\n$/,
    );
    deepStrictEqual(await node.modes(...PATHS), KEPT);
    strictEqual(await unit.show("LoadState"), "not-found");
    strictEqual((await view.keys("/registry/")).size, 2);
    match((await node.install("--uninstall")).output, /^edgekeyd is not installed\nkept: /);
    match(await node.refusal("--uninstall", "--purge", "--retire"), /edgekeyd is not installed/);
    deepStrictEqual(await node.modes(...PATHS), KEPT);
  });

  await step("installed again, it starts and knows what it knew", async () => {
    const revision = await view.revision();
    const { code, output } = await node.install(BINARY);
    strictEqual(code, 0, output);
    await node.inStep("first", "after-kill");
    strictEqual(await machine.ok(...OWNER), "kubelet pods.v1.core");
    strictEqual(await view.revision(), revision);
  });

  await step(
    "--purge asks whether to retire first, and without an answer does nothing",
    async () => {
      match(await node.refusal("--uninstall", "--purge"), /nobody to ask: .*--retire.*--no-retire/);
      const { code, output } = await purgeAsked("perhaps");
      strictEqual(code, 1, output);
      match(output, /neither yes nor no: nothing was changed/);
      deepStrictEqual(await node.modes(...PATHS), [...SHARED, ...KEPT]);
      strictEqual(await unit.show("ActiveState"), "active");
    },
  );

  await step("a retire that fails keeps everything, and the service goes on", async () => {
    await etcd.kill();
    const { code, output } = await node.install("--uninstall", "--purge", "--retire");
    strictEqual(code, 1, output);
    match(output, /^retire: edgekeyd: .*etcd/m);
    match(output, /^install\.sh: retire failed, so nothing was removed/m);
    deepStrictEqual(await node.modes(...PATHS), [...SHARED, ...KEPT]);
    await etcd.start();
    await node.inStep("first", "after-kill");
  });

  await step("retires when told so: of this node's nothing is left in etcd, or here", async () => {
    // An apiserver has taken one of the two over: that one is not ours any more.
    strictEqual((await unit.ctl("stop")).code, 0);
    await view.put(TAKEN_OVER, "k8s\0an apiserver's");
    const { code, output } = await purgeAsked("yes");
    strictEqual(code, 0, output);
    match(output, /retire: conflict {3}\/registry\/pods\/shop\/after-kill: /m);
    match(output, /^retire: 1 deleted, 1 released; 1 Txn/m);
    deepStrictEqual([...(await view.keys("/")).keys()], [TAKEN_OVER]);
    deepStrictEqual(await node.modes(...PATHS), []);
    strictEqual((await machine.run("id", "edgekeyd")).code, 1);
    match(await machine.ok("sh", "-c", "ls -A /run /run/systemd/system"), /^((?!edgekeyd)[^])*$/);
  });

  await step("says why the service does not start", async () => {
    await node.configure("EDGEKEYD_DEBOUNCE=soon");
    const { code, output } = await node.install(BINARY);
    strictEqual(code, 1, output);
    match(output, /^install\.sh: the service does not start: edgekeyd: EDGEKEYD_DEBOUNCE takes a/m);
  });

  await step(
    "starts at once with settings that were there before, and can leave its keys",
    async () => {
      await machine.ok("systemctl", "reset-failed", "edgekeyd");
      strictEqual((await node.install("--uninstall")).code, 0);
      await view.raw.kv.deleteRange({ key: Buffer.from(TAKEN_OVER) });
      await node.configure();
      await killedAt("start edgekeyd", BINARY);
      strictEqual(await unit.show("ActiveState"), "inactive");
      const { code, output } = await node.install(BINARY);
      strictEqual(code, 0, output);
      await node.inStep("first", "after-kill");
      const purged = await node.install("--uninstall", "--purge", "--no-retire");
      strictEqual(purged.code, 0, purged.output);
      deepStrictEqual(await node.modes(...PATHS), []);
      ok((await view.keys("/registry/")).size === 2);
    },
  );

  await step("a state that is mounted is emptied, and what can't be removed is said", async () => {
    await node.configure();
    await node.emptyEtcd();
    await machine.ok(
      "sh",
      "-c",
      "mkdir /var/lib/edgekeyd && mount -t tmpfs none /var/lib/edgekeyd",
    );
    strictEqual((await node.install(BINARY)).code, 0);
    await node.inStep("first", "after-kill");
    const { code, output } = await node.install("--uninstall", "--purge", "--retire");
    strictEqual(code, 0, output);
    match(output, /\nkept: \/var\/lib\/edgekeyd \(it is empty, and mounted: .*\)\n$/);
    strictEqual(await machine.ok("ls", "-A", "/var/lib/edgekeyd"), "");
    strictEqual((await machine.run("id", "edgekeyd")).code, 1);
    await machine.ok("umount", "/var/lib/edgekeyd");
    match((await node.install("--uninstall", "--purge")).output, /\nits state, .* are gone\n$/);
    deepStrictEqual(await node.modes(...PATHS), []);
  });

  await step(
    "a state that a link leads to: says why it does not start, and leaves it",
    async () => {
      await node.configure();
      await machine.ok("sh", "-c", "mkdir -p /data/state && ln -s /data/state /var/lib/edgekeyd");
      await machine.write("/data/state/file", "");
      match(
        (await node.install(BINARY)).output,
        /^install\.sh: .* systemd says exit-code \(code=exited, status=238\/STATE_DIRECTORY\) /m,
      );
      const { code, output } = await node.install("--uninstall", "--purge", "--no-retire");
      strictEqual(code, 0, output);
      match(
        output,
        /^edgekeyd is uninstalled\nkept: \/data\/state \(\/var\/lib\/edgekeyd led there\)\n$/,
      );
      strictEqual(await machine.ok("ls", "/data/state"), "file");
    },
  );

  const dropIns = "systemd/system/edgekeyd.service.d";
  const moved = "EDGEKEYD_STATE_DIR=/var/lib/elsewhere";
  for (const where of ["/etc", "/run", "the settings"]) {
    await step(`a state that ${where} moved is found, retired, and kept`, async () => {
      const bySettings = where === "the settings";
      const lines = ["[Service]", "StateDirectory=edgekeyd elsewhere"];
      await machine.write(`/etc/${dropIns}/more.conf`, `${lines.join("\n")}\n`);
      const variable = `[Service]\nEnvironment=A=b ${moved}\n`;
      if (!bySettings) await machine.write(`${where}/${dropIns}/state.conf`, variable);
      // As systemd reads settings, blanks and all.
      await node.configure(...(bySettings ? [` ${moved.replace("=", " = ")} `] : []));
      strictEqual((await node.install(BINARY)).code, 0);
      await node.inStep("first", "after-kill");
      if (where !== "/run") { // which systemd alone knows
        strictEqual((await node.install("--uninstall")).code, 0);
        match(await node.refusal("--uninstall", "--purge"), /nobody to ask: /);
        strictEqual((await node.install(BINARY)).code, 0);
      }
      match(await node.refusal("--uninstall", "--purge"), /nobody to ask: /);
      const { code, output } = await node.install("--uninstall", "--purge", "--retire");
      strictEqual(code, 0, output);
      match(output, /^retire: 2 deleted, /);
      match(
        output,
        /\nedgekeyd is uninstalled\nkept: \/var\/lib\/elsewhere .*\nkept: .*\.service\.d .*\n$/,
      );
      deepStrictEqual([...(await view.keys("/")).keys()], []);
      await machine.ok("rm", `/etc/${dropIns}/more.conf`);
      await machine.ok("rm", "-rf", "/var/lib/elsewhere", `/etc/${dropIns}`, `/run/${dropIns}`);
    });
  }

  await step("a user that is not its own, or is busy, stays", async () => {
    await machine.ok("useradd", "--home-dir", "/home/edgekeyd", "--shell", "/bin/sh", "edgekeyd");
    strictEqual((await node.install(BINARY)).code, 0);
    const { code, output } = await node.install("--uninstall", "--purge");
    strictEqual(code, 0, output);
    match(output, /\nkept: the user edgekeyd \(it was there before\)\n$/);
    await machine.ok("userdel", "edgekeyd");
    strictEqual((await node.install(BINARY)).code, 0);
    await machine.ok("systemd-run", "--quiet", "--uid=edgekeyd", "--unit=busy", "sleep", "60");
    const busy = await node.install("--uninstall", "--purge");
    strictEqual(busy.code, 0, busy.output);
    match(busy.output, /\nkept: the user edgekeyd \(userdel: .*\)\n$/);
    await machine.ok("systemctl", "stop", "busy");
  });
});
