import type { ApiServer } from "./_apiserver.ts";
import { BUSY_KINDS, type CloudObject } from "./_objects.ts";

const BEAT_MS = 1_000;
const LIVE = 8;
const RETRY_MS = 500;
const GIVE_UP_MS = 60_000;

/**
 * What the cloud's users do to each busy kind: one update a second, and now and then an object
 * comes or goes.
 */
export class CloudLife {
  /** Objects that were deleted while their directory stayed busy. */
  deleted = 0;
  readonly #cloud: ApiServer;
  readonly #stop = new AbortController();
  readonly #work: Promise<void>[];

  /** @param cloud where */
  constructor(cloud: ApiServer) {
    this.#cloud = cloud;
    this.#work = Object.values(BUSY_KINDS).map((make) => this.#live(make));
  }

  /** Ends it, whatever is under way included. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#work);
  }

  async #live(make: (name: string) => CloudObject): Promise<void> {
    const live: CloudObject[] = [];
    for (let beat = 0; !this.#stop.signal.aborted; beat++) {
      try {
        await this.#beat(make, live, beat);
      } catch {
        // The cloud is away for a while: a part of the test.
      }
      await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
    }
  }

  async #beat(
    make: (name: string) => CloudObject,
    live: CloudObject[],
    beat: number,
  ): Promise<void> {
    if (live.length < LIVE) {
      const object = make(`busy-${beat}`);
      const { status } = await this.#cloud.request("POST", object.collection, object.object);
      if (status === 201) live.push(object);
    }
    const [oldest] = live;
    if (oldest && live.length === LIVE && beat % 3 === 0) {
      const path = `${oldest.collection}/${oldest.name}?gracePeriodSeconds=0`;
      const { status } = await this.#cloud.request("DELETE", path);
      if (status === 200 || status === 404) live.shift();
      if (status === 200) this.deleted++;
    }
    const changed = live.at(-1);
    if (!changed) return;
    const patch = { metadata: { annotations: { beat: String(beat) } } };
    const path = `${changed.collection}/${changed.name}`;
    await this.#cloud.request("PATCH", path, patch, "application/merge-patch+json");
  }
}

/**
 * Gives the cloud objects, each until it takes it: a definition is served a moment after it is
 * made.
 *
 * @param cloud where
 * @param objects in order
 * @throws Error if it does not take one
 */
export async function give(cloud: ApiServer, objects: readonly CloudObject[]): Promise<void> {
  for (const { collection, name, object } of objects) {
    const deadline = performance.now() + GIVE_UP_MS;
    for (;;) {
      const { status, body } = await cloud.request("POST", collection, object);
      if (status === 201 || status === 409) break;
      if (performance.now() > deadline) {
        throw new Error(`${collection} ${name}: ${status} ${JSON.stringify(body)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
