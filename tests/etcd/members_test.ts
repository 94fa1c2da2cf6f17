import { rejects, strictEqual } from "node:assert/strict";
import { deadlineIn } from "../../lib/etcd/deadline.ts";
import { type Member, Members } from "../../lib/etcd/members.ts";

/** Endpoints, each of which tells its cluster as long as it has one; else it is away. */
class Pool {
  readonly clusters: (string | undefined)[];
  readonly members: Members;
  readonly #each: readonly Member[];

  constructor(clusters: readonly string[]) {
    this.clusters = [...clusters];
    this.#each = clusters.map((_, at) => ({
      endpoint: `http://etcd-${at}:2379`,
      status: () => {
        const clusterId = this.clusters[at];
        return clusterId === undefined
          ? Promise.reject(new Error("away"))
          : Promise.resolve({ clusterId, version: "3.5.1" });
      },
      isPeerPort: () => Promise.resolve(false),
    }));
    this.members = new Members(this.#each);
  }

  /** A call as the client makes it, answered by one of them. */
  async call(at: number): Promise<string> {
    const deadline = deadlineIn(1_000);
    const [member, clusterId] = [this.#each[at], this.clusters[at]];
    if (!member || clusterId === undefined) throw new Error("away");
    await this.members.check(deadline);
    const header = { cluster_id: clusterId, member_id: "1", revision: "2", raft_term: "2" };
    const answer = await this.members.sameCluster(
      member,
      { deadline },
      Promise.resolve({ header }),
    );
    return answer.header.cluster_id;
  }
}

const TWO = { reason: "two-clusters" };

Deno.test("Members: a cluster that was restored as another is gone on with, though one endpoint is still away", async () => {
  const pool = new Pool(["1", "1", "1"]);
  strictEqual(await pool.call(0), "1");
  pool.clusters.splice(0, 3, "2", "2", undefined);
  strictEqual(await pool.call(0), "2");
  strictEqual(await pool.call(1), "2");
  pool.clusters[2] = "2";
  strictEqual(await pool.call(2), "2");
});

Deno.test("Members: an endpoint that comes back as one of the old cluster is refused until it is right", async () => {
  const pool = new Pool(["1", "1"]);
  strictEqual(await pool.call(0), "1");
  pool.clusters.splice(0, 2, "2", undefined);
  strictEqual(await pool.call(0), "2");
  pool.clusters[1] = "1";
  await rejects(pool.call(1), TWO);
  await rejects(pool.call(0), TWO);
  pool.clusters[1] = "2";
  strictEqual(await pool.call(0), "2");
  strictEqual(await pool.call(1), "2");
});

Deno.test("Members: endpoints of two clusters are refused, also while one of them is away", async () => {
  const pool = new Pool(["1", "2"]);
  await rejects(pool.call(0), TWO);
  pool.clusters[1] = undefined;
  await rejects(pool.call(0), TWO);
});

Deno.test("Members: endpoints of which one alone was made anew are refused", async () => {
  const pool = new Pool(["1", "1", "1"]);
  strictEqual(await pool.call(0), "1");
  pool.clusters[1] = "2";
  await rejects(pool.call(1), TWO);
  await rejects(pool.call(0), TWO);
});
