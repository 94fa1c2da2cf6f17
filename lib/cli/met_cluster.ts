import { settingsPath } from "../keycache/mod.ts";
import type { HomeCluster } from "../store/mod.ts";
import type { Options } from "./options.ts";
import { isElsewhere, namesOtherEndpoints, rememberedCluster } from "./remembered.ts";

/**
 * What a command knows of the cluster that its node wrote to, and which one it met. Another etcd at
 * the same endpoints was made anew, and is filled again; at endpoints that were given instead it is
 * most likely a slip.
 */
export class MetCluster {
  readonly #options: Options;
  readonly #note: (text: string) => void;
  #id: string | undefined;

  /**
   * Says it at once if the endpoints are others.
   *
   * @param options the flags
   * @param note told what a person should know
   */
  constructor(options: Options, note: (text: string) => void) {
    this.#options = options;
    this.#note = note;
    if (!namesOtherEndpoints(options)) return;
    note(
      `--etcd-servers is ${options.etcdServers.join()} here; the state directory remembers ` +
        `${options.remembered["etcd-servers"]}, which must be the same etcd`,
    );
  }

  /** The cluster that this node belongs to and has met (decimal); undefined if it met none. */
  get id(): string | undefined {
    return this.#id;
  }

  /** The cluster that this node wrote to, as the state directory remembers it. */
  get home(): HomeCluster {
    const options = this.#options;
    return { ...homeOf(options, options.remembered), met: (id) => this.#met(id) };
  }

  #met(id: string): void {
    if (id === this.#id) return;
    const known = rememberedCluster(this.#options.remembered);
    if (known !== undefined && id !== known) {
      this.#note(`etcd is another cluster (${id}) than the one that answered before`);
    }
    this.#id = id;
  }
}

/**
 * The cluster that a node wrote to.
 *
 * @param options the flags
 * @param remembered what is remembered now
 */
export function homeOf(
  options: Options,
  remembered: Options["remembered"],
): Omit<HomeCluster, "met"> {
  return {
    clusterId: rememberedCluster(remembered),
    endpoints: options.etcdServers.join(),
    endpointsBefore: remembered["etcd-servers"],
    isElsewhere: isElsewhere({ ...options, remembered }),
    settings: settingsPath(options.stateDir),
  };
}
