import { type EtcdServer, freePort, startEtcd } from "./etcd_server.ts";

/** A member that votes, alone, and one that only learns from it. */
export interface EtcdWithLearner extends AsyncDisposable {
  readonly voter: EtcdServer;
  readonly learner: EtcdServer;
}

/** Starts a cluster of one, and adds a learner to it. */
export async function startWithLearner(): Promise<EtcdWithLearner> {
  const [voterPeer, learnerPeer] = [freePort(), freePort()].map((port) =>
    `http://127.0.0.1:${port}`
  );
  const peerArgs = (name: string, peer = "") => [
    `--name=${name}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
  ];
  const voter = await startEtcd({
    args: [...peerArgs("voter", voterPeer), `--initial-cluster=voter=${voterPeer}`],
  });
  let learner: EtcdServer | undefined;
  try {
    // etcd3 does not know learners; etcd's gateway does.
    const added = await fetch(`${voter.endpoint}/v3/cluster/member/add`, {
      method: "POST",
      body: JSON.stringify({ peerURLs: [learnerPeer], isLearner: true }),
    });
    const said = await added.text();
    if (!added.ok) throw new Error(`no learner could be added: ${said}`);
    learner = await startEtcd({
      args: [
        ...peerArgs("learner", learnerPeer),
        `--initial-cluster=voter=${voterPeer},learner=${learnerPeer}`,
        "--initial-cluster-state=existing",
      ],
    });
  } catch (error) {
    await voter[Symbol.asyncDispose]();
    throw error;
  }
  const members = { voter, learner };
  return {
    ...members,
    async [Symbol.asyncDispose]() {
      await members.learner[Symbol.asyncDispose]();
      await members.voter[Symbol.asyncDispose]();
    },
  };
}
