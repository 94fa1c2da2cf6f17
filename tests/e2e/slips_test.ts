import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { ready, startDaemon, SWIFT } from "../agent/_daemon.ts";
import { edgekeyd, edgekeydCommand } from "../support/edgekeyd_process.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

Deno.test("an EDGEKEYD_ variable that is none is refused, with the one that was meant", async () => {
  const slips: [string, RegExp][] = [
    ["EDGEKEYD_CAHCE_DIR", /EDGEKEYD_CAHCE_DIR; did you mean EDGEKEYD_CACHE_DIR\?$/],
    ["EDGEKEYD_ETCD_SERVER", /EDGEKEYD_ETCD_SERVER; did you mean EDGEKEYD_ETCD_SERVERS\?$/],
    ["EDGEKEYD_cache_dir", /EDGEKEYD_cache_dir; did you mean EDGEKEYD_CACHE_DIR\?$/],
    ["EDGEKEYD_FROBNICATE", /EDGEKEYD_FROBNICATE; see --help$/],
    ["EDGEKEYD_", /unknown environment variable EDGEKEYD_; see/],
  ];
  using node = new EdgeNode("127.0.0.1:1");
  for (const [name, says] of slips) {
    for (const value of ["/x", ""]) {
      const env = { [name]: value };
      expectExit(await node.run(["keys"], { env }), 2, says);
    }
    expectExit(await node.run(["run"], { env: { [name]: "1" } }), 2, says);
    expectExit(await edgekeyd(["--help"], { env: { [name]: "1" } }), 0);
  }
  // What the tests themselves go by harms nobody.
  const env = { EDGEKEYD_TEST_ETCD: "/x", OTHER_EDGEKEYD_X: "1" };
  expectExit(await node.run(["keys"], { env }), 1, /no component-key cache/);
});

Deno.test("a variable that is not UTF-8 is refused by name, and of NO_COLOR it counts that it is set", async () => {
  // No Deno can set one.
  const run = async (variable: string) => {
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", `${variable}="$(printf '\\377')" "$@"`, "sh", ...edgekeydCommand(["keys"])],
    }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  };
  const refused = await run("EDGEKEYD_CACHE_DIR");
  strictEqual(refused.code, 2, refused.stderr);
  match(refused.stderr, /^edgekeyd: EDGEKEYD_CACHE_DIR in the environment is not UTF-8: /);
  const taken = await run("EDGEKEYD_STATE_DIR=/dev/null/none NO_COLOR");
  strictEqual(taken.code, 1, taken.stderr);
  match(taken.stderr, /^edgekeyd: .*--state-dir/);
});

Deno.test("edgekeyd alone is help, and no daemon", async () => {
  using node = new EdgeNode("127.0.0.1:1");
  const help = await edgekeyd([]);
  expectExit(help, 0);
  match(help.stdout, /^Usage:/m);
  const service = await edgekeyd([], { env: { NOTIFY_SOCKET: `${node.root}/none` } });
  strictEqual(service.code, 2);
  match(service.stderr, /nobody named an etcd/);
});

Deno.test("--listen in a directory that is missing is refused, and nothing made", async () => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  const directory = `${node.root}/not/there`;
  const refused = await node.run(["run", `--listen=unix:${directory}/api.sock`]);
  strictEqual(refused.code, 1);
  match(refused.stderr, /there is no directory \S+\/not\/there; make it, or give another --listen/);
  deepStrictEqual([...Deno.readDirSync(node.root)].map(({ name }) => name).sort(), [
    "cache",
    "state",
  ]);
});

