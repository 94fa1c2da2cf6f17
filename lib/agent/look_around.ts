import type { EdgekeydError } from "../errors.ts";
import { KeyCacheError } from "../keycache/mod.ts";
import type { AgentClock } from "./agent_clock.ts";
import type { Connections } from "./connections.ts";
import type { Findings } from "./findings.ts";
import type { Log } from "./log.ts";
import type { RootWatch } from "./root_watch.ts";
import type { Schedule } from "./schedule.ts";

/** How often the component-key cache's files and the certificates are looked at. */
export const LOOK_AROUND_MS = 5_000;

/** What a look around is given of the world. */
export interface LookAroundParts {
  readonly clock: AgentClock;
  readonly log: Log;
}

/** What is looked at, and who is told. */
export interface LookAroundTools {
  readonly connections: Connections;
  readonly findings: Findings;
  readonly schedule: Schedule;
  readonly watch: RootWatch;
}

/** What is done about what a look around finds. */
export interface LookAroundActs {
  /** Takes in what failed. */
  failed(failure: EdgekeydError): void;
  /** Connects to etcd anew. */
  reload(): void;
}

/** Looks for what no event tells of: another root, a cache that is not in place, certificates. */
export class LookAround {
  readonly #parts: LookAroundParts;
  readonly #tools: LookAroundTools;
  readonly #acts: LookAroundActs;
  #atMs = -Infinity;
  #filesAreGone = false;

  /**
   * @param parts the world
   * @param tools what is looked at, and who is told
   * @param acts what is done about it
   */
  constructor(
    parts: LookAroundParts,
    tools: LookAroundTools,
    acts: LookAroundActs,
  ) {
    this.#parts = parts;
    this.#tools = tools;
    this.#acts = acts;
  }

  /** When the next look is due, ms of a clock that only runs forward. */
  get atMs(): number {
    return this.#atMs;
  }

  /** Looks at what it is time for. */
  async look(): Promise<void> {
    const { connections, findings, watch } = this.#tools;
    const nowMs = this.#parts.clock.monotonicMs();
    await watch.check(nowMs);
    if (nowMs < this.#atMs) return;
    this.#atMs = nowMs + LOOK_AROUND_MS;
    this.#checkFiles();
    findings.stateSeen(connections.roomFailure()?.message);
    if (connections.haveNewCredentials()) {
      this.#parts.log("notice", "certificates or password changed on disk; they are read again");
      this.#acts.reload();
    }
    await this.#retryCredentials();
  }

  /** An earlier client goes on until what could not be read can be. */
  async #retryCredentials(): Promise<void> {
    const { connections, findings } = this.#tools;
    await connections.retryCredentials();
    findings.credentialsRead(connections.credentialFailure?.message);
    findings.exposed(connections.exposures());
  }

  /** Not ready while the component-key cache is not in place; a pass at once when it is back. */
  #checkFiles(): void {
    const { connections, findings, schedule } = this.#tools;
    try {
      connections.checkFiles();
      if (this.#filesAreGone) schedule.demandFull(this.#parts.clock.monotonicMs());
      this.#filesAreGone = false;
    } catch (error) {
      if (!(error instanceof KeyCacheError)) throw error;
      this.#filesAreGone = true;
      if (findings.health.failure === undefined) this.#acts.failed(error);
    }
  }
}
