import { broken, type Checker, type Operation } from "../world.ts";

/** The checker's name. */
export const RETIRED = "retired";

/** What retire answers as done is done: no key is recorded any more, and none has an owner. */
export class Retired implements Checker {
  readonly name = RETIRED;

  operationEnded({ kind, lineage }: Operation, failure: Error | undefined): void {
    if (kind !== "retire" || failure) return;
    for (const key of lineage.disk.rowKeys) broken(this, `${lineage.name} still holds ${key}`);
  }
}
