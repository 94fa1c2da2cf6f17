/**
 * What is done in etcd and in the component-key cache: the plan, the commit protocol, and the
 * operations that go through them.
 *
 * @module
 */
export { apply } from "./apply.ts";
export type { ApplyRequest } from "./apply_request.ts";
export type { ApplyResult, LeftOut } from "./apply_result.ts";
export { type BytesOf, type ValuedOp, withValue } from "./batch.ts";
export type { StoreContext } from "./context.ts";
export {
  ABSENT,
  CONFLICT_POLICIES,
  type ConflictPolicy,
  type Decision,
  type DecisionRules,
  type FoundVersion,
} from "./decide.ts";
export { expectDone, isPlace, type ObjectOptions, type ObjectPlace } from "./component_object.ts";
export { createObject } from "./create_object.ts";
export { deleteObject } from "./delete_object.ts";
export {
  ContentionError,
  SingleTxnError,
  UnknownOutcomeError,
  UpdateConflictError,
} from "./errors.ts";
export { type FenceDispute, FenceError } from "./fence_error.ts";
export { getObject } from "./get_object.ts";
export { keysOfList, listObjects, type ListPlace, type ObjectList } from "./list_objects.ts";
export { updateObject } from "./update_object.ts";
export { rehearse } from "./rehearse.ts";
export { type FenceVerdict, judgeFence, type LostFence, mayTakeOver } from "./fence_verdict.ts";
export {
  checkCluster,
  type ClusterQuestion,
  type HomeCluster,
  OtherClusterError,
} from "./home_cluster.ts";
export { aliveSince, type AliveValue, decodeAlive, encodeAlive } from "./alive_value.ts";
export { withoutOvertaken } from "./let_go_conflicts.ts";
export { type PoolNode, type PoolNodes, readPoolNodes } from "./pool_nodes.ts";
export { type FenceSight, lookAtFence } from "./look_at_fence.ts";
export {
  type FenceReading,
  type Observation,
  observe,
  type Observer,
  readFence,
} from "./observe.ts";
export { notedWith } from "./noted_with.ts";
export type { NotedDeletes } from "./delete_tally.ts";
export { behindApi, type ObjectVersion, ownersAfter, type OwnershipChange } from "./ownership.ts";
export { pack, type Packing, type PlannedOp, type SingleTxnGroups } from "./pack.ts";
export {
  FITS_NO_TXN,
  type OneTxn,
  type TxnLimit,
  type TxnLimits,
  txnLimits,
  USUAL_TXN,
} from "./txn_limits.ts";
export { KEYS_ONLY, pagesUnder, restartingIfCompacted } from "./pages.ts";
export { type Plan, plan, type PlanRequest } from "./plan.ts";
export { plannedOp } from "./planned_op.ts";
export { type FoundVersions, readVersions, type ValueRequest } from "./read_values.ts";
export { recover, type Recovery } from "./recover.ts";
export { standingConflicts } from "./standing_conflicts.ts";
export { type FarAhead, farAhead, type HeldKey } from "./far_ahead.ts";
export { othersValue, standingOthers } from "./others_values.ts";
export { deleteComponentResources } from "./delete_component_resources.ts";
export { deleteUnclaimedKeys, NotUnclaimedError } from "./delete_unclaimed_keys.ts";
export { listComponentKeys } from "./list_component_keys.ts";
export { type ComponentList, InvalidListError } from "./list_items.ts";
export { replaceComponentList } from "./replace_component_list.ts";
