import { Buffer } from "node:buffer";
import { type EtcdServer, freePort, startEtcd } from "../support/etcd_server.ts";
import { rawEtcd } from "../support/raw_etcd.ts";

/** A machine that is busy may cost a leader its office at any moment. */
const ELECTION_DEADLINE_MS = 20_000;

/** Three etcds that are one cluster. */
export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdServer[];
  /** For `--etcd-servers`. */
  readonly endpoints: string;
  /** The member that leads now. */
  leader(): Promise<EtcdServer>;
}

/** Starts a cluster and waits until it has a leader. */
export async function startCluster(): Promise<EtcdCluster> {
  const peers = [0, 1, 2].map((index) => ({
    name: `m${index}`,
    url: `http://127.0.0.1:${freePort()}`,
  }));
  const members = await Promise.all(peers.map(({ name, url }) =>
    startEtcd({
      // Of a flag that comes twice, etcd takes the second.
      args: [
        `--name=${name}`,
        `--listen-peer-urls=${url}`,
        `--initial-advertise-peer-urls=${url}`,
        `--initial-cluster=${peers.map((peer) => `${peer.name}=${peer.url}`).join(",")}`,
        "--heartbeat-interval=50",
        "--election-timeout=500",
      ],
    })
  ));
  return {
    members,
    endpoints: members.map(({ endpoint }) => endpoint).join(","),
    async leader() {
      const deadline = Date.now() + ELECTION_DEADLINE_MS;
      do {
        for (const member of members) if (await leads(member)) return member;
      } while (Date.now() < deadline);
      throw new Error("the cluster has no leader");
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    },
  };
}

async function leads({ endpoint }: EtcdServer): Promise<boolean> {
  const etcd = rawEtcd(endpoint);
  try {
    await etcd.kv.range({ key: Buffer.from("/") });
    const { leader, header } = await etcd.maintenance.status();
    return leader === header.member_id;
  } catch {
    return false; // an election is under way
  } finally {
    etcd.close();
  }
}
