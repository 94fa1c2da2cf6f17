import type { FenceSight } from "../store/mod.ts";

/** The newest revision that etcd has told of, so that it is found out where it went back. */
export class NewestRevision {
  #clusterId = "";
  #revision = 0n;

  /** The newest so far; 0 if none was told. */
  get value(): bigint {
    return this.#revision;
  }

  /**
   * Takes in what a watch told.
   *
   * @param modRevision of the event, decimal
   */
  told(modRevision: string): void {
    const revision = BigInt(modRevision);
    if (revision > this.#revision) this.#revision = revision;
  }

  /**
   * Takes in an answer.
   *
   * @param seen what it says of etcd
   * @param before the newest when it was asked for: what a watch told meanwhile may be newer than
   * the answer
   * @returns true if this etcd is another than the one before, or older
   */
  answered(
    { revision: text, clusterId }: Pick<FenceSight, "revision" | "clusterId">,
    before: bigint,
  ): boolean {
    const revision = BigInt(text);
    const isOther = this.#clusterId !== "" && clusterId !== this.#clusterId;
    const wentBack = isOther || revision < before;
    this.#clusterId = clusterId;
    if (wentBack || revision > this.#revision) this.#revision = revision;
    return wentBack;
  }
}
