import type { Notifier } from "./notify.ts";

/** A reload that takes longer goes on, but the service manager is not kept waiting for it. */
const MAX_MS = 5_000;

/**
 * Tells the service manager of reloads. Each that begins ends, whatever becomes of it: until then
 * systemd shows the service as reloading, and lets others wait for it.
 */
export class Reloads {
  readonly #notifier: Pick<Notifier, "reloading" | "ready">;
  readonly #maxMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Begins with no reload under way.
   *
   * @param notifier who is told
   * @param maxMs how long a reload may take
   */
  constructor(notifier: Pick<Notifier, "reloading" | "ready">, maxMs: number = MAX_MS) {
    this.#notifier = notifier;
    this.#maxMs = maxMs;
  }

  /** A reload begins. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#notifier.reloading();
    this.#timer = setTimeout(() => this.end(), this.#maxMs);
  }

  /** It has ended, if there was one. */
  end(): void {
    if (this.#timer === undefined) return;
    this.drop();
    this.#notifier.ready();
  }

  /** The process ends: nothing more is told. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
