import type { PoolNode } from "../store/mod.ts";
import { lifeWords } from "../keycache/mod.ts";
import { readPoolNodes } from "../store/mod.ts";
import { plural } from "../plural.ts";
import { EXIT } from "./exit_code.ts";
import { noteOn } from "./find_node.ts";
import type { Options } from "./options.ts";
import { printAnswer } from "./output.ts";
import { connectEtcd } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** A name that is longer pushes out its own line alone. */
const MAX_WIDTH = 40;

/** `edgekeyd nodes`: who has written to the pool's etcd. It needs no state directory. */
export async function nodesCommand(options: Options, terminal: Terminal): Promise<number> {
  const etcd = await connectEtcd(options);
  try {
    const found = await readPoolNodes(etcd, options.etcdMaxTxnOps);
    const { nodes, strangers, more } = found;
    printAnswer(options, terminal, found, () => {
      for (const line of table(nodes)) terminal.out(line);
    });
    const note = noteOn(terminal);
    if (nodes.length === 0) note("no edgekeyd has written to this etcd");
    if (more) note("there are more than these: not all keys under /edgekeyd/ were looked at");
    if (strangers > 0) {
      note(`${plural(strangers, "key")} under /edgekeyd/ that no edgekeyd of this version wrote`);
    }
    return EXIT.ok;
  } finally {
    etcd.close();
  }
}

/** One line for each node, below a heading; a problem stands in a line of its own. */
function table(nodes: readonly PoolNode[]): string[] {
  if (nodes.length === 0) return [];
  const rows = nodes.map(({ name, alive, since = "-", version = "-", life }) => [
    name,
    alive ? "yes" : "no",
    since,
    version,
    life === undefined ? "-" : lifeWords(life),
  ]);
  const heading = ["NODE", "ALIVE", "SINCE", "VERSION", "STATE DIRECTORY"];
  const widths = heading.map((_, column) =>
    Math.min(MAX_WIDTH, Math.max(...[heading, ...rows].map((row) => row[column]?.length ?? 0)))
  );
  const lineOf = (row: readonly string[]) =>
    row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  return [
    lineOf(heading),
    ...rows.flatMap((row, index) => {
      const problem = nodes[index]?.problem;
      return problem === undefined ? [lineOf(row)] : [lineOf(row), `  problem: ${problem}`];
    }),
  ];
}
