import type { Log } from "../agent/mod.ts";
import {
  type Identity,
  KeyCacheError,
  type RememberedSettings,
  type StateDirectory,
} from "../keycache/mod.ts";
import type { HomeCluster } from "../store/mod.ts";
import { FLAG_NAMES } from "./flags.ts";
import { homeOf } from "./met_cluster.ts";
import type { Options } from "./options.ts";
import { clock } from "./session.ts";
import { rememberedCluster, renamedHost, toRemember } from "./remembered.ts";

/** Has the state directory remember how the daemon is set up, for commands that come without flags. */
export class DaemonMemory {
  readonly #directory: StateDirectory;
  readonly #log: Log;
  #options: Options;
  #remembered: RememberedSettings;
  #met: string | undefined;

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
    this.#remembered = options.remembered;
  }

  /** The cluster that this node wrote to, in this run or an earlier one; decimal. */
  get clusterId(): string | undefined {
    return rememberedCluster(this.#remembered);
  }

  /** The same with all that is known of it, to be told which one answers. */
  get home(): HomeCluster {
    return { ...homeOf(this.#options, this.#remembered), met: (id) => this.#meet(id) };
  }

  /**
   * Writes down how the daemon is set up, but for which etcd it has: that has to answer first.
   *
   * @param identity whose state directory it is, whatever the host is called now
   */
  begin({ nodeName, prefix }: Identity): void {
    const renamed = renamedHost(this.#options, nodeName);
    if (renamed !== undefined) this.#log("notice", renamed);
    this.#options = { ...this.#options, nodeName, etcdPrefix: prefix };
    this.#write();
    this.#note("a daemon that is gone won't be missed", () => {
      this.#directory.daemonStarted(new Date(clock.nowMs()).toISOString());
    });
  }

  /** The daemon was stopped: commands need not miss it. */
  end(): void {
    this.#note("commands will miss a daemon that was stopped", () => {
      this.#directory.daemonStopped();
    });
  }

  #meet(id: string): void {
    if (id === this.#met) return;
    const { clusterId } = this;
    if (clusterId !== undefined && clusterId !== id) {
      this.#log(
        "warning",
        "etcd is another cluster than before: if it was not made anew, what this node wrote to the " +
          "other one stays there",
        { before: clusterId, now: id },
      );
    }
    this.#met = id;
    this.#write();
  }

  #write(): void {
    const before = this.#remembered;
    const now = toRemember(this.#options, before, "run", this.#met);
    for (const name of FLAG_NAMES) {
      if (before[name] === undefined || before[name] === now[name]) continue;
      this.#log("notice", "a setting is another than before", {
        setting: `--${name}`,
        before: before[name],
        now: now[name] ?? "the default",
      });
    }
    this.#remembered = now;
    this.#note("commands without flags won't know these settings", () => {
      this.#directory.remember(now);
    });
  }

  /** What can't be written down is no reason to end, but to say what follows from it. */
  #note(otherwise: string, write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof KeyCacheError)) throw error;
      this.#log("warning", otherwise, { reason: error.message });
    }
  }
}
