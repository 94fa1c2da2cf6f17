import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Agent, type AgentClock, type LogFields } from "../../lib/agent/mod.ts";
import { type Etcd, EtcdError } from "../../lib/etcd/mod.ts";
import { ComponentKeyCache } from "../../lib/keycache/mod.ts";
import { EtcdModel } from "../sim/etcd_model.ts";
import { FsModel } from "../sim/fs_model.ts";
import { KvDisk } from "../sim/kv_disk.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { objectBytes } from "../support/objects.ts";
import { QUIET_PARTS } from "./_parts.ts";

const HOUR_MS = 3_600_000;
const RESYNC_MS = 600_000;

/** Time that passes only when nobody has anything to do before the next alarm. */
class Time {
  readonly #clock = new VirtualClock();
  readonly #alarms = new Set<{ readonly atMs: number; readonly ring: () => void }>();

  readonly clock: AgentClock = {
    nowMs: () => this.#clock.nowMs,
    steadyMs: () => this.#clock.nowMs,
    monotonicMs: () => this.#clock.monotonicMs,
    sleep: (ms) => new Promise((resolve) => this.clock.alarm(ms, resolve)),
    pause: () => Promise.resolve(),
    alarm: (ms, ring) => {
      const alarm = { atMs: this.#clock.monotonicMs + ms, ring };
      this.#alarms.add(alarm);
      return () => this.#alarms.delete(alarm);
    },
  };

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#clock.monotonicMs + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = [...this.#alarms].sort((a, b) => a.atMs - b.atMs);
      if (!next || next.atMs > untilMs) break;
      this.#alarms.delete(next);
      this.#clock.advance(next.atMs - this.#clock.monotonicMs);
      next.ring();
    }
    this.#clock.advance(untilMs - this.#clock.monotonicMs);
  }
}

/** Whoever asks the machine for time, a timer or dice, fails until this is disposed of. */
function withoutGlobals(): Disposable {
  const { setTimeout, setInterval, Date: RealDate } = globalThis;
  const [random, monotonic] = [Math.random, performance.now];
  const asked = (what: string) => (): never => {
    throw new Error(`${what} was asked`);
  };
  class NoDate extends RealDate {
    constructor(...given: [] | [number]) {
      if (given.length === 0) asked("Date")();
      super(...given as [number]);
    }
    static override now = asked("Date.now");
  }
  Object.assign(globalThis, {
    setTimeout: asked("setTimeout"),
    setInterval: asked("setInterval"),
    Date: NoDate,
  });
  Math.random = asked("Math.random");
  performance.now = asked("performance.now");
  return {
    [Symbol.dispose]() {
      Object.assign(globalThis, { setTimeout, setInterval, Date: RealDate });
      Math.random = random;
      performance.now = monotonic;
    },
  };
}

/** An agent on models of all that it works with, and the means to let something happen to it. */
async function agentOnModels() {
  const time = new Time();
  const fs = new FsModel(time.clock.nowMs);
  const etcd = new EtcdModel();
  const disk = new KvDisk();
  const lines: [string, LogFields | undefined][] = [];
  const link = { away: false, loseNext: false, calls: 0 };
  let ids = 0;
  const random = () => `${++ids}`.padStart(32, "0");
  const cache = await ComponentKeyCache.load({
    path: "/state",
    async *list(prefix) {
      yield* disk.list(prefix);
    },
    commit: (mutations) => Promise.resolve(disk.commit(mutations)),
    close() {},
  }, { nodeName: "n1", prefix: "/registry", newLife: random, nowMs: time.clock.nowMs });
  const pods = "cache/kubelet/pods.v1.core/default";
  const segments = pods.split("/");
  segments.forEach((_, at) => fs.makeDirectory(segments.slice(0, at + 1).join("/")));
  for (const name of ["a", "b"]) fs.write(`${pods}/${name}`, objectBytes({ name }));
  const limit = "OS file watch limit reached";
  const agent = new Agent({
    reconcile: {
      source: {
        root: "cache",
        fs,
        coverage: { components: undefined, excludeResources: undefined },
        settleMs: 2_000,
        maxObjectBytes: 1_000_000,
      },
      policy: "fresher",
      maxDeletePercent: 50,
      confirmDeletes: false,
      requireSingleTxn: false,
      adopt: false,
    },
    version: "0.0.0",
    rejoin: false,
    setup: { endpoints: [], stateDir: "/state", settings: {} },
    debounceMs: 200,
    resyncIntervalMs: RESYNC_MS,
    retryMaxMs: 30_000,
    beatMs: 30_000,
  }, {
    ...QUIET_PARTS,
    clock: time.clock,
    openCache: () => Promise.resolve(cache),
    connect: () =>
      Promise.resolve<Etcd>({
        range(request) {
          link.calls++;
          const { away, loseNext } = link;
          link.loseNext = false;
          return away || loseNext
            ? Promise.reject(new EtcdError("unreachable", "can't reach etcd"))
            : etcd.range(request);
        },
        rangeAll: (requests) => etcd.rangeAll(requests),
        txn: (request) => etcd.txn(request),
        hasNoSpaceAlarm: () => etcd.hasNoSpaceAlarm(),
        watch(watched, told) {
          link.calls++;
          return link.away
            ? Promise.reject(new EtcdError("unreachable", "can't reach etcd"))
            : etcd.watch(watched, told);
        },
        close() {},
      }),
    store: (cache, etcd) => ({
      cache,
      etcd,
      maxTxnOps: 128,
      requestBytes: 1_000_000,
      random,
      clock: time.clock,
    }),
    log: (_, message, fields) => lines.push([message, fields]),
    watch: () => {
      throw new Error(limit);
    },
  }, cache);
  const keys = () =>
    etcd.dump().map(({ key }) => key.toString()).filter((key) => key < "/s" && key > "/r");
  /** What happened that is worth a line in the log, beside changes. */
  const told = () =>
    lines.map(([message]) => message).filter((message) => !message.startsWith("brought in step"));
  const goAway = () => {
    link.away = true;
    etcd.cutWatches();
  };
  return { agent, time, fs, etcd, link, goAway, pods, keys, told };
}

