/** How a node's agent is started. Small limits cut a plan into many Txns and many intents. */
export const FLAVOURS = [
  { name: "one-txn", flags: [] },
  { name: "staged", flags: ["--etcd-max-request-bytes=8192"] },
  { name: "few-ops", flags: ["--etcd-max-txn-ops=6"] },
  { name: "skip", flags: ["--conflict-policy=skip"] },
] as const;

/** One of them. */
export type Flavour = typeof FLAVOURS[number];
