/**
 * The program as one file, run as it is found on a node: no Deno, an empty home. It needs the
 * binaries (`.ci/stand-in` builds them), so that it is no `_test.ts` that every run would pick up:
 *
 *     EDGEKEYD_TEST_BINARIES=<folder> deno test -A tests/binary/binary.ts
 *
 * With EDGEKEYD_TEST_QEMU="qemu-aarch64-static -L …", the one for aarch64 too.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { until } from "../agent/_daemon.ts";
import { EtcdView } from "../e2e/_node.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";

const BINARIES = Deno.env.get("EDGEKEYD_TEST_BINARIES");
const QEMU = Deno.env.get("EDGEKEYD_TEST_QEMU")?.split(" ");
const SAMPLE = fromFileUrl(new URL("../../scripts/sample-cache", import.meta.url));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A node with nothing on it but the sample cache. */
class BareNode implements Disposable {
  readonly root = Deno.makeTempDirSync();
  readonly #command: readonly string[];

  constructor(command: readonly string[]) {
    this.#command = command;
    Deno.mkdirSync(`${this.root}/home`);
    Deno.mkdirSync(`${this.root}/tmp`);
    new Deno.Command("cp", { args: ["-R", SAMPLE, `${this.root}/cache`] }).outputSync();
  }

