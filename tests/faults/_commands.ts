import { type EdgeNode, type EtcdView, objectBytes } from "../e2e/_node.ts";

/** A command that takes keys out of etcd, and at which points it can be killed. */
export interface Command {
  readonly name: string;
  /** As KILL_POINT has them; each run passes all of them. */
  readonly points: readonly string[];
  /**
   * Makes a node ready for it whose files are in etcd.
   *
   * @returns its arguments
   */
  prepare(node: EdgeNode, etcd: EtcdView): Promise<string[]>;
  /** Keys below the prefix that it takes out, in one Txn. */
  readonly goes: readonly string[];
  /** Which is left to the next `--reconcile`. */
  readonly later?: boolean;
  /** The fence goes too. */
  readonly leaves?: boolean;
}

const PODS = numbered(6, "pods/default/p");
const SERVICES = numbered(4, "services/specs/default/s");
const NODE = "minions/n1";
/** Objects without files, which another importer wrote. */
const LEFT = numbered(4, "pods/default/left-");

/** Keys below the prefix of what {@linkcode writeFiles} writes. */
export const KEYS: readonly string[] = [...PODS, ...SERVICES, NODE];

/** The files of a node: two components, which share an object. */
export function writeFiles(node: EdgeNode): void {
  for (const name of numbered(6, "p")) node.write(`kubelet/pods.v1.core/default/${name}`);
  for (const name of numbered(4, "s")) node.write(`kube-proxy/services.v1.core/default/${name}`);
  for (const component of ["kubelet", "kube-proxy"]) node.write(`${component}/nodes.v1.core/n1`);
}

/** Each of the commands. */
export const COMMANDS: readonly Command[] = [
  {
    name: "retire",
    points: [
      "txn-before:1",
      "txn-during:1",
      "txn-after:1",
      "commit-after:1",
      "commit-before:2",
      // From here on it is about the fence.
      "commit-after:2",
      "txn-during:2",
      "txn-after:2",
      "commit-after:3",
    ],
    prepare: () => Promise.resolve(["retire"]),
    goes: KEYS,
    leaves: true,
  },
  {
    name: "delete-component",
    points: [
      "range-after:1",
      "commit-during:1",
      "commit-after:1",
      "txn-before:1",
      "txn-during:1",
      "txn-after:1",
      "commit-before:2",
      "commit-after:2",
    ],
    prepare(node) {
      node.remove("kube-proxy");
      return Promise.resolve(["delete-component", "kube-proxy"]);
    },
    goes: SERVICES,
  },
  {
    name: "delete-unclaimed",
    points: [
      // The second range reads the values; the first Txn reads as it moves the fence, the second
      // deletes.
      "range-after:2",
      "commit-before:1",
      "commit-after:1",
      "txn-during:1",
      "commit-after:3",
      "txn-before:2",
      "txn-during:2",
      "txn-after:2",
      "commit-after:4",
    ],
    async prepare(node, etcd) {
      return ["delete-unclaimed", ...await leaveBehind(node, etcd)];
    },
    goes: LEFT,
  },
  {
    name: "import-key-cache",
    points: [
      "range-after:1",
      // It reads the values.
      "range-before:2",
      "range-after:2",
      "commit-before:1",
      "commit-during:1",
      "commit-after:1",
    ],
    async prepare(node, etcd) {
      const keys = [
        ...PODS.map((key) => `${node.prefix}/${key}`),
        ...await leaveBehind(node, etcd),
      ];
      const file = `${node.root}/component-key-cache`;
      Deno.writeTextFileSync(file, `kubelet#_v1_pods:${keys.join(",")}\n`);
      return ["import-key-cache", file];
    },
    goes: LEFT,
    later: true,
  },
];

/** Another importer left keys under the node's prefix. */
async function leaveBehind(node: EdgeNode, etcd: EtcdView): Promise<string[]> {
  for (const key of LEFT) {
    const name = key.slice(key.lastIndexOf("/") + 1);
    await etcd.put(`${node.prefix}/${key}`, objectBytes(`any/pods.v1.core/default/${name}`));
  }
  return LEFT.map((key) => `${node.prefix}/${key}`);
}

function numbered(count: number, prefix: string): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}
