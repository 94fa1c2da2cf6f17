/** A lease, as etcd has it. */
export interface Lease {
  /** Its id, decimal. */
  readonly id: string;
  /** After how many seconds it runs out, unless it is kept. */
  readonly ttlSeconds: number;
}

/** Leases: what is put under one goes by itself once nobody keeps it. */
export interface Leases {
  /**
   * Makes one.
   *
   * @param ttlSeconds how long it should last; etcd may make it longer
   * @returns the lease
   * @throws {EtcdError} on any failure; then there may be one that runs out with nothing under it
   */
  grant(ttlSeconds: number): Promise<Lease>;
  /**
   * Has one last for its whole time again. That is no write: nothing goes through etcd's log.
   *
   * @param id which, decimal
   * @returns the lease; undefined if etcd has none of that id any more
   * @throws {EtcdError} on any failure
   */
  keep(id: string): Promise<Lease | undefined>;
}
