import {
  groupsToLookAt,
  type Health,
  healthAfter,
  isOfEitherSide,
  UNKNOWN_HEALTH,
} from "../../lib/agent/health.ts";
import { EdgekeydError } from "../../lib/errors.ts";
import { AbsenceHistory } from "../../lib/fscache/mod.ts";
import type { ComponentKeyCache } from "../../lib/keycache/mod.ts";
import type { ReconcileOutcome } from "../../lib/reconcile/mod.ts";
import type { NodeModel } from "./node_model.ts";
import type { Prng } from "./prng.ts";
import type { Operation } from "./world.ts";

/**
 * What the loop of lib/agent/loop.ts remembers from pass to pass, and what it decides by that: when
 * a full pass has to come first, and which groups the others look at.
 */
export class DaemonLoop {
  readonly absences = new AbsenceHistory();
  #health: Health = UNKNOWN_HEALTH;
  /** The cache's epoch at the last full pass; undefined if none was, or something failed since. */
  #fullEpoch: number | undefined;
  /** When each group was last looked at. */
  readonly #lookedTick = new Map<string, number>();

  /** Tells whether a full pass has to come before anything else. */
  isBehind({ fence }: ComponentKeyCache): boolean {
    return this.#fullEpoch !== fence.epoch;
  }

  /**
   * Draws some of the groups in which something changed: a watch tells neither all nor at once.
   *
   * @param node whose fs cache
   * @param prng picks them
   * @returns undefined: everything
   */
  drawGroups(node: NodeModel, prng: Prng): ReadonlySet<string> | undefined {
    const dirty = [...node.groups].filter((group) =>
      (this.#lookedTick.get(group) ?? -1) <= (node.changedTick.get(group) ?? -1)
    );
    if (dirty.length === 0 || prng.chance(0.1)) return undefined;
    const drawn = new Set(dirty.filter(() => prng.chance(0.6)));
    return groupsToLookAt(this.#health, drawn.size > 0 ? drawn : new Set([prng.pick(dirty)]));
  }

  /**
   * Takes in what a pass came to.
   *
   * @param operation the pass
   * @param outcome what it came to; undefined if it did not return
   * @param cache the cache after it
   * @param nowMs wall clock
   */
  passed(
    { kind, groups, startTick, lineage }: Operation,
    outcome: ReconcileOutcome | undefined,
    cache: ComponentKeyCache,
    nowMs: number,
  ): void {
    for (const group of groups ?? lineage.node.groups) this.#lookedTick.set(group, startTick);
    for (const group of outcome?.busy ?? []) this.#lookedTick.delete(group);
    const full = kind !== "group-pass";
    if (!outcome || outcome.failure) this.#fullEpoch = undefined;
    else if (full) this.#fullEpoch = cache.fence.epoch;
    if (!outcome) return;
    const components = cache.byOwner.keys();
    // How long a group stays half rewritten decides nothing here.
    const looked = { full, groups, components, settleMs: 0, monotonicMs: nowMs };
    this.#health = healthAfter(this.#health, outcome, looked, nowMs);
  }

  /**
   * Takes in what an operation came to that is no pass.
   *
   * @param kind which
   * @param failure why it failed, if it did
   * @param cache the cache after it
   */
  operated(kind: Operation["kind"], failure: Error | undefined, cache: ComponentKeyCache): void {
    const isStuck = failure instanceof EdgekeydError && (cache.intent || isOfEitherSide(failure));
    // A retired node takes part again only in a new process.
    if (isStuck || kind === "retire") this.#fullEpoch = undefined;
  }
}
