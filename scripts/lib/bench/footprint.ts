/**
 * Measures what the program takes of a node: size, start, memory, CPU while it is idle; each beside
 * a floor, a program that does nothing, and memory also beside one that asks etcd once, which is
 * what a daemon can't do without (`scripts/build floor`). `scripts/bench footprint` gets what this
 * needs and runs it; it takes about 5 minutes.
 *
 * @module
 */
import { processTerminal } from "../../../lib/cli/terminal.ts";
import { startEtcd } from "../../../tests/support/etcd_server.ts";
import { FsCacheDir } from "../../../tests/support/fs_cache.ts";
import { mean, median } from "./figures.ts";

const [FOLDER = ""] = Deno.args;
const BINARY = `${FOLDER}/edgekeyd-${Deno.build.arch}-unknown-linux-gnu`;
const FLOOR = `${FOLDER}/floor`;
const ETCD_FLOOR = `${FOLDER}/etcd-floor`;
/** What the unit sets for the daemon; the floors get it too. */
const UNIT = Deno.readTextFileSync(new URL("../../systemd/edgekeyd.service", import.meta.url));
const ENV = Object.fromEntries(
  Array.from(
    UNIT.matchAll(/^Environment=(\w+)=(.*)$/gm),
    ([, name = "", value = ""]) => [name, value],
  ),
);
const ROUNDS = 31;
const COLD_ROUNDS = 11;
/** V8 gives back what a pass took a while after it. */
const QUIET_MS = 60_000;
const IDLE_MS = 60_000;
const SETTLE_MS = 200;
const READY_MS = 60_000;
/** Of /proc, as `getconf CLK_TCK` says on every Linux that Deno runs on. */
const TICK_MS = 10;
const MB = 1e6;
const KIB = 1024;

/** A process that was started and left alone. */
interface Idle {
  readonly what: string;
  readonly process: Deno.ChildProcess;
}

const { out } = processTerminal(true);
await using stack = new AsyncDisposableStack();
const etcd = stack.use(await startEtcd());
const state = Deno.makeTempDirSync({ prefix: "edgekeyd-footprint-" });
stack.defer(() => Deno.removeSync(state, { recursive: true }));

show("size", "MB", Deno.statSync(BINARY).size / MB, Deno.statSync(FLOOR).size / MB);
start("--version", ["--version"]);
start("--reconcile, 100 objects unchanged", ["--reconcile", ...await node("few", 100)]);

const idle: Idle[] = [
  { what: "floor", process: spawn(FLOOR, [`${state}/floor.kv`]) },
  {
    what: "the floor that asked etcd once",
    process: spawn(ETCD_FLOOR, [`${state}/etcd-floor.kv`, etcd.endpoint]),
  },
];
for (const keys of [1_000, 10_000]) idle.push(await daemon(keys));
await sleep(QUIET_MS);
const before = idle.map(ticksOf);
await sleep(IDLE_MS);
const cpuMs = idle.map((one, index) => (ticksOf(one) - (before[index] ?? 0)) * TICK_MS);
const memory = idle.map(memoryOf);
idle.forEach(({ what }, index) => {
  if (index === 0) return;
  const [floor, ours] = [memory[0], memory[index]];
  show(`idle RSS, ${what}`, "MB", ours?.VmRSS, floor?.VmRSS);
  show("  of which no file's pages", "MB", ours?.RssAnon, floor?.RssAnon);
  show("  at its most", "MB", ours?.VmHWM, floor?.VmHWM);
  out(`  CPU in an idle minute: ${cpuMs[index]} ms, floor ${cpuMs[0]} ms`);
});

/**
 * Makes a node whose etcd is in step with its cache, so that nothing is left to be done.
 *
 * @returns its flags
 */
async function node(name: string, objects: number): Promise<string[]> {
  const cache = stack.use(new FsCacheDir());
  for (let index = 0; index < objects; index++) {
    cache.put(`kubelet/configmaps.v1.core/ns-${index % 20}/object-${index}`, {
      uid: crypto.randomUUID(),
      resourceVersion: String(1_000_000 + index),
      padding: 120,
    });
  }
  const flags = [
    `--cache-dir=${cache.root}`,
    `--state-dir=${state}/${name}`,
    `--etcd-servers=${etcd.endpoint}`,
    `--node-name=${name}`,
    `--etcd-prefix=/${name}/registry`,
    `--settle-time=${SETTLE_MS}ms`,
  ];
  // Files that were young when they were read are read once more.
  for (let pass = 0; pass < 2; pass++) {
    await sleep(2 * SETTLE_MS);
    run(BINARY, ["--reconcile", ...flags]);
  }
  return flags;
}

