import { ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { limitHandshakes } from "../../lib/etcd/handshake_limit.ts";
import { TestAuthority } from "../support/certificates.ts";
import { CONNECTING_MS, failure, withClient } from "./client.ts";

const ATTEMPTS = 6;
/** Longer than etcd3 keeps a channel that it gives up. */
const TIMEOUT_MS = 1_100;
/** Those of the last call, which also asks what cluster it is, and what the channels before tried. */
const MOST_OPEN = 5;
const MORE_ATTEMPTS = 10;

// Before the first client: it counts for the whole process.
limitHandshakes(TIMEOUT_MS / 2);

/** Takes every connection, and never says a word. */
class MuteServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  taken = 0;

  constructor() {
    this.#serving = this.#serve();
  }

  get port(): number {
    const { addr } = this.#listener;
    return addr.port;
  }

  get open(): number {
    return this.#open.size;
  }

  async #serve(): Promise<void> {
    const readers: Promise<void>[] = [];
    for await (const connection of this.#listener) {
      this.taken++;
      this.#open.add(connection);
      readers.push(this.#listen(connection));
    }
    await Promise.all(readers);
  }

  async #listen(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(4_096);
    try {
      while (await connection.read(buffer) !== null);
    } catch {
      // Reset, or closed below.
    }
    if (this.#open.delete(connection)) connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of [...this.#open]) {
      this.#open.delete(connection);
      connection.close();
    }
    await this.#serving;
  }
}

Deno.test("connect: an etcd that takes connections and says nothing does not pile them up", async (t) => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-mute-" });
  try {
    const { caFile } = new TestAuthority(directory, "ca");
    for (const [scheme, files] of [["http", {}], ["https", { caFile }]] as const) {
      await t.step(scheme, async () => {
        await using server = new MuteServer();
        const endpoint = `${scheme}://127.0.0.1:${server.port}`;
        await withClient(
          { endpoints: [endpoint], timeoutMs: TIMEOUT_MS, ...files },
          async (etcd) => {
            for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
              strictEqual(
                (await failure(etcd.range({ key: Buffer.from("k") }))).outcome,
                "not-applied",
              );
            }
            ok(server.taken >= ATTEMPTS, `${server.taken} taken`);
            // A busy machine has others open in the time of one call. They go when more follow;
            // without a limit they only become more.
            for (let more = 0; server.open > MOST_OPEN && more < MORE_ATTEMPTS; more++) {
              await failure(etcd.range({ key: Buffer.from("k") }));
            }
            ok(server.open <= MOST_OPEN, `${server.open} of ${server.taken} connections are open`);
          },
          CONNECTING_MS,
        );
      });
    }
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