Deno.test("Agent takes time, timers and dice from its parts alone, and so a day from a test", async () => {
  const { agent, time, fs, etcd, link, goAway, pods, keys, told } = await agentOnModels();
  using _ = withoutGlobals();
  const running = agent.run();
  await time.pass(5_000);
  deepStrictEqual(keys(), ["/registry/pods/default/a", "/registry/pods/default/b"]);
  strictEqual(agent.known.state, "in-step");
  // Nothing watches the cache: it is looked at every 30 s.
  fs.remove(`${pods}/b`);
  await time.pass(40_000);
  deepStrictEqual(keys(), ["/registry/pods/default/a"]);
  etcd.delete("/registry/pods/default/a");
  await time.pass(400);
  deepStrictEqual(keys(), [], "whoever deleted it may be about to put another");
  await time.pass(2_000);
  deepStrictEqual(keys(), ["/registry/pods/default/a"]);
  // Other drift is found by a full pass, and no later.
  etcd.put("/registry/pods/default/a", objectBytes({ name: "a", resourceVersion: "1" }));
  goAway();
  await time.pass(24 * HOUR_MS);
  strictEqual(agent.known.state, "etcd-away");
  const before = link.calls;
  await time.pass(HOUR_MS);
  // It is looked for every second, and by passes now and then.
  const calls = link.calls - before;
  ok(calls >= HOUR_MS / 1_000 && calls < 3 * HOUR_MS / 1_000, `${calls}`);
  link.away = false;
  await time.pass(2_000);
  strictEqual(agent.known.state, "in-step");
  agent.stop();
  await running;
  deepStrictEqual(told(), [
    "the cache can't be watched, it is looked at every 30 s or sooner",
    "can't reach etcd",
    "in step again",
  ]);
});

Deno.test("an idle agent finds within 2 s that etcd was emptied, or is away; one lost answer is nothing", async () => {
  const { agent, time, etcd, link, goAway, keys, told } = await agentOnModels();
  using _ = withoutGlobals();
  const running = agent.run();
  // What is young is looked at twice, and then nothing is due for minutes.
  await time.pass(20_000);
  const all = ["/registry/pods/default/a", "/registry/pods/default/b"];
  deepStrictEqual(keys(), all);
  etcd.reset();
  await time.pass(2_000);
  deepStrictEqual(keys(), all, "filled again");
  strictEqual(agent.known.state, "in-step");

  link.loseNext = true;
  etcd.cutWatches();
  await time.pass(2_000);
  strictEqual(agent.known.state, "in-step", "one lost answer");
  goAway();
  await time.pass(2_000);
  const { state, etcd: { state: reach } } = agent.known;
  deepStrictEqual([state, reach], ["etcd-away", "away"]);
  link.away = false;
  await time.pass(2_000);
  strictEqual(agent.known.state, "in-step");
  agent.stop();
  await running;
  deepStrictEqual(told(), [
    "the cache can't be watched, it is looked at every 30 s or sooner",
    "etcd came back empty or older than the cache; what is missing is put again",
    "can't reach etcd",
    "in step again",
  ]);
});

Deno.test("an operation has its turn between passes that are asked for without end", async () => {
  const { agent, time } = await agentOnModels();
  using _ = withoutGlobals();
  const running = agent.run();
  await time.pass(20_000);
  const request = { dryRun: false, confirmDeletes: false, requireSingleTxn: false };
  const { signal } = new AbortController();
  let passes = 0;
  const askFor = async () => {
    for (let pass = 0; pass < 20; pass++) {
      await agent.reconcileNow(request, signal);
      passes++;
    }
  };
  const asking = [askFor(), askFor()];
  const turns = Array.from(
    { length: 5 },
    () => agent.submit(() => Promise.resolve(passes), signal),
  );
  await time.pass(60_000);
  await Promise.all(asking);
  ok((await Promise.all(turns)).every((after) => after <= 2), "with the next pass at the latest");
  agent.stop();
  await running;
});

Deno.test("status that finds an emptied etcd says so at once, and the agent fills it again", async () => {
  const { agent, time, etcd, keys } = await agentOnModels();
  using _ = withoutGlobals();
  const stateNow = (): string => agent.known.state;
  const running = agent.run();
  await time.pass(20_000);
  etcd.reset();
  const { state, notReady, conditions } = await agent.status();
  deepStrictEqual([state, notReady.length, conditions[0]?.condition], ["partial", 1, "etcd-reset"]);
  strictEqual(agent.known.state, "partial", "readiness and metrics say so too");
  // Another node of the pool may be filling it: it waits up to 1.5 s, and looks first.
  for (let passedMs = 0; passedMs < 3_000; passedMs += 100) {
    await time.pass(100);
    ok(keys().length === 2 || stateNow() !== "in-step", "in step, and empty");
  }
  strictEqual(keys().length, 2);
  strictEqual(agent.known.state, "in-step");
  etcd.reset();
  const asking = agent.verify(new AbortController().signal);
  await time.pass(3_000);
  strictEqual((await asking).fence, "reset");
  strictEqual(keys().length, 2);
  agent.stop();
  await running;
});
