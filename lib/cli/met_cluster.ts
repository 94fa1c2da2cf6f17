import { type ComponentKeyCache, KeyCacheError, settingsPath } from "../keycache/mod.ts";
import type { Options } from "./options.ts";
import { namesOtherEndpoints, rememberedCluster } from "./remembered.ts";

/**
 * Holds the etcd that answers a command against the one that the state directory remembers. Another
 * etcd at the same endpoints was made anew, and is filled again; at endpoints that were given
 * instead it is most likely a slip, and nothing may be written there.
 */
export class MetCluster {
  readonly #options: Options;
  readonly #note: (text: string) => void;
  readonly #isElsewhere: boolean;
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
    this.#isElsewhere = namesOtherEndpoints(options);
    if (!this.#isElsewhere) return;
    note(
      `--etcd-servers is ${options.etcdServers.join()} here; the state directory remembers ` +
        `${options.remembered["etcd-servers"]}, which must be the same etcd`,
    );
  }

  /** The cluster that has answered (decimal); undefined if none has. */
  get id(): string | undefined {
    return this.#id;
  }

  /**
   * Takes in which cluster answers.
   *
   * @param id its id, decimal
   * @param cache what this node has put into the one that is remembered
   * @throws {KeyCacheError} `mismatch` if it is another one, at other endpoints, while this node has
   * something in that which is remembered
   */
  met(id: string, cache: ComponentKeyCache): void {
    if (id === this.#id) return;
    const { etcdServers, remembered } = this.#options;
    const known = rememberedCluster(remembered);
    const isOther = known !== undefined && id !== known;
    const hasLeft = cache.rows.size === 0 && cache.fence.expected === null && !cache.intent;
    if (isOther && this.#isElsewhere && !hasLeft) {
      throw new KeyCacheError(
        "mismatch",
        `the etcd at ${etcdServers.join()} (cluster ${id}) is not the one that this node wrote to ` +
          `(cluster ${known} at ${remembered["etcd-servers"]}); nothing was done. Leave ` +
          "--etcd-servers out, or `edgekeyd retire` there first; if that etcd is gone for good, " +
          `remove ${settingsPath(this.#options.stateDir)} and run this again`,
      );
    }
    if (isOther) this.#note(`etcd is another cluster (${id}) than the one that answered before`);
    this.#id = id;
  }
}
