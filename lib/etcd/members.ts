import { deadlineIn, msUntil } from "./deadline.ts";
import { EtcdError } from "./errors.ts";
import type { ResponseHeader } from "./messages.ts";
import { peerPortWords } from "./peer_port.ts";

/** What an endpoint says of itself. */
export interface MemberStatus {
  /** Which cluster it belongs to, decimal; "0" if it is a stand-in for etcd. */
  readonly clusterId: string;
  /** Its version, as `3.5.1`. */
  readonly version: string;
}

/** Something that can be asked for that. */
export interface Member {
  readonly endpoint: string;
  /**
   * @param deadline as {@linkcode deadlineIn} counts
   * @throws {Error} if it does not answer
   */
  status(deadline: number): Promise<MemberStatus>;
  /**
   * Tells whether it is where etcd's members speak to each other, which may serve clients, too.
   *
   * @param deadline as {@linkcode deadlineIn} counts
   */
  isPeerPort(deadline: number): Promise<boolean>;
}

/** Of the time of a call, at most so much is for asking: one endpoint that hangs costs no more. */
const ASKING_SHARE = 0.25;
/** The oldest etcd that is known to do all that is asked of it. */
const OLDEST = [3, 4] as const;
const NO_CLUSTER = "0";

/** Whether all endpoints are members of one cluster, and none is too old. */
export class Members {
  readonly #members: readonly Member[];
  readonly #clusters = new Map<string, string>();
  #asked: Promise<void> | undefined;

  /** @param members all endpoints */
  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /**
   * Asks all endpoints, until one has answered; after that not again. One that does not answer may
   * be away, and is looked at when it does.
   *
   * @param deadline of the call that this goes before, as {@linkcode deadlineIn} counts
   * @throws {EtcdError} `two-clusters`, or `not-etcd` if one is too old, or no port for clients
   */
  async check(deadline: number): Promise<void> {
    const asked = this.#asked ??= this.#ask(deadline);
    try {
      await asked;
    } catch (error) {
      if (this.#asked === asked) this.#asked = undefined;
      throw error;
    }
    if (this.#clusters.size === 0 && this.#asked === asked) this.#asked = undefined;
  }

  /**
   * Compares the cluster that an answer comes from with the other endpoints', and with what this
   * endpoint said before. If it is another, all are asked again, for they may have been made anew.
   *
   * @param member who answers
   * @param options `deadline` of the call
   * @param answering its answer
   * @throws {EtcdError} `two-clusters`
   */
  async sameCluster<T extends { readonly header: ResponseHeader }>(
    { endpoint }: Member,
    { deadline }: { readonly deadline: number },
    answering: Promise<T>,
  ): Promise<T> {
    const answer = await answering;
    // Whether it is an answer at all is looked at later.
    const said: Partial<ResponseHeader> | null | undefined = answer.header;
    const clusterId = said?.cluster_id ?? NO_CLUSTER;
    const isOther = this.#isOther(endpoint, clusterId);
    this.#learn([{ endpoint, clusterId }]);
    if (isOther || this.#isMixed) {
      this.#asked = undefined;
      await this.check(deadline);
    }
    return answer;
  }

  get #isMixed(): boolean {
    return new Set(this.#clusters.values()).size > 1;
  }

  /** Tells whether an endpoint said before that it belongs to another cluster. */
  #isOther(endpoint: string, clusterId: string): boolean {
    const before = this.#clusters.get(endpoint);
    return clusterId !== NO_CLUSTER && before !== undefined && before !== clusterId;
  }

  /** Where a cluster gave way to another, nothing is known any more of who else belonged to it. */
  #learn(answers: readonly { readonly endpoint: string; readonly clusterId: string }[]): void {
    for (const { endpoint, clusterId } of answers) {
      if (!this.#isOther(endpoint, clusterId)) continue;
      const before = this.#clusters.get(endpoint);
      for (const [other, known] of this.#clusters) {
        if (known === before) this.#clusters.delete(other);
      }
    }
    for (const { endpoint, clusterId } of answers) {
      if (clusterId !== NO_CLUSTER) this.#clusters.set(endpoint, clusterId);
    }
  }

  async #ask(deadline: number): Promise<void> {
    const until = deadlineIn(msUntil(deadline) * ASKING_SHARE);
    const answers = await Promise.all(this.#members.map(async (member) => {
      const { endpoint } = member;
      const [status, isPeerPort] = await Promise.all([
        member.status(until).catch(() => undefined),
        member.isPeerPort(until),
      ]);
      if (status && isPeerPort) throw new EtcdError("not-etcd", peerPortWords(endpoint));
      if (status) requireVersion(endpoint, status.version);
      return status && { endpoint, clusterId: status.clusterId };
    }));
    this.#learn(answers.filter((answer) => answer !== undefined));
    if (this.#isMixed) throw mixed(this.#clusters);
  }
}

function requireVersion(endpoint: string, version: string): void {
  const parts = /^(\d+)\.(\d+)\./.exec(version)?.slice(1).map(Number);
  if (!parts) return;
  const [major = 0, minor = 0] = parts;
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new EtcdError(
    "not-etcd",
    `etcd at ${endpoint} is too old: it is ${parts.join(".")}, and edgekeyd needs ` +
      `${OLDEST.join(".")} or newer; upgrade etcd`,
  );
}

function mixed(clusters: ReadonlyMap<string, string>): EtcdError {
  const each = [...clusters].map(([endpoint, id]) => `${endpoint} to ${id}`).join(", ");
  return new EtcdError(
    "two-clusters",
    `the endpoints in --etcd-servers belong to different clusters (${each}); nothing was done. ` +
      "Name those of one cluster",
  );
}
