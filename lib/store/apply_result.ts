import type { EdgekeydError } from "../errors.ts";
import type { EtcdError } from "../etcd/mod.ts";
import type { Owner } from "../keycache/mod.ts";
import { ABSENT, OVERTAKEN } from "./decide.ts";
import type { Joins } from "./joins.ts";
import type { PlannedOp } from "./pack.ts";
import type { Plan } from "./plan.ts";

/** A put that was left out. */
export interface LeftOut {
  /** Whose file it was to be. */
  readonly owner: Owner;
  /** The mod revision that the key has in etcd; "0" if it is absent. */
  readonly guardMod: string;
}

/** What came of an apply. */
export interface ApplyResult {
  /** Keys that did not exist and were put. */
  readonly created: number;
  /** Keys that existed and were put. */
  readonly updated: number;
  /** All of these keys. */
  readonly put: ReadonlySet<string>;
  /** Keys that were taken up and existed, be they put or not. */
  readonly joined: number;
  /** Keys that were deleted. */
  readonly deleted: number;
  /** Ownerships that were let go without deleting the key. */
  readonly released: number;
  /** Keys that were left to others, with the reason. */
  readonly conflicts: ReadonlyMap<string, string>;
  /** Keys whose object fits no request, with the owner that holds it. */
  readonly tooLarge: ReadonlyMap<string, Owner>;
  /** Keys that were left out since their file did not hold any more what was planned. */
  readonly leftOut: ReadonlyMap<string, LeftOut>;
  /** Keys that were left for now, since another node may be about to put them. */
  readonly yielded: ReadonlySet<string>;
  /** Txns that were applied. */
  readonly txns: number;
  /** A group was split over several Txns. */
  readonly staged: boolean;
  /** etcd's revision after it; undefined if etcd was not asked at all. */
  readonly revision: string | undefined;
  /** etcd's cluster id; undefined if etcd was not asked at all. */
  readonly clusterId: string | undefined;
  /**
   * Why it did not come to its end; the numbers above say what was done until then. Out of space
   * is special: the deletes were done all the same.
   */
  readonly failure: EdgekeydError | undefined;
}

/** Counts what an apply does, as it does it. */
export class ApplyTally {
  readonly #tooLarge = new Map<string, Owner>();
  readonly #leftOut = new Map<string, LeftOut>();
  readonly #conflicts = new Map<string, string>();
  readonly #put = new Set<string>();
  readonly #yielded = new Set<string>();
  readonly #created = new Set<string>();
  readonly #joins: Joins;
  #updated = 0;
  #deleted = 0;
  #released = 0;
  #txns = 0;
  #staged = false;
  #revision: string | undefined;
  #clusterId: string | undefined;
  #outOfSpace: EtcdError | undefined;

  /** @param joins counts what is taken up and exists */
  constructor(joins: Joins) {
    this.#joins = joins;
  }

  /** Keys that were written so far. */
  get written(): number {
    return this.#created.size + this.#updated + this.#deleted;
  }

  /** etcd has no space for puts. */
  get isOutOfSpace(): boolean {
    return this.#outOfSpace !== undefined;
  }

  /** Keys whose put is given up until their file is looked at anew. */
  get givenUp(): ReadonlySet<string> {
    return new Set([...this.#tooLarge.keys(), ...this.#leftOut.keys(), ...this.#yielded]);
  }

  /** Notes what a plan found out. */
  planned({ decisions, conflicts, revision, observation }: Plan): void {
    this.#revision = revision ?? this.#revision;
    this.#clusterId = observation?.clusterId ?? this.#clusterId;
    for (const [key, { action }] of decisions) {
      if (action === "put") this.#conflicts.delete(key);
    }
    for (const [key, reason] of conflicts) this.#conflicts.set(key, reason);
  }

  /** Notes that a group was split. */
  split(): void {
    this.#staged = true;
  }

  /** Notes that no Txn holds an object. */
  tooLarge({ key, owner }: PlannedOp): void {
    if (owner) this.#tooLarge.set(key, owner);
  }

  /** Notes that nobody has the bytes any more that were to be put. */
  leftOut({ key, owner, guardMod }: PlannedOp): void {
    if (owner) this.#leftOut.set(key, { owner, guardMod });
  }

  /** Notes that a key's put is left for now. */
  yielded(key: string): void {
    this.#yielded.add(key);
  }

  /** Notes that nothing is left to other nodes after all: etcd lost what they may have put. */
  yieldsNoMore(): void {
    this.#yielded.clear();
  }

  /** Notes that etcd has no space for puts. */
  outOfSpace(error: EtcdError): void {
    this.#outOfSpace = error;
  }

  /** Notes that a Txn was applied. */
  committed(revision: string, clusterId: string): void {
    this.#txns++;
    this.#revision = revision;
    this.#clusterId = clusterId;
  }

  /** Notes that owners let go, without a delete. */
  letGo(owners: number): void {
    this.#released += owners;
  }

  /**
   * Notes what one operation of an applied Txn came to.
   *
   * @param op the operation
   * @param succeeded its guard held
   * @param released how many owners let go with it
   */
  did({ action, key, guardMod }: PlannedOp, succeeded: boolean, released: number): void {
    if (action === "delete") {
      if (succeeded) this.#deleted++;
      else {
        this.#released += released;
        this.#conflicts.set(key, OVERTAKEN);
      }
      return;
    }
    this.#released += released;
    if (!succeeded) return;
    this.#put.add(key);
    if (guardMod === ABSENT) this.#created.add(key);
    else this.#updated++;
  }

  /** What came of it, and why it did not come to its end. */
  result(failure: EdgekeydError | undefined = this.#outOfSpace): ApplyResult {
    return {
      created: this.#created.size,
      updated: this.#updated,
      put: this.#put,
      joined: this.#joins.count(this.#created),
      deleted: this.#deleted,
      released: this.#released,
      conflicts: this.#conflicts,
      tooLarge: this.#tooLarge,
      leftOut: this.#leftOut,
      yielded: this.#yielded,
      txns: this.#txns,
      staged: this.#staged,
      revision: this.#revision,
      clusterId: this.#clusterId,
      failure,
    };
  }
}
