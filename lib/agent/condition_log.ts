import { type Condition, type ConditionName, CONDITIONS } from "./conditions.ts";
import type { ConditionItem } from "./condition.ts";
import type { Log, LogFields } from "./log.ts";

/** More of one kind than this at once are counted, not logged; `status` has them all. */
const MAX_LOGGED = 20;

/** Tells of each item of a condition when it appears, changes and clears, and not while it stays. */
export class ConditionLog {
  readonly #log: Log;
  #before: ReadonlyMap<ConditionName, readonly ConditionItem[]> = new Map();

  /** @param log where to */
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

/**
 * Logs a line for each of many, but no flood of them.
 *
 * @param log where to
 * @param level how grave they are
 * @param message what is said of each
 * @param all the fields of each
 */
export function logEach(
  log: Log,
  level: "warning" | "notice",
  message: string,
  all: readonly LogFields[],
): void {
  for (const fields of all.slice(0, MAX_LOGGED)) log(level, message, fields);
  const more = all.length - MAX_LOGGED;
  if (more > 0) log(level, `${message}: more, which \`edgekeyd status\` lists`, { more });
}

function isSame(a: ConditionItem, b: ConditionItem | undefined): boolean {
  return b !== undefined && a.reason === b.reason && a.count === b.count;
}
