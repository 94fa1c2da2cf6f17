import type { Log } from "../agent/mod.ts";
import { type Identity, KeyCacheError, type StateDirectory } from "../keycache/mod.ts";
import type { Options } from "./options.ts";
import { rememberedCluster, renamedHost, toRemember } from "./remembered.ts";

/** Has the state directory remember how the daemon is set up, for commands that come without flags. */
export class DaemonMemory {
  readonly #directory: StateDirectory;
  readonly #log: Log;
  #options: Options;
  #clusterId: string | undefined;

  /**
   * Makes it; nothing is written yet.
   *
   * @param options how the daemon is set up
   * @param directory what remembers it
   * @param log told what an operator should know
   */
  constructor(options: Options, directory: StateDirectory, log: Log) {
    this.#options = options;
    this.#directory = directory;
    this.#log = log;
    this.#clusterId = rememberedCluster(options.remembered);
  }

  /** The cluster that answered last, in this run or an earlier one; decimal. */
  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /**
   * Writes down how the daemon is set up.
   *
   * @param identity whose state directory it is, whatever the host is called now
   */
  begin({ nodeName, prefix }: Identity): void {
    const renamed = renamedHost(this.#options, nodeName);
    if (renamed !== undefined) this.#log("notice", renamed);
    this.#options = { ...this.#options, nodeName, etcdPrefix: prefix };
    this.#write();
  }

  /**
   * Takes in which cluster answers.
   *
   * @param id its id, decimal
   */
  met(id: string): void {
    if (id === this.#clusterId) return;
    if (this.#clusterId !== undefined) {
      this.#log(
        "warning",
        "etcd is another cluster than before: if it was not made anew, what this node wrote to the " +
          "other one stays there",
        { before: this.#clusterId, now: id },
      );
    }
    this.#clusterId = id;
    this.#write();
  }

  #write(): void {
    const { remembered } = this.#options;
    try {
      this.#directory.remember(toRemember(this.#options, remembered, "run", this.#clusterId));
    } catch (error) {
      if (!(error instanceof KeyCacheError)) throw error;
      this.#log("warning", "commands without flags won't know these settings", {
        reason: error.message,
      });
    }
  }
}
