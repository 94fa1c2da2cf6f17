import { Agent, makeLog } from "../../lib/agent/mod.ts";
import { clock } from "../../lib/cli/session.ts";
import { watchCache } from "../../lib/fscache/mod.ts";
import type { World } from "../reconcile/_world.ts";
import { QUIET_PARTS } from "./_parts.ts";

/** An agent in this process, whose time can be put forward. */
export class RunningAgent implements AsyncDisposable {
  readonly agent: Agent;
  /** What it logged, but for what it tells for information. */
  readonly lines: string[] = [];
  /** By so much its clock that only runs forward is ahead. */
  aheadMs = 0;
  readonly #running: Promise<void>;
  readonly #done: () => void;

  constructor(world: World, settleMs: number) {
    const { files, node } = world;
    const { cache } = node;
    // Whoever runs the agent closes it here.
    const close = cache.close.bind(cache);
    cache.close = () => {};
    this.#done = () => {
      cache.close = close;
    };
    const options = world.options();
    const log = (line: string) => {
      if (!line.startsWith("info: ")) this.lines.push(line);
    };
    this.agent = new Agent(
      {
        reconcile: { ...options, source: { ...options.source, settleMs } },
        version: "0.0.0",
        rejoin: false,
        setup: { endpoints: [], stateDir: "", settings: {} },
        debounceMs: 20,
        resyncIntervalMs: 600_000,
        retryMaxMs: 100,
        beatMs: 100,
      },
      {
        ...QUIET_PARTS,
        clock: {
          ...clock,
          ...world.clock,
          monotonicMs: () => performance.now() + this.aheadMs,
        },
        openCache: () => Promise.resolve(cache),
        connect: () => Promise.resolve(node.etcd),
        store: (_, etcd) => ({ ...node.context, etcd }),
        log: makeLog("text", log, () => new Date()),
        watch: (hint) => watchCache(files.root, hint),
      },
      cache,
    );
    this.#running = this.agent.run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.stop();
    await this.#running;
    this.#done();
  }
}
