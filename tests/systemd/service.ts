/**
 * The unit under a real systemd: Debian's, booted in a container. It needs root and a tree to boot
 * (EDGEKEYD_TEST_ROOTFS, which scripts/test makes), so that it is no `_test.ts` that every run
 * would pick up:
 *
 *     EDGEKEYD_TEST_ROOTFS=… EDGEKEYD_TEST_PERMISSIONS="--allow-net …" deno test -A tests/systemd/service.ts
 *
 * What runs is the source by the Deno of the test, with the permissions of the binary.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { EtcdView, objectBytes } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { eventually, Machine, Unit } from "./_machine.ts";
import { PODS, stepsOf, writePod } from "./_node.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const ROOTFS = Deno.env.get("EDGEKEYD_TEST_ROOTFS");
const PERMISSIONS = Deno.env.get("EDGEKEYD_TEST_PERMISSIONS") ?? "-A";
const READY_MS = 30_000;
/** Settings of the test alone, and none that the unit is tried out for but the watchdog's time. */
const WATCHDOG_S = 6;

const source = (path: string) => Deno.readTextFileSync(`${ROOT}/scripts/systemd/${path}`);

/** What makes the unit run an entry point of the source. */
function dropIn(entry: string): string {
  return [
    "[Service]",
    "ExecStart=",
    `ExecStart=/opt/deno run --quiet --cached-only --no-prompt ${PERMISSIONS} ` +
    `/opt/edgekeyd/${entry} run`,
    "Environment=DENO_DIR=/opt/deno-dir DENO_NO_UPDATE_CHECK=1",
    `WatchdogSec=${WATCHDOG_S}s`,
    "RestartSec=100ms",
    "",
  ].join("\n");
}

/** Files of others that CAP_DAC_READ_SEARCH would open, each with something in it. */
const OF_OTHERS = [
  "/etc/shadow",
  "/etc/gshadow",
  "/etc/ssh/ssh_host_ed25519_key",
  "/etc/ssl/private/snakeoil.key",
  "/etc/kubernetes/pki/ca.key",
  "/etc/kubernetes/admin.conf",
  "/home/user/.ssh/id_ed25519",
  "/var/lib/kubelet/pki/kubelet-client-current.pem",
  "/var/backups/shadow.bak",
];
/** Files that it may need, wherever they are. */
const OWN = ["/etc/edgekeyd/etcd.key", "/etc/kubernetes/pki/etcd/client.key"];

/** Asks the daemon over its socket, as root. */
function statusCommand(): string[] {
  const deno = ["/opt/deno", "run", "-A", "--quiet", "--cached-only", "/opt/edgekeyd/main.ts"];
  return ["env", "DENO_DIR=/opt/deno-dir", ...deno, "status", "--lock-timeout=1s"];
}

async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/** A node with the unit installed as the files in scripts/systemd say. */
async function installed(machine: Machine, etcd: string): Promise<Unit> {
  await machine.write("/usr/lib/sysusers.d/edgekeyd.conf", source("edgekeyd.sysusers"));
  await machine.ok("systemd-sysusers");
  await machine.write("/etc/systemd/system/edgekeyd.service", source("edgekeyd.service"));
  await machine.write(
    "/etc/default/edgekeyd",
    `${source("edgekeyd.env")}\nEDGEKEYD_ETCD_SERVERS=${etcd}\nEDGEKEYD_NODE_NAME=edge-1\n` +
      "EDGEKEYD_ETCD_TIMEOUT=2s\nEDGEKEYD_SETTLE_TIME=0\nEDGEKEYD_RETRY_MAX=1s\n",
  );
  await entry(machine, "main.ts");
  return new Unit(machine, "edgekeyd");
}

async function entry(machine: Machine, path: string): Promise<void> {
  await machine.write("/etc/systemd/system/edgekeyd.service.d/test.conf", dropIn(path));
  await machine.ok("systemctl", "daemon-reload");
}

