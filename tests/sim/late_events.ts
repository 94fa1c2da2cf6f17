import { EtcdError, type KeyWatch, type WatchEvent } from "../../lib/etcd/mod.ts";
import type { AgentProcess } from "./agent_process.ts";
import type { World } from "./world.ts";

/** An event is told no later than this, as a rule, in ms. */
const DELAY_MS = 20;
/** The same for one that is late. */
const LATE_MS = 4_000;
/** A connection that is dead is found out by its keepalive after this long. */
const KEEPALIVE_MS = 8_000;

/**
 * A watch on its way through the network: its events come later, in their order, and if the
 * connection dies they are lost until that is found out.
 */
export class LateEvents {
  readonly #world: World;
  readonly #process: AgentProcess;
  readonly #told: (event: WatchEvent) => void;
  readonly #dead = Promise.withResolvers<EtcdError>();
  #isDead = false;
  #lastMs = 0;

  constructor(world: World, process: AgentProcess, told: (event: WatchEvent) => void) {
    this.#world = world;
    this.#process = process;
    this.#told = told;
  }

  /** Takes an event as etcd sends it. */
  take(event: WatchEvent): void {
    const { prng, weather, marks, clock, scheduler } = this.#world;
    if (!this.#isDead && prng.chance(weather.etcdWatchDead)) {
      this.#isDead = true;
      scheduler.alarm(KEEPALIVE_MS, () => {
        this.#dead.resolve(new EtcdError("unavailable", "the keepalive was not answered"));
      });
    }
    if (this.#isDead) return marks.hit("event of etcd's lost");
    const isLate = prng.chance(weather.etcdEventLate);
    if (isLate) marks.hit("event of etcd's late");
    const atMs = clock.monotonicMs + prng.between(0, isLate ? LATE_MS : DELAY_MS);
    this.#lastMs = Math.max(this.#lastMs, atMs);
    scheduler.alarm(this.#lastMs - clock.monotonicMs, () => {
      if (!this.#isDead && this.#process.alive) this.#told(event);
    });
  }

  /** The watch as it arrives. */
  through(watch: KeyWatch): KeyWatch {
    return { ...watch, ended: Promise.race([watch.ended, this.#dead.promise]) };
  }
}
