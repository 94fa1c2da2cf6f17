import { match, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fromFileUrl } from "@std/path";
import { EtcdView } from "../e2e/_node.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { say } from "../support/say.ts";
import { CGROUP_RETRIES, eventually, Machine, type Ran, Unit } from "./_machine.ts";

/** A folder with the binaries: `scripts/build` or `.ci/stand-in` makes it. */
const BINARIES = Deno.env.get("EDGEKEYD_TEST_BINARIES");
/** A tree to boot, which scripts/test makes. */
const ROOTFS = Deno.env.get("EDGEKEYD_TEST_ROOTFS");

/** Whether there is what these tests need. */
export const CAN_RUN = BINARIES !== undefined && ROOTFS !== undefined;

/** The Debian package beside them, inside the machine; undefined if there is none. */
export const PACKAGE = BINARIES === undefined ? undefined : [...Deno.readDirSync(BINARIES)]
  .filter(({ name }) => name.endsWith("_amd64.deb"))
  .map(({ name }) => `/opt/binaries/${name}`)[0];

/** The binary, inside the machine. */
export const BINARY = "/opt/binaries/edgekeyd-x86_64-unknown-linux-gnu";
/** Another build of it, inside. */
export const OTHER = "/opt/other/edgekeyd";
/** What the other build says of itself. */
export const OTHER_VERSION = /^edgekeyd \d+\.\d+\.\d+ \(commit f{12,13}, /;

const SETTINGS = "/etc/default/edgekeyd";
const READY_MS = 30_000;

/** A machine that edgekeyd is installed on, the etcd beside it, and what is looked at there. */
export class InstalledNode implements AsyncDisposable {
  readonly #parts: AsyncDisposableStack;

  private constructor(
    readonly machine: Machine,
    readonly unit: Unit,
    readonly etcd: EtcdServer,
    readonly view: EtcdView,
    parts: AsyncDisposableStack,
  ) {
    this.#parts = parts;
  }

  /** Boots a machine that has the project's scripts and the binaries, and nothing installed. */
  static async boot(): Promise<InstalledNode> {
    await using parts = new AsyncDisposableStack();
    const other = Deno.makeTempDirSync({ prefix: "edgekeyd-other-" });
    parts.defer(() => Deno.removeSync(other, { recursive: true }));
    await writeOther(`${other}/edgekeyd`);
    const etcd = parts.use(await startEtcd());
    const view = parts.use(new EtcdView(etcd));
    const machine = parts.use(
      await Machine.boot(ROOTFS ?? "", {
        "/opt/edgekeyd/scripts": fromFileUrl(new URL("../../scripts", import.meta.url)),
        "/opt/binaries": BINARIES ?? "",
        "/opt/other": other,
      }),
    );
    return new InstalledNode(machine, new Unit(machine, "edgekeyd"), etcd, view, parts.move());
  }

  /** `scripts/install.sh`, whatever comes of it, but for what {@linkcode Unit.ctl} tries again. */
  async install(...args: string[]): Promise<Ran> {
    for (let left = CGROUP_RETRIES;; left--) {
      const ran = await this.machine.run("/opt/edgekeyd/scripts/install.sh", ...args);
      if (left === 0 || !ran.output.includes("219/CGROUP")) return ran;
      say("install.sh: 219/CGROUP, again");
    }
  }

  /** `scripts/install.sh`, which must refuse: what it says. */
  async refusal(...args: string[]): Promise<string> {
    const { code, output } = await this.install(...args);
    strictEqual(code, 1, output);
    match(output, /^install\.sh: .*\n$/);
    return output;
  }

  /** Settings as an operator would write them, and some that make a test short. */
  async configure(...more: string[]): Promise<void> {
    const lines = [
      `EDGEKEYD_ETCD_SERVERS=${this.etcd.endpoint}`,
      "EDGEKEYD_NODE_NAME=edge-1",
      "EDGEKEYD_ETCD_TIMEOUT=2s",
      "EDGEKEYD_SETTLE_TIME=0",
      "EDGEKEYD_RETRY_MAX=1s",
      // Deno 2.6.10, which the binary may be built with, loses events.
      "EDGEKEYD_RESYNC_INTERVAL=1s",
      ...more,
    ];
    await this.machine.write(SETTINGS, `${lines.join("\n")}\n`);
    await this.machine.ok("chmod", "600", SETTINGS);
  }

  /** Waits until exactly these pods are in etcd, and the service says that it is in step. */
  async inStep(...pods: string[]): Promise<void> {
    const expected = pods.map((name) => `/registry/pods/shop/${name}`).sort().join();
    await eventually(`${expected} in etcd`, READY_MS, async () => {
      const keys = [...(await this.view.keys("/registry/")).keys()].sort().join();
      return keys === expected || undefined;
    });
    await this.unit.until("StatusText", new RegExp(`^In step: ${pods.length} keys?$`), READY_MS);
  }

  /** Deletes everything from etcd, as if nobody had ever written to it. */
  async emptyEtcd(): Promise<void> {
    const zero = Buffer.from([0]);
    await this.view.raw.kv.deleteRange({ key: zero, range_end: zero });
  }

  /** Owner and mode of files and directories, one a line; a missing one is none. */
  async modes(...paths: string[]): Promise<string[]> {
    const { output } = await this.machine.run(
      "sh",
      "-c",
      `stat -c '%n %U:%G %a' "$@" 2>/dev/null`,
      "-",
      ...paths,
    );
    return output.split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** Writes another build of the binary: the same, but for the commit that it names. */
async function writeOther(path: string): Promise<void> {
  const binary = `${BINARIES}/edgekeyd-x86_64-unknown-linux-gnu`;
  const { stdout } = await new Deno.Command(binary, { args: ["--version"] }).output();
  const commit = /commit ([^,]*),/.exec(new TextDecoder().decode(stdout))?.[1] ?? "";
  const script = `LC_ALL=C sed "s/\\"$2\\"/\\"$3\\"/g" "$1" >"$4" && chmod 755 "$4" &&
    cd "$(dirname "$4")" && sha256sum edgekeyd >SHA256SUMS`;
  const { success } = await new Deno.Command("sh", {
    args: ["-c", script, "-", binary, commit, "f".repeat(commit.length), path],
  }).output();
  strictEqual(success, true);
}
