import type { EdgekeydError } from "../errors.ts";
import { EtcdError } from "../etcd/mod.ts";
import type { ReconcileOutcome } from "../reconcile/mod.ts";
import { ChangeLog } from "./change_log.ts";
import { CONDITIONS } from "./conditions/mod.ts";
import { type Log, logEach } from "./log.ts";

/** Logs what passes change, and what they fail with. */
export class PassLog {
  /** Where it tells of what they change. */
  readonly changes: ChangeLog;
  readonly #log: Log;
  #notes: readonly string[] = [];
  /** The kind of the last failure; undefined if a pass came to its end since. */
  #failed: string | undefined;

  /**
   * @param log where to
   * @param monotonicMs a clock that only runs forward, in ms
   */
  constructor(log: Log, monotonicMs: () => number) {
    this.#log = log;
    this.changes = new ChangeLog(log, monotonicMs);
  }

  /**
   * Tells of a pass that came to its end.
   *
   * @param outcome what it came to
   * @param conflicts keys that are left to others from now on
   * @param words how the node is doing after it
   */
  passed(
    { report, notes }: ReconcileOutcome,
    conflicts: ReadonlyMap<string, string>,
    words: string,
  ): void {
    // A note on how it is set up comes with each pass.
    for (const note of notes) if (!this.#notes.includes(note)) this.#log("notice", note);
    this.#notes = notes;
    this.changes.changed(report);
    // What was let go to another for good is over with this pass, and so is no condition.
    const over = report.conflicts.filter(({ key }) => !conflicts.has(key));
    const appeared = CONDITIONS.get("conflicts")?.log?.appeared ?? "";
    logEach(this.#log, "warning", appeared, over.map((one) => ({ ...one })));
    // What it took comes first: it is so only after that.
    if (this.#failed !== undefined) {
      this.#log("notice", words.replace(/^in step/, "in step again"));
    }
    this.#failed = undefined;
  }

  /**
   * Tells of a failure, unless the one before was of its kind: what fails for another reason asks
   * for something else to be done, and what stands last in the log is the reason now.
   *
   * @param failure what failed
   */
  failed(failure: EdgekeydError): void {
    const { code, message } = failure;
    const kind = kindOf(failure);
    if (this.#failed !== kind) this.#log("error", message, { code });
    this.#failed = kind;
  }
}

/** How an etcd is missed differs from try to try, and it all comes to the same. */
const MISSED: ReadonlySet<string> = new Set(["unreachable", "timeout", "unavailable"]);

function kindOf(failure: EdgekeydError): string {
  const { code, message } = failure;
  if (!(failure instanceof EtcdError)) return `${code} ${message}`;
  if (MISSED.has(failure.reason)) return code;
  // Which endpoint it is that says so may differ as well.
  const said = message.replace(/; tried before: .*/, "").replaceAll(/https?:\/\/\S+/g, "");
  return `${code} ${failure.reason} ${said}`;
}
