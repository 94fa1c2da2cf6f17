import { type Log, logEach, type LogFields } from "../log.ts";
import type { ConditionItem } from "./definition.ts";
import { type Condition, type ConditionName, CONDITIONS } from "./judge.ts";

/** Tells of each item of a condition when it appears, changes and clears, and not while it stays. */
export class ConditionLog {
  readonly #log: Log;
  #before: ReadonlyMap<ConditionName, readonly ConditionItem[]> = new Map();

  /**
   * Makes it; nothing was told yet.
   *
   * @param log where to
   */
  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Tells what is new.
   *
   * @param conditions those that hold now
   */
  tell(conditions: readonly Condition[]): void {
    const now = new Map(conditions.map(({ condition, items }) => [condition, items]));
    for (const [name, { log }] of CONDITIONS) {
      if (!log) continue;
      const before = new Map(this.#before.get(name)?.map((item) => [item.about, item]));
      const items = now.get(name) ?? [];
      const changed = items.filter((item) => !isSame(item, before.get(item.about)));
      for (const { about } of items) before.delete(about);
      const fieldsOf = ({ about, reason, count }: ConditionItem): LogFields => ({
        [log.about]: about,
        reason,
        ...(log.count !== undefined && { [log.count]: count }),
      });
      logEach(this.#log, "warning", log.appeared, changed.map(fieldsOf));
      const gone = [...before.keys()].map((about) => ({ [log.about]: about }));
      logEach(this.#log, "notice", log.cleared, gone);
    }
    this.#before = now;
  }
}

function isSame(a: ConditionItem, b: ConditionItem | undefined): boolean {
  return b !== undefined && a.reason === b.reason && a.count === b.count;
}
