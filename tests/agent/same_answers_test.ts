/** A command asks a node, and what it is told does not depend on who answers. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { EdgeNode, EtcdView } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { ready, startDaemon } from "./_daemon.ts";

/** Nothing but a command makes a pass while a state is looked at. */
const STILL = ["--debounce=60s", "--settle-time=200ms"];

/** What nobody but a daemon knows, as README says it; of a component, too. */
const DAEMON_ONLY = [
  "settings",
  "dirtyGroups",
  "halfRewritten",
  "watchFailure",
];

interface Told {
  readonly code: number;
  /** stdout, as JSON. */
  readonly answer: unknown;
  readonly stderr: string;
}

/** What each command that reads tells now. */
async function told(node: EdgeNode, keys: readonly string[]): Promise<Map<string, Told>> {
  const commands = [
    ["keys"],
    ["keys", "kubelet", "pods.v1.core"],
    ["keys", "nobody"],
    ...keys.map((key) => ["owners", key]),
    ["verify"],
    ["status"],
    ["--reconcile", "--dry-run", "--settle-time=200ms"],
  ];
  const all = new Map<string, Told>();
  for (const command of commands) {
    const { code, stdout, stderr } = await node.run([...command, "-o=json"]);
    all.set(command.join(" "), { code, answer: JSON.parse(stdout), stderr });
  }
  return all;
}

/** What differs from look to look. */
const VARIES = ["latencyMs", "durationMs", "phasesMs"];

/** An answer without some members, however deep they are. */
function less(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => less(item, names));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !names.includes(name));
  return Object.fromEntries(kept.map(([name, member]) => [name, less(member, names)]));
}

Deno.test("each command that reads tells the same with a daemon and without, in each state", async (t) => {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  using node = new EdgeNode(server);
  const key = (name: string) => `${node.prefix}/pods/default/${name}`;
  node.write("kubelet/pods.v1.core/default/a");
  node.write("kubelet/pods.v1.core/default/b");
  node.write("kubelet/nodes.v1.core/edge-1");
  node.write("kube-proxy/nodes.v1.core/edge-1");
  const keys = [key("a"), `${node.prefix}/minions/edge-1`, key("none")];
  const pass = async () => {
    const { code } = await node.run(["--reconcile", "--settle-time=200ms"]);
    ok(code === 0 || code === 3, String(code));
  };
  const states: [string, () => Promise<void>][] = [
    ["in step", pass],
    ["a file that is not taken up yet", async () => {
      await pass();
      node.write("kubelet/pods.v1.core/default/a", { rv: 2 });
      node.write("kubelet/pods.v1.core/default/c");
    }],
    ["a key that an apiserver overwrote, and nobody looked", async () => {
      await pass();
      await etcd.put(key("b"), "k8s\0theirs");
    }],
    ["the same, left to it", pass],
  ];
  for (const [state, bring] of states) {
    await t.step(state, async () => {
      let beside: Map<string, Told>;
      {
        await using daemon = await startDaemon(node, STILL);
        await ready(daemon);
        await bring();
        beside = await told(node, keys);
        strictEqual((await daemon.stop()).code, 0);
      }
      const alone = await told(node, keys);
      for (const [command, { answer, ...said }] of alone) {
        const theirs = beside.get(command);
        const isStatus = command === "status";
        // A daemon's status has etcd's revision as its last pass saw it, and looks at parts.
        const varies = [...VARIES, ...(isStatus ? ["daemon", "revision", "lastSyncMs"] : [])];
        const expected = less(theirs?.answer, [...varies, ...(isStatus ? DAEMON_ONLY : [])]);
        deepStrictEqual(less(answer, varies), expected, command);
        deepStrictEqual([said.code, said.stderr], [theirs?.code, theirs?.stderr], command);
      }
    });
  }
});
