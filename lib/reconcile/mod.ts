export { dryRun } from "./dry_run.ts";
export type { Clock, FsCache } from "./look.ts";
export type { Phase } from "./phases.ts";
export {
  type PassScope,
  type Progress,
  reconcile,
  type ReconcileOptions,
  type ReconcileOutcome,
} from "./reconcile.ts";
export type { PlanStep, ReconcileReport } from "./report.ts";
export { retire } from "./retire.ts";
export { type Verification, verify } from "./verify.ts";
export { fileValues } from "./values.ts";
export { type TakeOver, takeOverKeys } from "./take_over_keys.ts";