async function daemon(keys: number): Promise<Idle> {
  const name = `keys-${keys}`;
  const socket = `${state}/${name}.sock`;
  const flags = await node(name, keys);
  const process = spawn(BINARY, ["run", ...flags, `--listen=unix:${socket}`]);
  await ready(socket);
  return { what: `${keys} keys`, process };
}

/** Starts program and floor in turns, warm, then each with its file not in memory. */
function start(what: string, args: readonly string[]): void {
  for (const rounds of [ROUNDS, COLD_ROUNDS]) {
    const cold = rounds === COLD_ROUNDS;
    const runs: { readonly ours: Run; readonly floor: Run }[] = [];
    for (let round = 0; round <= rounds; round++) {
      const floor = run(FLOOR, [], cold);
      const ours = run(BINARY, args, cold);
      if (round > 0) runs.push({ floor, ours }); // the first one warms up
    }
    const ratio = median(runs.map(({ ours, floor }) => ours.ms / floor.ms));
    const label = `${what}, ${cold ? "cold" : "warm"}`;
    show(
      label,
      "ms",
      median(runs.map(({ ours }) => ours.ms)),
      median(runs.map(({ floor }) => floor.ms)),
      ratio,
    );
    show(
      "  CPU",
      "ms",
      mean(runs.map(({ ours }) => ours.cpuMs)),
      mean(runs.map((r) => r.floor.cpuMs)),
    );
  }
}

interface Run {
  readonly ms: number;
  readonly cpuMs: number;
}

function run(program: string, args: readonly string[], cold = false): Run {
  if (cold) forget(program);
  const cpuMs = childrenCpuMs();
  const startMs = performance.now();
  const { success, stderr } = new Deno.Command(program, { args: [...args] }).outputSync();
  const ms = performance.now() - startMs;
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return { ms, cpuMs: childrenCpuMs() - cpuMs };
}

/** Has the kernel drop a file from memory, which needs no root. */
function forget(path: string): void {
  const { success } = new Deno.Command("dd", {
    args: [`if=${path}`, "iflag=nocache", "count=0", "status=none"],
  }).outputSync();
  if (!success) throw new Error(`dd can't drop ${path} from memory`);
}

function spawn(program: string, args: readonly string[]): Deno.ChildProcess {
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  const process = new Deno.Command(program, { args: [...args], env: ENV, ...quiet }).spawn();
  stack.defer(async () => {
    process.kill("SIGTERM");
    await process.status;
  });
  return process;
}

async function ready(socket: string): Promise<void> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline) {
    try {
      const answer = await fetch("http://127.0.0.1/readyz", { client });
      await answer.body?.cancel();
      if (answer.ok) return;
    } catch {
      // It does not listen yet.
    }
    await sleep(100);
  }
  throw new Error(`the daemon on ${socket} is not ready`);
}

/** utime and stime of a process, or with `ended` those of children that have ended. */
function ticks(stat: string, ended: boolean): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = ended ? fields.slice(13, 15) : fields.slice(11, 13);
  return Number(user) + Number(system);
}

function ticksOf({ process }: Idle): number {
  return ticks(Deno.readTextFileSync(`/proc/${process.pid}/stat`), false);
}

function childrenCpuMs(): number {
  return ticks(Deno.readTextFileSync("/proc/self/stat"), true) * TICK_MS;
}

/** Fields of a process' status in MB. */
function memoryOf({ process }: Idle): Record<"VmRSS" | "RssAnon" | "VmHWM", number> {
  const status = Deno.readTextFileSync(`/proc/${process.pid}/status`);
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * KIB / MB;
  return { VmRSS: field("VmRSS"), RssAnon: field("RssAnon"), VmHWM: field("VmHWM") };
}

function show(what: string, unit: string, ours = NaN, floor = NaN, ratio = ours / floor): void {
  const figure = (value: number) => value.toFixed(value < 100 ? 1 : 0);
  out(`${what}: ${figure(ours)} ${unit}, floor ${figure(floor)}: ${ratio.toFixed(2)}x`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
