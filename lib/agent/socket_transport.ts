import { API_LIMITS } from "./api_limits.ts";
import { requestOverSocket } from "./socket_request.ts";
import { ClientError, type NodeAnswer, type NodeRequest, type Transport } from "./transport.ts";

/** How long a daemon is waited for, in ms. */
export interface Patience {
  /** For an answer that it has at hand, or gives up by itself. */
  readonly answerMs: number;
  /** For what may take as long as a first import; meanwhile it must show that it is alive. */
  readonly workMs: number;
  /** Not alive for so long, it hangs. */
  readonly hangMs: number;
}

/** How long it is by default: a little more than it takes before it answers that it gave up. */
const PATIENCE: Patience = {
  answerMs: API_LIMITS.timeoutMs + 5_000,
  workMs: API_LIMITS.longTimeoutMs + 5_000,
  hangMs: 30_000,
};
/** Between two looks whether a daemon at work is alive. */
const LOOK_MS = 1_000;

/** Carries requests to a daemon over its unix socket; none waits for ever. */
export class SocketTransport implements Transport {
  readonly name: string;
  readonly nextPass = "the daemon's next full pass";
  readonly #patience: Patience;

  /**
   * Makes it; nothing is connected yet.
   *
   * @param path of the socket
   * @param patience how long to wait
   */
  constructor(path: string, patience: Patience = PATIENCE) {
    this.name = path;
    this.#patience = patience;
  }

  async send({ long, timeoutMs: given, ...asked }: NodeRequest): Promise<NodeAnswer> {
    const timeoutMs = given ?? this.#patience[long ? "workMs" : "answerMs"];
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(new SilenceError(timeoutMs)), timeoutMs);
    const answered = new AbortController();
    const alive = long ? this.#watch(over, answered.signal) : Promise.resolve();
    try {
      return await requestOverSocket(this.name, { ...asked, signal: over.signal });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ClientError("Unreachable", `no answer on ${this.name}: ${reason}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
      answered.abort();
      await alive;
    }
  }

  /** Gives a long call up once the daemon has not answered anything else for a while either. */
  async #watch(over: AbortController, answered: AbortSignal): Promise<void> {
    const { hangMs } = this.#patience;
    while (!answered.aborted) {
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), hangMs);
      const signal = AbortSignal.any([answered, late.signal]);
      try {
        await requestOverSocket(this.name, { method: "GET", target: "/healthz", signal });
      } catch {
        if (late.signal.aborted) over.abort(new SilenceError(hangMs));
        // Else it is gone, and the long call fails by itself.
        return;
      } finally {
        clearTimeout(timer);
      }
      await pause(LOOK_MS, answered);
    }
  }
}

/** A daemon that does not answer: what it was asked for may yet be done. */
class SilenceError extends Error {
  /** @param forMs for how long */
  constructor(forMs: number) {
    super(
      `the daemon has been silent for ${forMs / 1_000} s; it hangs or was stopped, and may go on ` +
        "with this once it runs again: restart it, then see `edgekeyd status`",
    );
  }
}

async function pause(ms: number, cut: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  cut.addEventListener("abort", () => resolve(), { once: true });
  if (!cut.aborted) await promise;
  clearTimeout(timer);
}
