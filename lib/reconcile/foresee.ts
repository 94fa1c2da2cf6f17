import type { KeyRow } from "../keycache/mod.ts";
import {
  type DecisionRules,
  type LeftOut,
  type Plan,
  plan,
  type PlannedOp,
  plannedOp,
  type StoreContext,
  withValue,
} from "../store/mod.ts";
import { findChanges, type Findings, ownerPathsOf } from "./findings.ts";
import type { LookScope } from "./look.ts";
import { type NotPut, sortLeftOut } from "./not_put.ts";
import { MAX_PASSES, type ReconcileOptions } from "./options.ts";
import type { Phases } from "./phases.ts";
import { readableIn } from "./readable.ts";
import { settledIn } from "./settled_look.ts";

/** What the passes of a run would find and plan. */
export interface Foreseen {
  readonly findings: Findings;
  readonly made: Plan;
  /** What would be sent. */
  readonly planned: readonly PlannedOp[];
  /** What would not, since the file does not hold it. */
  readonly leftOut: ReadonlyMap<string, LeftOut>;
  readonly notPut: NotPut;
}

/**
 * Looks and plans as a run does, with the further looks that it takes at files which do not hold
 * any more what is to be put, and writes nothing.
 *
 * @param context both sides
 * @param options how
 * @param known the rows as they will stand, and how values of others are judged
 * @param look what is looked at, and how patiently
 * @param phases measures it
 */
export async function foresee(
  context: StoreContext,
  options: ReconcileOptions,
  { rows, rules }: {
    readonly rows: ReadonlyMap<string, KeyRow>;
    readonly rules: DecisionRules;
  },
  look: LookScope,
  phases: Phases,
): Promise<Foreseen> {
  const { cache } = context;
  const besides = new Set<string>();
  for (let pass = 1;; pass++) {
    const scope = { ...look, besides };
    const findings = await findChanges(cache, options, scope, phases);
    const { guarded: { changes }, bytesOf, snapshot } = findings;
    const made = await phases.time(
      "plan",
      plan(context, {
        rows,
        changes,
        also: "all",
        sure: false,
        rules,
        settled: settledIn(cache, findings, true),
        readable: readableIn(cache, snapshot),
        dry: true,
      }),
    );
    if (!made) throw new Error("a dry plan does not depend on the fence");
    const planned: PlannedOp[] = [];
    const leftOut = new Map<string, LeftOut>();
    for (const [key, decision] of made.decisions) {
      const op = plannedOp(key, decision, rows.get(key), changes.get(key));
      if (!op) continue;
      const { owner, guardMod } = op;
      if (owner && !withValue(op, bytesOf)) leftOut.set(key, { owner, guardMod });
      else planned.push(op);
    }
    const notPut = sortLeftOut(cache, findings, leftOut);
    if (notPut.changed.size === 0 || pass === MAX_PASSES) {
      return { findings, made, planned, leftOut, notPut };
    }
    for (const path of ownerPathsOf(cache, notPut.changed)) besides.add(path);
  }
}
