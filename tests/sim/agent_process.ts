import type { AgentClock } from "../../lib/agent/mod.ts";
import { FenceError } from "../../lib/store/mod.ts";
import { ALL, drawFlags, type Flags } from "./flags.ts";
import type { Mark } from "./marks.ts";
import { COMPONENTS } from "./workload.ts";
import {
  CrashSignal,
  fenceOf,
  type Lineage,
  type Operation,
  tell,
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
  /** What it was started with. */
  readonly flags: Flags;
  readonly #world: World;
  alive = true;
  /** The latest commit to the cache's database was not the last one of its kind. */
  halfWritten = false;
  /** What it does now. */
  #operation: Operation | undefined;
  /** What the wall clock was ahead of the other when the process began. */
  readonly #bornMs: number;

  constructor(world: World, lineage: Lineage, number: number) {
    this.#world = world;
    this.lineage = lineage;
    this.number = number;
    this.name = `${lineage.name}#${number}`;
    const { prng, weather, marks } = world;
    const isNarrow = prng.chance(weather.narrow);
    this.flags = isNarrow ? drawFlags(prng, COMPONENTS) : ALL;
    if (isNarrow) marks.hit("flags that leave something out");
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
    await this.#world.scheduler.park();
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

  /** What it does now: nothing is sent to etcd without. */
  get operation(): Operation {
    if (!this.#operation) throw new Error(`${this.name} does something that nobody knows of`);
    return this.#operation;
  }

  /** It does something. */
  get isBusy(): boolean {
    return this.#operation !== undefined;
  }

  /** Something begins. */
  begin(order: Omit<Operation, "lineage" | "startTick" | "flags">): void {
    const { lineage, flags } = this;
    const operation = { ...order, lineage, flags, startTick: ++this.#world.tick };
    this.#operation = operation;
    lineage.operationStart = operation.startTick;
    lineage.live = true;
    this.#world.trace(() => {
      const what = [order.component, order.gvr, ...order.keys ?? []].filter(Boolean).join(" ");
      return `${this.name}: ${order.kind} begins ${what}`;
    });
    tell(this.#world, (checker) => checker.operationBegins?.(operation));
  }

  /**
   * What it does, if it does anything, has ended.
   *
   * @param failure what it failed with, if it did
   */
  end(failure: Error | undefined): void {
    const operation = this.#operation;
    if (!operation) return;
    const { lineage, kind } = operation;
    this.#operation = undefined;
    lineage.operationStart = Infinity;
    if (failure instanceof FenceError) {
      lineage.refused = true;
      const other = failure.verdict === "other-life";
      this.#world.marks.hit(other ? "refused: other life" : "refused: rolled back");
    }
    if (failure === undefined && kind === "adopt") lineage.refused = false;
    this.#world.trace(() => `${this.name}: ${kind} ${failure ? `fails: ${failure}` : "done"}`);
    tell(this.#world, (checker) => checker.operationEnded?.(operation, failure));
  }

  /** What a write of this process is, if it is sent now. */
  write(next: string): Write & { by: "agent" } {
    const { lineage, operation } = this;
    const { tick } = this.#world;
    return { by: "agent", tick, sentTick: tick, next, lineage, operation };
  }

  /** Time as this process sees it. */
  get clock(): AgentClock {
    const { clock, prng, scheduler } = this.#world;
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
      alarm: (ms, ring) => scheduler.alarm(ms, () => this.alive && ring()),
    };
  }
}
