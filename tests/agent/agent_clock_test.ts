import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { setImmediate } from "node:timers";
import { Agent, type AgentClock, type LogFields } from "../../lib/agent/mod.ts";
import { EtcdError } from "../../lib/etcd/mod.ts";
import { ComponentKeyCache } from "../../lib/keycache/mod.ts";
import { EtcdModel } from "../sim/etcd_model.ts";
import { FsModel } from "../sim/fs_model.ts";
import { KvDisk } from "../sim/kv_disk.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { objectBytes } from "../support/objects.ts";

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

Deno.test("Agent takes time, timers and dice from its parts alone, and so a day from a test", async () => {
  const time = new Time();
  const fs = new FsModel(time.clock.nowMs);
  const etcd = new EtcdModel();
  const disk = new KvDisk();
  const lines: [string, LogFields | undefined][] = [];
  let away = false;
  let calls = 0;
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
    setup: { endpoints: [], stateDir: "/state", settings: {} },
    debounceMs: 200,
    resyncIntervalMs: RESYNC_MS,
    retryMaxMs: 30_000,
    beatMs: 30_000,
  }, {
    clock: time.clock,
    openCache: () => Promise.resolve(cache),
    checkFiles: () => {},
    connect: () => Promise.resolve(etcd),
    credentials: () => "",
    store: () => ({
      cache,
      etcd: {
        range: (request) => {
          calls++;
          return away
            ? Promise.reject(new EtcdError("unreachable", "can't reach etcd"))
            : etcd.range(request);
        },
        txn: (request) => etcd.txn(request),
        hasNoSpaceAlarm: () => etcd.hasNoSpaceAlarm(),
        close() {},
      },
      maxTxnOps: 128,
      requestBytes: 1_000_000,
      random,
      clock: time.clock,
    }),
    log: (_, message, fields) => lines.push([message, fields]),
    watch: () => {
      throw new Error(limit);
    },
    identifyRoot: () => "1",
    beat() {},
    changed() {},
    random: () => 0.5,
  }, cache);
  const keys = () =>
    etcd.dump().map(({ key }) => key.toString()).filter((key) => key < "/s" && key > "/r");
  using _ = withoutGlobals();
  const running = agent.run();
  await time.pass(5_000);
  deepStrictEqual(keys(), ["/registry/pods/default/a", "/registry/pods/default/b"]);
  strictEqual(agent.known.state, "in-step");
  // Nothing watches the cache: it is looked at every 30 s.
  fs.remove(`${pods}/b`);
  await time.pass(40_000);
  deepStrictEqual(keys(), ["/registry/pods/default/a"]);
  // Drift is found by a full pass, and no later.
  etcd.delete("/registry/pods/default/a");
  await time.pass(RESYNC_MS);
  deepStrictEqual(keys(), ["/registry/pods/default/a"]);
  away = true;
  await time.pass(24 * HOUR_MS);
  strictEqual(agent.known.state, "etcd-away");
  const before = calls;
  await time.pass(HOUR_MS);
  // Pauses are of 22.5 s with these dice, and never longer.
  ok(calls - before >= HOUR_MS / 22_500 - 1 && calls - before < 4 * HOUR_MS / 22_500, `${calls}`);
  away = false;
  await time.pass(60_000);
  strictEqual(agent.known.state, "in-step");
  agent.stop();
  await running;
  deepStrictEqual(
    lines.filter(([message]) => message !== "brought in step").map(([message]) => message),
    [
      "the cache can't be watched, it is looked at every 30 s",
      "can't reach etcd",
      "in step again",
    ],
  );
});
