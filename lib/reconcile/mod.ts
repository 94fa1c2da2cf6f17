/**
 * Brings etcd in step with the fs cache, or tells how the two differ.
 *
 * @module
 */
export { dryRun } from "./dry_run.ts";
export type { FsCache, LookScope } from "./look.ts";
export type { MissingGroup } from "./missing_groups.ts";
export type { Progress, ReconcileOptions } from "./options.ts";
export { type GuardLimits, USUAL_GUARD } from "./guard.ts";
export type { Phase } from "./phases.ts";
export { countSecrets } from "./secrets.ts";
export { type PassScope, reconcile, type ReconcileOutcome } from "./reconcile.ts";
export { type KeyNotPut, NOTHING_DONE, type PlanStep, type ReconcileReport } from "./report.ts";
export { OtherEtcdError, retire } from "./retire.ts";
export { RetiredError } from "./retired_error.ts";
export { type Verification, verify } from "./verify.ts";
export { fileValues } from "./values.ts";
export type { Yielded } from "./yielded.ts";
export { type TakeOver, takeOverKeys } from "./take_over_keys.ts";