for (const isRunning of [false, true]) {
  const where = isRunning ? "asked of the daemon" : "without a daemon";
  Deno.test(`a component that never was, ${where}: exit 1, with the nearest`, async () => {
    await using server = await startEtcd();
    using node = new EdgeNode(server);
    node.write("kubelet/pods.v1.core/default/a");
    node.write("kube-proxy/nodes.v1.core/edge-1");
    node.write("coredns/nodes.v1.core/edge-1");
    Deno.mkdirSync(`${node.cacheDir}/flanneld/pods.v1.core`, { recursive: true });
    strictEqual((await node.reconcile()).code, 0);
    await using daemon = isRunning ? await startDaemon(node, SWIFT) : undefined;
    if (daemon) await ready(daemon);
    for (const command of ["keys", "delete-component"]) {
      for (const json of [[], ["-o=json"]]) {
        const slip = await node.run([command, "kublet", ...json]);
        expectExit(slip, 1, /never had a component kublet; did you mean kubelet\?$/);
        if (json.length === 0) strictEqual(slip.stdout, "");
        else strictEqual(JSON.parse(slip.stdout).failure.code, "NotFound");
      }
      const far = await node.run([command, "frobnicator"]);
      expectExit(far, 1, /there are coredns, flanneld, kube-proxy, kubelet$/);
    }
    const resources: [string, RegExp][] = [
      [
        "Pods",
        /^edgekeyd: kubelet holds no key of a resource Pods; did you mean pods\.v1\.core\?$/,
      ],
      ["pods", /resource pods; did you mean pods\.v1\.core\?$/],
      ["pod", /resource pod; did you mean pods\.v1\.core\?$/],
      ["pods.v1", /did you mean pods\.v1\.core\?$/],
      ["pods.v2.core", /did you mean pods\.v1\.core\?$/],
      ["pod.v1.core", /did you mean pods\.v1\.core\?$/],
      ["foo.v1.core", /it holds keys of pods\.v1\.core$/],
      ["foos.v1.example.com", /it holds keys of pods\.v1\.core$/],
      ["x".repeat(10_000), /resource x{255}; it holds keys of pods\.v1\.core$/],
    ];
    for (const [gvr, says] of resources) {
      expectExit(await node.run(["keys", "kubelet", gvr]), 1, says);
    }
    expectExit(await node.run(["keys", "kublet", "pods"]), 1, /did you mean kubelet\?$/);
    expectExit(await node.run(["keys", "flanneld", "foo"]), 1, /it holds no key at all$/);
    // What Kubernetes has is no slip: it may just be that none is held.
    expectExit(await node.run(["keys", "kubelet", "leases.v1.coordination.k8s.io"]), 0);
    expectExit(await node.run(["keys", "flanneld"]), 0);
    // What was and is gone is no slip, whether its keys went or stayed with others.
    for (const component of ["kube-proxy", "kubelet", "coredns"]) {
      node.remove(component);
      for (let time = 0; time < 2; time++) {
        expectExit(await node.run(["delete-component", component]), 0);
      }
      expectExit(await node.run(["keys", component]), 0);
    }
  });
}

for (const isRunning of [false, true]) {
  const where = isRunning ? "by the daemon" : "by a one-shot run";
  Deno.test(`files that are too large, ${where}: their keys stay, and which flag decides is said`, async () => {
    await using server = await startEtcd();
    using node = new EdgeNode(server);
    for (let pod = 0; pod < 3; pod++) node.write(`kubelet/pods.v1.core/default/p${pod}`);
    strictEqual((await node.reconcile()).report.created, 3);
    // What was taken before is held to it as well: a file that only stays as it is, too.
    const less = [...SWIFT, "--max-object-bytes=1"];
    const advice = /raise --etcd-max-request-bytes here and .* etcd .*or --max-object-bytes/;
    {
      await using daemon = isRunning ? await startDaemon(node, less) : undefined;
      if (daemon) await ready(daemon);
      const flags = daemon ? [] : ["--max-object-bytes=1"];
      const run = await node.run(["--reconcile", ...flags]);
      expectExit(run, 3, /3 invalid paths not imported .*larger than 1 bytes; /, advice);
      match(run.stdout, /partial: 3 unchanged; 0 Txns/);
      const page = await node.run(["status"]);
      expectExit(page, 3, advice);
    }
    const data = { x: "y".repeat(1_572_864) };
    for (let n = 0; n < 15; n++) {
      node.write(`kubelet/configmaps.v1.core/default/c${n}`, { more: { data } });
    }
    for (const more of [[], ["--max-object-bytes=2000000"]]) {
      const large = await node.run(["--reconcile", ...more]);
      expectExit(large, 3, /15 invalid paths not imported/, advice);
      match(large.stdout, /partial: 3 unchanged/);
    }
  });
}
