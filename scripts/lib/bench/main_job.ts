/**
 * Measures the main job against a floor that is taken in the same run, since machines are noisy:
 * what counts is the ratio. `scripts/bench` gets what this needs and runs it.
 *
 * @module
 */
import { join } from "@std/path";
import { connect } from "../../../lib/etcd/mod.ts";
import { holdStateDirectory } from "../../../lib/keycache/mod.ts";
import { reconcile, type ReconcileReport } from "../../../lib/reconcile/mod.ts";
import type { StoreContext } from "../../../lib/store/mod.ts";
import { parseArguments } from "../../../lib/cli/arguments.ts";
import type { FlagName } from "../../../lib/cli/flags.ts";
import { MetCluster } from "../../../lib/cli/met_cluster.ts";
import { type Options, readOptions } from "../../../lib/cli/options.ts";
import { reconcileOptionsOf } from "../../../lib/cli/reconcile_options.ts";
import { cacheOptionsOf, clock, storeContext } from "../../../lib/cli/session.ts";
import { processTerminal } from "../../../lib/cli/terminal.ts";
import { startEtcd } from "../../../tests/support/etcd_server.ts";
import { median } from "./figures.ts";
import { keysOnly, rawPuts, readAll, statWalk } from "./raw_calls.ts";

const ROUNDS = Number(Deno.args[0] ?? 7);
const OBJECT_BYTES = 300;
const NAMESPACES = 20;
const SETTLE_MS = 500;

interface Sample {
  readonly floorMs: number;
  readonly oursMs: number;
  readonly report: ReconcileReport;
}

const cleanups: (() => void | Promise<void>)[] = [];
const server = await startEtcd();
const etcd = await connect({ endpoints: [server.endpoint], timeoutMs: 30_000 });
try {
  print("first import of 3,000 objects of 300 B", await repeat(() => firstImport(3_000)));
  print("idle pass over 10,000 objects", await withCache(10_000, idlePass));
  print("replace of 1,000 of 10,000", await withCache(10_000, replacePass(1_000)));
} finally {
  etcd.close();
  await server[Symbol.asyncDispose]();
  for (const cleanup of cleanups) await cleanup();
}
Deno.exit(0);

async function firstImport(count: number): Promise<Sample> {
  const node = await newNode();
  writeObjects(node.root, count, 1);
  const floorMs = await timed(async () => {
    await rawPuts(etcd, `/floor/${node.id}`, readAll(node.root));
  });
  const { ms, report } = await pass(node);
  expect(report.created === count && report.txns === 1, report);
  await node.close();
  return { floorMs, oursMs: ms, report };
}

async function idlePass(node: Node): Promise<Sample> {
  const floorMs = await timed(async () => {
    statWalk(node.root);
    await keysOnly(etcd, node.prefix);
  });
  const { ms, report } = await pass(node);
  expect(report.txns === 0, report);
  return { floorMs, oursMs: ms, report };
}

function replacePass(count: number) {
  let version = 1;
  return async (node: Node): Promise<Sample> => {
    version++;
    writeObjects(node.root, count, version);
    const floorMs = await timed(async () => {
      const paths = statWalk(node.root);
      await keysOnly(etcd, node.prefix);
      await rawPuts(
        etcd,
        `/floor/${node.id}`,
        paths.slice(0, count).map((path) => Deno.readFileSync(path)),
      );
    });
    const { ms, report } = await pass(node);
    expect(report.updated === count && report.txns === 1, report);
    return { floorMs, oursMs: ms, report };
  };
}

interface Node {
  readonly id: string;
  readonly root: string;
  readonly prefix: string;
  readonly options: Options;
  readonly context: StoreContext;
  close(): Promise<void>;
}

async function newNode(): Promise<Node> {
  const id = crypto.randomUUID().slice(0, 8);
  const base = Deno.makeTempDirSync({ prefix: "edgekeyd-bench-" });
  const root = join(base, "cache");
  const prefix = `/bench/${id}`;
  const options = optionsOf({
    "cache-dir": root,
    "state-dir": join(base, "state"),
    "node-name": `bench-${id}`,
    "etcd-servers": server.endpoint,
    "etcd-prefix": prefix,
    "settle-time": `${SETTLE_MS}ms`,
  });
  const directory = await holdStateDirectory(options.stateDir, options.lockTimeoutMs);
  const { cache } = await directory.openCache(cacheOptionsOf(options));
  return {
    id,
    root,
    prefix,
    options,
    context: storeContext(options, cache, etcd, new MetCluster(options, () => {}).home),
    close() {
      cache.close();
      directory.release();
      Deno.removeSync(base, { recursive: true });
      return Promise.resolve();
    },
  };
}

/** What is not given is as it is for a user who does not give it. */
function optionsOf(flags: Readonly<Partial<Record<FlagName, string>>>): Options {
  const args = Object.entries(flags).map(([name, text]) => `--${name}=${text}`);
  return readOptions(parseArguments(["--reconcile", ...args], () => undefined), Deno.hostname);
}

async function withCache(count: number, measure: (node: Node) => Promise<Sample>) {
  const node = await newNode();
  cleanups.push(() => node.close());
  writeObjects(node.root, count, 1);
  await pass(node);
  // Files that were young when they were read are read once more; let them age.
  await clock.sleep(SETTLE_MS + 200);
  await pass(node);
  return await repeat(() => measure(node));
}

async function pass(node: Node): Promise<{ ms: number; report: ReconcileReport }> {
  const startMs = performance.now();
  const { report, failure } = await reconcile(node.context, reconcileOptionsOf(node.options));
  if (failure) throw failure;
  return { ms: performance.now() - startMs, report };
}

async function repeat(measure: () => Promise<Sample>): Promise<Sample[]> {
  await measure();
  const samples: Sample[] = [];
  for (let round = 0; round < ROUNDS; round++) samples.push(await measure());
  return samples;
}

function print(what: string, samples: readonly Sample[]): void {
  const ratio = median(samples.map(({ floorMs, oursMs }) => oursMs / floorMs));
  const floor = median(samples.map(({ floorMs }) => floorMs));
  const ours = median(samples.map(({ oursMs }) => oursMs));
  const phases = (["recover", "scan", "plan", "commit"] as const).map((phase) =>
    `${phase} ${median(samples.map(({ report }) => report.phasesMs[phase]))}`
  ).join(", ");
  processTerminal(true).out(
    `${what}: ${ratio.toFixed(2)}x the floor (${ours.toFixed(0)} ms, floor ` +
      `${floor.toFixed(0)} ms, ${ROUNDS} rounds; ms: ${phases})`,
  );
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function expect(condition: boolean, report: ReconcileReport): void {
  if (!condition) throw new Error(`not what was to be measured: ${JSON.stringify(report)}`);
}

function writeObjects(root: string, count: number, version: number): void {
  for (let index = 0; index < count; index++) {
    const namespace = `ns-${index % NAMESPACES}`;
    const name = `object-${index}`;
    const directory = join(root, "kubelet", "configmaps.v1.core", namespace);
    if (index < NAMESPACES) Deno.mkdirSync(directory, { recursive: true });
    const object = {
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { name, namespace, uid: `uid-${index}`, resourceVersion: `${version}0000` },
      data: { text: "" },
    };
    const pad = OBJECT_BYTES - JSON.stringify(object).length;
    object.data.text = "x".repeat(Math.max(0, pad));
    Deno.writeTextFileSync(join(directory, name), JSON.stringify(object));
  }
}
