import type { Clock } from "../../lib/clock.ts";
import type { Mark } from "./marks.ts";
import {
  CrashSignal,
  fenceOf,
  type Lineage,
  type Operation,
  type World,
  type Write,
} from "./world.ts";

/**
 * A process of the agent's: it runs on one state directory until it crashes. Whatever it asks of
 * the outside goes through {@linkcode AgentProcess.turn}, where others may come first and where it
 * may die.
 */
export class AgentProcess {
  readonly name: string;
  readonly lineage: Lineage;
  readonly number: number;
  readonly #world: World;
  alive = true;
  /** The latest commit to the cache's database was not the last one of its kind. */
  halfWritten = false;
  operation: Operation;
  /** What the wall clock was ahead of the other when the process began. */
  readonly #bornMs: number;

  constructor(world: World, lineage: Lineage, number: number, operation: Operation) {
    this.#world = world;
    this.lineage = lineage;
    this.number = number;
    this.name = `${lineage.name}#${number}`;
    this.operation = operation;
    this.#bornMs = world.clock.nowMs - world.clock.monotonicMs;
  }

  /**
   * A step of the process to the outside.
   *
   * @param what for the trace
   * @param mark what it is called if it dies here
   * @throws {CrashSignal} if it dies here, or is dead already
   */
  async turn(what: string, mark?: Mark): Promise<void> {
    await this.#world.scheduler.park(this.name);
    this.#world.tick++;
    if (!this.alive) throw new CrashSignal(what);
    if (mark && this.#world.prng.chance(this.#world.weather.crash)) {
      this.#world.marks.hit(mark);
      this.crash();
    }
  }

  /** Dies, here and now. */
  crash(): never {
    this.alive = false;
    const { disk } = this.lineage;
    this.#world.trace(() => `${this.name}: crash`);
    const { header } = disk;
    const fence = this.#world.etcd.get(fenceOf(this.lineage))?.value.toString();
    if (header && fence === header.bump) {
      this.#world.marks.hit("bump, then a crash before the intent was cleared");
    }
    if (!header && disk.hasChunks) this.#world.marks.hit("intent torn between its atomics");
    if (header && this.halfWritten) this.#world.marks.hit("outcome torn between its atomics");
    throw new CrashSignal(this.name);
  }

  /** What a write of this process is, if it is sent now. */
  write(next: string): Write & { by: "agent" } {
    const { lineage, operation } = this;
    const { tick } = this.#world;
    return { by: "agent", tick, sentTick: tick, next, lineage, operation };
  }

  /** Time as this process sees it. */
  get clock(): Clock {
    const { clock, prng } = this.#world;
    return {
      nowMs: () => clock.nowMs,
      steadyMs: () => this.#bornMs + clock.monotonicMs,
      monotonicMs: () => clock.monotonicMs,
      sleep: async (ms) => {
        await this.turn("sleep");
        clock.advance(ms);
        await this.turn("slept");
      },
      pause: async () => {
        await this.turn("pause");
        clock.advance(prng.between(0, 3));
      },
    };
  }
}
