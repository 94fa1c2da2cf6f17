import { EtcdError, type EtcdErrorReason, type Exposure } from "../etcd/mod.ts";
import type { EdgekeydError } from "../errors.ts";
import type { InvalidPath } from "../fscache/mod.ts";
import { type HeldBack, KeyCacheError } from "../keycache/mod.ts";
import { countSecrets, type KeyNotPut, type ReconcileOutcome } from "../reconcile/mod.ts";
import { FenceError, OtherClusterError } from "../store/mod.ts";
import { componentOfGroup, groupOfPath, isAboveGroups } from "./group_paths.ts";
import {
  type GroupsLook,
  missingSince,
  rewritingSince,
  type WaitingSince,
  waitingTooLong,
} from "./waiting_groups.ts";

/** What the last passes said, as far as it still holds. */
export interface Health {
  /** etcd answers. */
  readonly etcd: "unknown" | "reachable" | "away";
  /** Why the last pass failed; undefined if it did not. */
  readonly failure: Pick<EdgekeydError, "code" | "message"> | undefined;
  /**
   * What the fence in etcd says (as judgeFence tells it), where it is, and why it is lost, until a
   * full pass has put it right; undefined while nothing is wrong with it.
   */
  readonly fence:
    | { readonly kind: string; readonly key: string; readonly what?: string }
    | undefined;
  /** Why the state directory can't be written to; undefined if it can. */
  readonly stateFailure: string | undefined;
  /** Why the fs cache is not watched; undefined if it is. */
  readonly watchFailure: string | undefined;
  /** Why etcd can't be watched; undefined if it is, or nobody could try. */
  readonly etcdWatchFailure: string | undefined;
  /** Why the alive key can't be kept, though etcd answers; undefined if it can. */
  readonly aliveFailure: string | undefined;
  /** Why certificates or password can't be read again; undefined if they can. */
  readonly credentialFailure: string | undefined;
  /** Who else could have what etcd knows us by. */
  readonly exposures: readonly Exposure[];
  /** Paths that are not imported. */
  readonly invalid: readonly InvalidPath[];
  /** Components whose deletes are held back, and how many these are. */
  readonly heldBack: readonly HeldBack[];
  /** Keys of core Secrets that are left out, by group, as each was last looked at. */
  readonly secrets: ReconcileOutcome["secrets"];
  /** How many these are. */
  readonly secretsLeftOut: number;
  /** Keys that are to be put, and whose file can't be imported. */
  readonly notPut: readonly KeyNotPut[];
  /** Since when groups have been half rewritten, ms of a clock that only runs forward. */
  readonly rewritingSinceMs: WaitingSince;
  /** Groups that have been so for longer than a rewrite takes, in order. */
  readonly halfRewritten: readonly string[];
  /** Since when files have been missing in groups that can't be told to be gone, by that clock. */
  readonly missingSinceMs: WaitingSince;
  /** Groups in which that has been so for too long, in order. */
  readonly busy: readonly string[];
  /** Wall clock of the last full pass that came to its end, ms since the epoch. */
  readonly lastSuccessMs: number | undefined;
  /** etcd's revision, as a pass saw it last; empty if none did. */
  readonly revision: string;
  /** etcd's cluster id, as a pass saw it last; empty if none did. */
  readonly clusterId: string;
  /** From which cluster to which etcd changed since the start; undefined if it did not. */
  readonly clusterChange: { readonly before: string; readonly now: string } | undefined;
  /** When each component was last looked at, ms since the epoch. */
  readonly componentsSyncedMs: ReadonlyMap<string, number>;
  /** This node left the pool, and writes no more. */
  readonly retired: boolean;
}

/** The health of an agent that has done nothing yet. */
export const UNKNOWN_HEALTH: Health = {
  etcd: "unknown",
  failure: undefined,
  fence: undefined,
  stateFailure: undefined,
  watchFailure: undefined,
  etcdWatchFailure: undefined,
  aliveFailure: undefined,
  credentialFailure: undefined,
  exposures: [],
  invalid: [],
  heldBack: [],
  secrets: new Map(),
  secretsLeftOut: 0,
  notPut: [],
  rewritingSinceMs: new Map(),
  halfRewritten: [],
  missingSinceMs: new Map(),
  busy: [],
  lastSuccessMs: undefined,
  revision: "",
  clusterId: "",
  clusterChange: undefined,
  componentsSyncedMs: new Map(),
  retired: false,
};

/** Failures after which etcd is not taken to be there. */
const AWAY: ReadonlySet<EtcdErrorReason> = new Set([
  "unreachable",
  "timeout",
  "unavailable",
  "learner",
  "not-etcd",
  "tls",
]);

/**
 * Health after a failure.
 *
 * @param before what held until now
 * @param failure what failed
 */
export function healthAfterFailure(before: Health, failure: EdgekeydError): Health {
  const etcd = failure instanceof EtcdError
    ? etcdStateAfter(failure)
    : isOfAnAnswer(failure)
    ? "reachable"
    : before.etcd;
  const { code, message } = failure;
  return { ...before, etcd, failure: { code, message } };
}

/** An etcd that answers said so, be it another one than before. */
function isOfAnAnswer(failure: EdgekeydError): boolean {
  return failure instanceof FenceError || failure instanceof OtherClusterError;
}

