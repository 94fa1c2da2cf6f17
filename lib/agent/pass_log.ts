import type { EdgekeydError } from "../errors.ts";
import { EtcdError } from "../etcd/mod.ts";
import { KeyCacheError } from "../keycache/mod.ts";
import type { ReconcileOutcome } from "../reconcile/mod.ts";
import { logEach } from "./condition_log.ts";
import { CONDITIONS } from "./conditions.ts";
import type { Log } from "./log.ts";

/** Logs what passes change, and what they fail with. */
export class PassLog {
  readonly #log: Log;
  #notes: readonly string[] = [];
  /** Kinds of failures that were told of since the last pass that came to its end. */
  readonly #failed = new Set<string>();

  /** @param log where to */
  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Tells of a pass that came to its end.
   *
   * @param outcome what it came to
   * @param conflicts keys that are left to others from now on
   */
  passed({ report, notes }: ReconcileOutcome, conflicts: ReadonlyMap<string, string>): void {
    if (this.#failed.size > 0) this.#log("notice", "in step again");
    this.#failed.clear();
    // A note on how it is set up comes with each pass.
    for (const note of notes) if (!this.#notes.includes(note)) this.#log("notice", note);
    this.#notes = notes;
    const { created, updated, deleted, released, txns, revision, durationMs } = report;
    if (created + updated + deleted + released > 0) {
      const fields = { created, updated, deleted, released, txns, revision, durationMs };
      this.#log("info", "brought in step", fields);
    }
    // What was let go to another for good is over with this pass, and so is no condition.
    const over = report.conflicts.filter(({ key }) => !conflicts.has(key));
    const words = CONDITIONS.get("conflicts")?.log?.appeared ?? "";
    logEach(this.#log, "warning", words, over.map((one) => ({ ...one })));
  }

  /**
   * Tells of a failure, if none of its kind was told of since all was well: what fails for another
   * reason than before asks for something else to be done.
   *
   * @param failure what failed
   */
  failed(failure: EdgekeydError): void {
    const { code, message } = failure;
    const kind = kindOf(failure);
    if (!this.#failed.has(kind)) this.#log("error", message, { code });
    this.#failed.add(kind);
  }
}

/** How an etcd is missed differs from try to try, and it all comes to the same. */
const MISSED: ReadonlySet<string> = new Set(["unreachable", "timeout", "unavailable"]);

function kindOf(failure: EdgekeydError): string {
  const { code } = failure;
  if (!(failure instanceof EtcdError || failure instanceof KeyCacheError)) return code;
  return MISSED.has(failure.reason) ? code : `${code} ${failure.reason}`;
}
