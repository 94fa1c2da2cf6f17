/** What differs between versions of etcd, as far as the agent's requests can tell. */
export interface EtcdTraits {
  /**
   * Up to 3.5 a Txn's puts are all checked before its ranges; from 3.6 on each in its turn. It
   * shows only where both would be refused.
   */
  readonly checksPutsFirst: boolean;
  /**
   * Up to 3.4.19 and 3.5.6, an etcd beyond its space quota refuses every Txn, even one that only
   * reads or deletes; later ones refuse those with a put at the root.
   */
  readonly quotaStopsEveryTxn: boolean;
}

/**
 * @param version `major.minor.patch`
 * @throws {Error} if the version was never compared with the model
 */
export function traitsOf(version: string): EtcdTraits {
  const [, minor, patch] = /^3\.([456])\.(\d+)$/.exec(version) ?? [];
  if (minor === undefined) throw new Error(`the model knows no etcd ${version}`);
  return {
    checksPutsFirst: minor !== "6",
    quotaStopsEveryTxn: minor === "4" && Number(patch) < 20 || minor === "5" && Number(patch) < 7,
  };
}
