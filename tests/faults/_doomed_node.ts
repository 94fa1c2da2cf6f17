import { rmSync } from "node:fs";
import { EdgeNode } from "../e2e/_node.ts";
import type {
  EdgekeydOptions,
  EdgekeydProcess,
  EdgekeydResult,
} from "../support/edgekeyd_process.ts";
import { WITH_KILL_POINTS } from "./_kill_points.ts";

/** A node whose daemon ends itself at a named point, from its start on or once it is told to. */
export class DoomedNode extends EdgeNode {
  readonly #from = `${this.root}/kill-from-now-on`;
  #last: EdgekeydProcess | undefined;

  override start(args: readonly string[], options: EdgekeydOptions = {}): EdgekeydProcess {
    this.#last = super.start(args, { ...options, main: WITH_KILL_POINTS });
    return this.#last;
  }

  /** What was started last. */
  get agent(): EdgekeydProcess {
    if (!this.#last) throw new Error("nothing was started");
    return this.#last;
  }

  /** How that ended, once it has. */
  async ended(): Promise<EdgekeydResult> {
    return await this.agent.result;
  }

  /** More of a daemon's environment: until {@linkcode DoomedNode.doom} nothing counts. */
  spared(): { readonly KILL_FROM: string } {
    rmSync(this.#from, { force: true });
    return { KILL_FROM: this.#from };
  }

  /** From now on what the agent does counts. */
  doom(): void {
    Deno.writeTextFileSync(this.#from, "");
  }
}
