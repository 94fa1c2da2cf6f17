import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "@std/path";
import { type Notifier, Reloads, systemdNotifier } from "../../lib/agent/mod.ts";
import { EdgeNode } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon, SWIFT, until } from "./_daemon.ts";

/** A service manager's end: what it was told, and a notifier that tells it. */
async function withManager(
  env: Readonly<Record<string, string>>,
  work: (told: () => Promise<string>, notifier: Notifier, clock: { ms: number }) => Promise<void>,
  abstract = false,
): Promise<void> {
  const directory = Deno.makeTempDirSync();
  const name = abstract ? `@edgekeyd-test-${crypto.randomUUID()}` : join(directory, "manager");
  const manager = Deno.listenDatagram({ transport: "unixpacket", path: name.replace("@", "\0") });
  const clock = { ms: 1_000 };
  const failures: string[] = [];
  const notifier = systemdNotifier({
    env: (variable) => ({ NOTIFY_SOCKET: name, ...env })[variable],
    pid: 42,
    directory,
    monotonicMs: () => clock.ms,
    uptimeSeconds: () => 7.2,
    failed: (reason) => failures.push(reason),
  });
  const told = async () => new TextDecoder().decode((await manager.receive())[0]);
  try {
    await work(told, notifier, clock);
    await notifier.close();
    deepStrictEqual(failures, []);
    const left = [...Deno.readDirSync(directory)].map((entry) => entry.name);
    deepStrictEqual(left, abstract ? [] : ["manager"]);
  } finally {
    manager.close();
    Deno.removeSync(directory, { recursive: true });
  }
}

for (const abstract of [false, true]) {
  const where = abstract ? "an abstract socket" : "a path";
  Deno.test(`systemd is told over ${where} what the daemon does, in order`, async () => {
    await withManager({}, async (told, notifier) => {
      notifier.status("Starting:\n  two   lines");
      notifier.ready();
      notifier.status("Starting: two lines");
      notifier.status("In step: 3 keys");
      notifier.beat();
      notifier.reloading();
      notifier.ready();
      notifier.stopping();
      deepStrictEqual(
        [await told(), await told(), await told(), await told(), await told(), await told()],
        [
          "STATUS=Starting: two lines",
          "READY=1",
          "STATUS=In step: 3 keys",
          "RELOADING=1\nMONOTONIC_USEC=8000000",
          "READY=1",
          "STOPPING=1\nSTATUS=Stopping",
        ],
      );
    }, abstract);
  });
}

Deno.test("beats go out once in a quarter of the watchdog's time", async () => {
  const env = { WATCHDOG_USEC: "2000000", WATCHDOG_PID: "42" };
  await withManager(env, async (told, notifier, clock) => {
    strictEqual(notifier.watchdogMs, 2_000);
    strictEqual(notifier.beatMs, 500);
    const beats: number[] = [];
    for (; clock.ms < 3_000; clock.ms += 100) {
      notifier.beat();
      notifier.status(String(clock.ms));
      if (await told() === "WATCHDOG=1") {
        beats.push(clock.ms);
        await told();
      }
    }
    deepStrictEqual(beats, [1_000, 1_500, 2_000, 2_500]);
  });
});

Deno.test("another process' watchdog, or a time that is none, is not heeded", async () => {
  for (
    const env of [
      { WATCHDOG_USEC: "2000000", WATCHDOG_PID: "43" },
      { WATCHDOG_USEC: "0" },
      { WATCHDOG_USEC: "soon" },
    ]
  ) {
    await withManager(env, async (told, notifier) => {
      strictEqual(notifier.watchdogMs, undefined);
      strictEqual(notifier.beatMs, Infinity);
      notifier.beat();
      notifier.ready();
      strictEqual(await told(), "READY=1");
    });
  }
});

Deno.test("nothing is told where there is no service manager, and a lost one is said once", async () => {
  const failures: string[] = [];
  const options = {
    pid: 42,
    directory: Deno.makeTempDirSync(),
    monotonicMs: () => 0,
    uptimeSeconds: () => 0,
    failed: (reason: string) => failures.push(reason),
  };
  for (const address of [undefined, "", "vsock:2:1", "@"]) {
    const silent = systemdNotifier({ ...options, env: () => address });
    silent.ready();
    silent.status("In step");
    silent.stopping();
    await silent.close();
  }
  deepStrictEqual(failures, []);

  const gone = join(options.directory, "gone");
  const env = (name: string) => name === "NOTIFY_SOCKET" ? gone : undefined;
  for (const directory of [options.directory, gone]) {
    const lost = systemdNotifier({ ...options, directory, env });
    lost.ready();
    lost.status("In step");
    await lost.close();
  }
  strictEqual(failures.length, 2);
  for (const failure of failures) match(failure, /No such file/);
  ok([...Deno.readDirSync(options.directory)].length === 0);
  Deno.removeSync(options.directory);
});

Deno.test("each reload ends for systemd, also one that never comes to its end", async () => {
  await withManager({}, async (told, notifier) => {
    const reloads = new Reloads(notifier, 50);
    const begun = async () => match(await told(), /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    reloads.end();
    reloads.begin();
    reloads.end();
    reloads.end();
    await begun();
    strictEqual(await told(), "READY=1");
    reloads.begin();
    reloads.begin();
    await begun();
    await begun();
    strictEqual(await told(), "READY=1");
    reloads.begin();
    reloads.drop();
    notifier.stopping();
    await begun();
    match(await told(), /^STOPPING=1/);
  });
});

Deno.test("a retired daemon, and one whose etcd hangs, end a reload for systemd", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const path = `${node.root}/manager`;
  const manager = Deno.listenDatagram({ transport: "unixpacket", path });
  const messages: string[] = [];
  const listening = (async () => {
    for await (const [bytes] of manager) messages.push(new TextDecoder().decode(bytes));
  })();
  try {
    const env = { NOTIFY_SOCKET: path, RUNTIME_DIRECTORY: node.root };
    const flags = [...SWIFT, "--etcd-timeout=120s"];
    await using daemon = await startDaemon(node, flags, env);
    await ready(daemon);
    const reloaded = async () => {
      messages.length = 0;
      daemon.kill("SIGHUP");
      const states = () =>
        messages.map((message) => message.split("=", 1)[0])
          .filter((state) => state !== "STATUS");
      await until("ready again", () => states().join() === "RELOADING,READY");
    };
    await reloaded();
    await server.kill("SIGSTOP");
    await reloaded();
    await server.kill("SIGCONT");
    await until("in step", async () => (await daemon.status()).state === "in-step", 60_000);
    strictEqual((await daemon.ask("POST", "/v1/retire")).status, 200);
    await reloaded();
    strictEqual((await daemon.stop()).code, 0);
  } finally {
    manager.close();
    await listening;
  }
});