  async run(...args: string[]): Promise<Ran> {
    const [program = "", ...rest] = this.#command;
    const command = new Deno.Command(program, { args: [...rest, ...args], ...this.#process() });
    const { code, stdout, stderr } = await command.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  /** Runs a command on this node's cache and an etcd. */
  async edgekeyd(etcd: EtcdServer, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args, ...this.#flags(etcd));
    strictEqual(code, 0, `${args.join(" ")}: ${stdout}\n${stderr}`);
    return stdout;
  }

  /** Starts the daemon; what it says goes where the test's own output goes. */
  daemon(etcd: EtcdServer): Deno.ChildProcess {
    const [program = "", ...rest] = this.#command;
    const args = ["run", ...this.#flags(etcd), `--listen=unix:${this.root}/api.sock`];
    return new Deno.Command(program, { args: [...rest, ...args], ...this.#process() }).spawn();
  }

  #process() {
    return {
      clearEnv: true,
      env: { HOME: `${this.root}/home`, TMPDIR: `${this.root}/tmp`, PATH: `${this.root}/gone` },
      cwd: this.root,
      stdin: "null",
    } as const;
  }

  #flags(etcd: EtcdServer): string[] {
    return [
      "--cache-dir=cache",
      "--state-dir=state",
      `--etcd-servers=${etcd.endpoint}`,
      "--node-name=edge-1",
      "--etcd-timeout=60s",
    ];
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

function binary(arch: "x86_64" | "aarch64"): string {
  return `${BINARIES}/edgekeyd-${arch}-unknown-linux-gnu`;
}

Deno.test({
  name: "the x86_64 binary works with no Deno and an empty home, and leaves nothing there",
  ignore: BINARIES === undefined,
}, async () => {
  await using etcd = await startEtcd();
  using view = new EtcdView(etcd);
  using node = new BareNode([binary("x86_64")]);
  const version = await node.run("--version");
  match(
    version.stdout,
    /^edgekeyd \d+\.\d+\.\d+(-[\w.]+)? \(commit [0-9a-f]{12}\+?, Deno [\d.]+, x86_64-unknown-linux-gnu\)\n$/,
  );
  match(await node.edgekeyd(etcd, "--reconcile"), /^in-step: 11 created; 1 Txn/);
  strictEqual((await view.keys("/registry/")).size, 11);
  match(await node.edgekeyd(etcd, "--reconcile"), /^in-step: 11 unchanged; 0 Txns/);
  strictEqual((await node.edgekeyd(etcd, "keys")).trim().split("\n").length, 11);
  match(await node.edgekeyd(etcd, "verify"), /^11 keys, 0 drifted/);
  Deno.removeSync(`${node.root}/cache/kube-proxy/nodes.v1.core`, { recursive: true });
  match(await node.edgekeyd(etcd, "--reconcile", "--settle-time=0"), /^in-step: 1 released/);
  match(await node.edgekeyd(etcd, "retire"), /11/);
  strictEqual((await view.keys("/")).size, 0);
  deepStrictEqual([...Deno.readDirSync(`${node.root}/home`)], []);
  deepStrictEqual([...Deno.readDirSync(`${node.root}/tmp`)], []);
});

Deno.test({
  name: "the x86_64 binary runs as a daemon, with its API and its metrics",
  ignore: BINARIES === undefined,
}, async () => {
  await using etcd = await startEtcd();
  using node = new BareNode([binary("x86_64")]);
  const daemon = node.daemon(etcd);
  try {
    using client = Deno.createHttpClient({
      proxy: { transport: "unix", path: `${node.root}/api.sock` },
    });
    const ask = async (path: string) =>
      await (await fetch(`http://127.0.0.1${path}`, { client })).text();
    await until("ready", async () => (await ask("/readyz")).includes('"ready":true'));
    match(await ask("/metrics"), /^edgekeyd_cached_keys 11$/m);
    match(await ask("/openapi.json"), /"openapi":"3\.1/);
    match(await node.edgekeyd(etcd, "status"), /, the daemon is running\n/);
    match(await node.edgekeyd(etcd, "--reconcile"), /^in-step: 11 unchanged; 0 Txns/);
  } finally {
    daemon.kill("SIGTERM");
    strictEqual((await daemon.status).code, 0);
  }
});

Deno.test({
  name: "the binary names the place in the sources where something failed that nobody foresaw",
  ignore: BINARIES === undefined,
}, async () => {
  // The same program, compiled with one thing broken that it counts on.
  using node = new BareNode([`${BINARIES}/broken`]);
  const { stderr } = await node.run("status");
  const [, path = "", line] =
    /^edgekeyd: internal error: RangeError: nobody foresaw this \(([\w/]+\.ts):(\d+)\); please report it\n$/
      .exec(stderr) ?? [];
  ok(path !== "", stderr);
  const source = Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url)).split("\n");
  match(source[Number(line) - 1] ?? "", /Deno\.hostname\(\)/);
});

Deno.test({
  name: "the binary can't start a process, load a library, or fetch code",
  ignore: BINARIES === undefined,
}, async () => {
  // A probe that is compiled with the same permissions tries it.
  using node = new BareNode([`${BINARIES}/probe`]);
  const { stdout, stderr } = await node.run();
  ok(stdout.startsWith("{"), stderr);
  deepStrictEqual(JSON.parse(stdout), {
    run: "refused",
    ffi: "refused",
    import: "refused",
    "import permission": "refused",
    env: "refused",
    sys: "refused",
  });
  for (const arch of ["x86_64", "aarch64"] as const) {
    const permissions = permissionsIn(Deno.readFileSync(binary(arch)));
    deepStrictEqual(permissions, permissionsIn(Deno.readFileSync(`${BINARIES}/probe`)), arch);
    strictEqual(permissions.allow_run, null);
    strictEqual(permissions.allow_ffi, null);
    // No host is excepted.
    deepStrictEqual(permissions.deny_import, []);
    strictEqual(permissions.prompt, false);
  }
});

Deno.test({
  name: "the aarch64 binary brings an etcd in step, and then is idle",
  ignore: BINARIES === undefined || QEMU === undefined,
}, async () => {
  await using etcd = await startEtcd();
  using view = new EtcdView(etcd);
  const [qemu = "", ...args] = QEMU ?? [];
  const path = new TextDecoder().decode(
    new Deno.Command("which", { args: [qemu] }).outputSync().stdout,
  ).trim();
  using node = new BareNode([path, ...args, binary("aarch64")]);
  match((await node.run("--version")).stdout, / aarch64-unknown-linux-gnu\)\n$/);
  match(await node.edgekeyd(etcd, "--reconcile"), /^in-step: 11 created; 1 Txn/);
  strictEqual((await view.keys("/registry/")).size, 11);
  const revision = await view.revision();
  match(await node.edgekeyd(etcd, "--reconcile"), /^in-step: 11 unchanged; 0 Txns/);
  strictEqual(await view.revision(), revision);
});

/** What `deno compile` wrote into a binary. */
function permissionsIn(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const name = new TextEncoder().encode('"permissions":{');
  for (let at = bytes.indexOf(name[0] ?? 0); at >= 0; at = bytes.indexOf(name[0] ?? 0, at + 1)) {
    if (!name.every((byte, index) => bytes[at + index] === byte)) continue;
    const open = at + name.length - 1;
    const text = new TextDecoder().decode(bytes.subarray(open, bytes.indexOf(0x7d, open) + 1));
    if (text.includes('"prompt"')) return JSON.parse(text);
  }
  throw new Error("no permissions in the binary");
}