Deno.test({
  name: "edgekeyd.service under a real systemd",
  ignore: ROOTFS === undefined,
}, async (t) => {
  await using etcd = await startEtcd();
  using view = new EtcdView(etcd);
  await using machine = await Machine.boot(ROOTFS ?? "", {
    "/opt/deno": Deno.execPath(),
    "/opt/deno-dir": await denoDir(),
    "/opt/edgekeyd": ROOT,
  });
  const unit = await installed(machine, etcd.endpoint);
  const step = stepsOf(t, unit);
  const errors = ["journalctl", "-u", "edgekeyd", "-p", "err", "-o", "cat", "--no-pager"];
  const mod = async (name: string) =>
    (await view.keys("/registry/pods/shop/")).get(`/registry/pods/shop/${name}`)?.mod;
  const arrived = (name: string) => eventually(`${name} in etcd`, READY_MS, () => mod(name));

  const [, , , , , home = ""] = (await machine.ok("getent", "passwd", "root")).split(":");
  const ofOthers = [...OF_OTHERS, `${home}/.ssh/id_ed25519`];
  for (const path of [...ofOthers, ...OWN]) await machine.write(path, "a secret");

  await step("starts: ready, and what is in the cache is in etcd", async () => {
    await writePod(machine, "first");
    const start = await unit.ctl("start");
    strictEqual(start.code, 0, `${start.output}\n${await unit.log()}`);
    strictEqual(await unit.show("ActiveState"), "active");
    await arrived("first");
    await unit.until("StatusText", /^In step: 1 key$/, READY_MS);
    await writePod(machine, "second");
    await arrived("second");
    await unit.until("StatusText", /^In step: 2 keys$/, READY_MS);
  });

  await step("is a user of its own, with one capability and closed directories", async () => {
    const pid = await unit.show("MainPID");
    const status = await machine.ok("cat", `/proc/${pid}/status`);
    const uid = await machine.ok("id", "-u", "edgekeyd");
    match(status, new RegExp(`^Uid:\\s${uid}\\s${uid}\\s${uid}\\s${uid}$`, "m"));
    // CAP_DAC_READ_SEARCH is number 2.
    for (const set of ["Prm", "Eff", "Bnd", "Amb"]) {
      match(status, new RegExp(`^Cap${set}:\\s0*4$`, "m"));
    }
    match(status, /^NoNewPrivs:\s1$/m);
    match(status, /^Seccomp:\s2$/m);
    const modes = await machine.ok(
      "sh",
      "-c",
      "stat -c '%n %U %a' /var/lib/edgekeyd /var/lib/edgekeyd/* /run/edgekeyd /run/edgekeyd/*",
    );
    for (const line of modes.split("\n")) match(line, / edgekeyd (600|700)$/);
    ok(!modes.includes("notify"), modes);
  });

  await step("can't read what holds passwords and keys of others", async () => {
    const inside = ["nsenter", "--mount", `--target=${await unit.show("MainPID")}`];
    for (const path of ofOthers) {
      const { output } = await machine.run(...inside, "cat", path);
      ok(!output.includes("secret"), path);
    }
    for (const path of OWN) strictEqual(await machine.ok(...inside, "cat", path), "a secret");
  });

  await step("reloads without a restart, and is active again", async () => {
    const pid = await unit.show("MainPID");
    strictEqual((await unit.ctl("reload")).code, 0);
    await unit.until("ActiveState", /^active$/, READY_MS);
    strictEqual(await unit.show("MainPID"), pid);
    await writePod(machine, "after-reload");
    await arrived("after-reload");
  });

  await step("is started again after a kill -9", async () => {
    const pid = await unit.show("MainPID");
    await machine.ok("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "edgekeyd");
    await unit.until("NRestarts", /^1$/, READY_MS);
    await unit.until("ActiveState", /^active$/, READY_MS);
    ok(await unit.show("MainPID") !== pid);
    await writePod(machine, "after-kill");
    await arrived("after-kill");
  });

  await step("etcd away at boot is no failed start; the status says it", async () => {
    await etcd.kill();
    strictEqual((await unit.ctl("restart")).code, 0);
    strictEqual(await unit.show("ActiveState"), "active");
    await unit.until("StatusText", /^etcd is away: .*127\.0\.0\.1/, READY_MS);
    match(await machine.ok(...errors), /^can't reach etcd at /m);
    strictEqual((await unit.ctl("reload")).code, 0);
    await unit.until("ActiveState", /^active$/, READY_MS);
    await etcd.start();
    await unit.until("StatusText", /^In step: 4 keys$/, READY_MS);
  });

  await step("SIGTERM under load ends it within 2 s; the next start settles it", async () => {
    const pods = 3_000;
    const pod = new TextDecoder().decode(objectBytes("kubelet/pods.v1.core/shop/load-NUMBER"));
    const script = `umask 077; for i in $(seq ${pods}); do echo '${pod}' | sed s/NUMBER/$i/g; done |
      while read -r line; do i=$((i+1)); echo "$line" >${PODS}/load-$i; done`;
    const writing = machine.ok("sh", "-c", script);
    await arrived("load-1");
    const startMs = performance.now();
    strictEqual((await unit.ctl("stop")).code, 0);
    const tookMs = performance.now() - startMs;
    ok(tookMs < 2_000, `${tookMs} ms`);
    strictEqual(await unit.show("Result"), "success");
    await writing;
    strictEqual((await unit.ctl("start")).code, 0);
    await unit.until("StatusText", new RegExp(`^In step: ${pods + 4} keys$`), 2 * READY_MS);
    strictEqual((await view.keys("/registry/pods/shop/")).size, pods + 4);
  });

  await step("the watchdog ends a process that stands still", async () => {
    const pid = await unit.show("MainPID");
    await machine.ok("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "edgekeyd");
    await unit.until("MainPID", new RegExp(`^(?!${pid}$|0$)`), 4 * WATCHDOG_S * 1_000);
    match(await unit.log(), /Watchdog timeout \(limit 6s\)!/);
    await unit.until("StatusText", /^In step/, READY_MS);
  });

  await step("the watchdog ends a loop that hangs while all else goes on", async () => {
    await entry(machine, "tests/systemd/_hanging_agent.ts");
    strictEqual((await unit.ctl("restart")).code, 0);
    await unit.until("StatusText", /^In step/, READY_MS);
    const pid = await unit.show("MainPID");
    const timeouts = count(await unit.log(), "Watchdog timeout");
    await machine.write("/run/edgekeyd/hang", "");
    await writePod(machine, "after-hang");
    // Somebody who asks how it is must not be taken for the loop.
    let hangs = true;
    const asking = (async () => {
      let answers = 0;
      while (hangs) answers += (await machine.run(...statusCommand())).code === 0 ? 1 : 0;
      return answers;
    })();
    try {
      await unit.until("MainPID", new RegExp(`^(?!${pid}$|0$)`), 4 * WATCHDOG_S * 1_000);
    } finally {
      hangs = false;
    }
    ok(await asking > 0);
    strictEqual(count(await unit.log(), "Watchdog timeout"), timeouts + 1);
    // The directory went with the process, and the file in it.
    await arrived("after-hang");
    await entry(machine, "main.ts");
  });

  await step("a start that fails for good is given up, and says why", async () => {
    await machine.ok("systemctl", "stop", "edgekeyd");
    await unit.ctl("reset-failed");
    await view.put("/edgekeyd/edge-1/fence", "another-life/1/00000000000000000000000000000000");
    await unit.ctl("start");
    await unit.until("Result", /^(exit-code|start-limit-hit)$/, READY_MS);
    await unit.until("NRestarts", /^[45]$/, READY_MS);
    await unit.until("ActiveState", /^failed$/, READY_MS);
    match(await unit.log(), /^edgekeyd: .*another/m);
    match(await machine.ok(...errors), /^edgekeyd: .*another/m);
  });

  await step("wrong flags fail at once, and once", async () => {
    await unit.ctl("reset-failed");
    await machine.write("/etc/default/edgekeyd", "EDGEKEYD_DEBOUNCE=soon\n");
    const start = await unit.ctl("start");
    ok(start.code !== 0);
    await unit.until("ActiveState", /^failed$/, READY_MS);
    deepStrictEqual(
      [await unit.show("ExecMainStatus"), await unit.show("NRestarts")],
      ["2", "0"],
    );
    match(await unit.log(), /EDGEKEYD_DEBOUNCE takes a duration/);
  });

  await step("systemd finds nothing wrong with it, and little exposed", async () => {
    await machine.ok("rm", "-r", "/etc/systemd/system/edgekeyd.service.d");
    await machine.ok("cp", "/bin/true", "/usr/local/bin/edgekeyd");
    const verify = await machine.run("systemd-analyze", "verify", "edgekeyd.service");
    deepStrictEqual(verify, { code: 0, output: "" });
    const security = await machine.ok(
      "systemd-analyze",
      "security",
      "--offline=true",
      "--threshold=15",
      "/etc/systemd/system/edgekeyd.service",
    );
    match(security, /Overall exposure level for edgekeyd\.service: (0\.\d|1\.[0-5]) /);
  });
});

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