/**
 * Health once the node has left the pool: nothing of the fs cache matters any more.
 *
 * @param before what held until now
 */
export function healthAfterRetiring(before: Health): Health {
  const { etcd, revision, clusterId, lastSuccessMs } = before;
  return { ...UNKNOWN_HEALTH, etcd, revision, clusterId, lastSuccessMs, retired: true };
}

/**
 * Tells whether etcd is there, by how a call to it failed.
 *
 * @param failure what it failed with
 */
export function etcdStateAfter(failure: EtcdError): "reachable" | "away" {
  return AWAY.has(failure.reason) ? "away" : "reachable";
}

/** What a pass looked at. */
export interface Looked extends GroupsLook {
  /** In etcd too, at every key. */
  readonly full: boolean;
  /** Every component that there is. */
  readonly components: Iterable<string>;
  /** How long a directory must not have changed, in ms. */
  readonly settleMs: number;
  /** What was wrong with the fence as it began: what was seen since, it has not put right. */
  readonly fence: Health["fence"];
}

/**
 * Health after a pass. A pass over a few groups only speaks of these; the rest stays as it was.
 *
 * @param before what held until now
 * @param outcome what the pass came to
 * @param looked what it looked at
 * @param nowMs wall clock
 */
export function healthAfter(
  before: Health,
  outcome: ReconcileOutcome,
  looked: Looked,
  nowMs: number,
): Health {
  const { full, groups, components: all, monotonicMs, settleMs } = looked;
  const { report, failure } = outcome;
  if (failure) return healthAfterFailure(before, failure);
  const components = new Set(groups ? [...groups].map(componentOfGroup) : all);
  const named = new Set(report.invalid.map(({ path }) => path));
  const notPut = new Set(report.notPut?.map(({ key }) => key));
  const elsewhere = (path: string) =>
    groups !== undefined && !named.has(path) && !groups.has(groupOfPath(path)) &&
    // What stands above the groups is seen whenever one below it is looked at.
    !(isAboveGroups(path) && components.has(groupOfPath(path)));
  // A pass over some groups of a component does not see what is held back in the others.
  const again = new Set(report.heldBack.map(({ component }) => component));
  const others = before.heldBack.filter(({ component }) => groups && !again.has(component));
  const rewritingSinceMs = rewritingSince(before.rewritingSinceMs, outcome.rewriting, looked);
  const missingSinceMs = missingSince(
    before.missingSinceMs,
    outcome.missing,
    { before: before.rewritingSinceMs, now: rewritingSinceMs },
    looked,
  );
  const secrets = new Map([
    ...[...before.secrets].filter(([group]) => groups?.has(group) === false),
    ...outcome.secrets,
  ]);
  return {
    ...before,
    etcd: "reachable",
    failure: undefined,
    fence: full && before.fence === looked.fence ? undefined : before.fence,
    invalid: [...before.invalid.filter(({ path }) => elsewhere(path)), ...report.invalid],
    heldBack: [...others, ...report.heldBack],
    secrets,
    secretsLeftOut: countSecrets(secrets),
    // A look at a group tells of what is still bad there, and not what that lacks in etcd.
    notPut: [
      ...before.notPut.filter(({ key, path }) =>
        !full && !notPut.has(key) && (named.has(path) || elsewhere(path))
      ),
      ...report.notPut ?? [],
    ],
    rewritingSinceMs,
    halfRewritten: waitingTooLong(rewritingSinceMs, monotonicMs, settleMs),
    missingSinceMs,
    busy: waitingTooLong(missingSinceMs, monotonicMs, settleMs),
    lastSuccessMs: full ? nowMs : before.lastSuccessMs,
    revision: report.revision || before.revision,
    clusterId: report.clusterId || before.clusterId,
    clusterChange: clusterChange(before, report.clusterId),
    componentsSyncedMs: new Map([
      ...(groups ? before.componentsSyncedMs : []),
      ...[...components].map(at(nowMs)),
    ]),
  };
}

/** It is over when the cluster of before answers again. */
function clusterChange(
  { clusterChange: change, clusterId: last }: Health,
  now: string,
): Health["clusterChange"] {
  const before = change?.before ?? last;
  if (before === "" || now === "") return change;
  return now === before ? undefined : { before, now };
}

/**
 * What a pass over a few groups must look at. Where deletes are held back, a look at a part can't
 * tell whether they still are, and how many.
 *
 * @param health what holds now
 * @param groups groups in which something changed; undefined: everything
 * @returns what to look at; undefined: everything
 */
export function groupsToLookAt(
  { heldBack }: Health,
  groups: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  const held = new Set(heldBack.map(({ component }) => component));
  const isHeld = groups && [...groups].some((group) => held.has(componentOfGroup(group)));
  return isHeld ? undefined : groups;
}

/**
 * Tells whether a failure of one operation is one of etcd or of the component-key cache, so that
 * it would be the next one's too.
 *
 * @param failure what it failed with
 */
export function isOfEitherSide(failure: EdgekeydError): boolean {
  return failure instanceof EtcdError
    ? AWAY.has(failure.reason)
    : failure instanceof KeyCacheError || failure instanceof FenceError;
}

function at(nowMs: number): (component: string) => [string, number] {
  return (component) => [component, nowMs];
}
