import type { KeyRow } from "../keycache/mod.ts";
import {
  checkCluster,
  type Decision,
  FenceError,
  judgeFence,
  mayTakeOver,
  ownersAfter,
  type OwnershipChange,
  pack,
  type PlannedOp,
  readFence,
  rehearse,
  type StoreContext,
  txnLimits,
  withoutOvertaken,
} from "../store/mod.ts";
import { strangerNotes } from "./custom_notes.ts";
import { Slices } from "../slices.ts";
import { busyGroups, heldBackDeletes, invalidFiles, reportStatus } from "./findings.ts";
import { farAheadNotes } from "./far_ahead_notes.ts";
import { foresee } from "./foresee.ts";
import { everything, type LookScope } from "./look.ts";
import { keysNotLookedAt } from "./not_looked_at.ts";
import { decisionRules, type ReconcileOptions } from "./options.ts";
import { Phases } from "./phases.ts";
import type { ReconcileOutcome } from "./reconcile.ts";
import type { PlanStep } from "./report.ts";
import {
  countSecrets,
  secretNotes,
  SECRETS_LEFT_OUT,
  secretsHeldBack,
  secretsLeftOut,
} from "./secrets.ts";
import { NOTHING_YIELDED } from "./yielded.ts";
import { unclaimedKeys, unclaimedNote } from "./unclaimed_keys.ts";

/**
 * What {@linkcode reconcile} would do now, without writing anything: neither keys, nor the fence,
 * nor the cache. A pending Txn is reported, not resolved. etcd is asked whether it would take it.
 *
 * @param context both sides
 * @param options how
 * @param look how patiently, and what is remembered of missing files: as the run would
 * @throws what reconcile would throw
 */
export async function dryRun(
  context: StoreContext,
  options: ReconcileOptions,
  look: Pick<LookScope, "patient" | "absences"> = everything(),
): Promise<ReconcileOutcome> {
  const { cache, etcd } = context;
  const phases = new Phases(options.clock, options.onPhase);
  const notes: string[] = [];
  const { fence, revision, clusterId } = await phases.time(
    "recover",
    readFence(etcd, cache.identity.fenceKey),
  );
  await checkCluster(context, { fence, clusterId });
  const { rows, lost } = rowsAsSeen(context, fence, options.adopt, notes);
  const rules = decisionRules(options, lost || cache.fence.adopting);
  const foreseen = await foresee(
    context,
    options,
    { rows, rules },
    { ...look, groups: undefined },
    phases,
  );
  const { findings, made, planned, leftOut, notPut: { bad, changed } } = foreseen;
  const { changes, keysHeldBack: held } = findings.guarded;
  notes.push(...strangerNotes(options.source));

  let unclaimed: readonly string[] | undefined;
  if (rules.adopting) {
    const isOwned = (key: string) => rows.has(key) || changes.has(key);
    const found = await unclaimedKeys(context, options.source, isOwned);
    unclaimed = found.keys;
    const note = unclaimedNote(found);
    if (note !== undefined) notes.push(note);
  }
  const slices = new Slices(context.clock);
  const packing = await pack(planned, txnLimits(context), options.requireSingleTxn, slices);
  await phases.time("commit", rehearse(context, packing.batches));
  const ops = packing.batches.flat();
  const tooLarge = new Map(packing.tooLarge.map((op) => [op.key, op.owner]));
  const stays = (key: string) => tooLarge.has(key) || leftOut.has(key);
  const { letGo } = findings.diff.secrets;
  const secretsKept = secretsHeldBack(findings);
  notes.push(...secretNotes(letGo.difference(secretsKept).size, secretsKept.size, true));
  const secrets = secretsLeftOut(findings);
  const leftOutCount = countSecrets(secrets);
  const steps: PlanStep[] = [];
  for (const [key, decision] of made.decisions) {
    if (stays(key)) continue;
    const why = letGo.has(key) ? SECRETS_LEFT_OUT : undefined;
    steps.push(...stepsOf(key, decision, rows.get(key), changes.get(key), why));
  }
  const conflicts = await withoutOvertaken(context, made.conflicts, rows);
  const busy = busyGroups(cache, findings, changed);
  const told = {
    conflicts: [...conflicts].map(([key, reason]) => ({ key, reason })),
    invalid: invalidFiles(cache, findings, tooLarge),
    heldBack: heldBackDeletes(findings),
    ...(bad.length > 0 && { notPut: bad }),
    ...(leftOutCount > 0 && { secretsLeftOut: leftOutCount }),
    ...(busy.length > 0 && { busy }),
  };
  const count = (wanted: (op: PlannedOp) => boolean) => ops.filter(wanted).length;
  const created = count((op) => op.action === "put" && op.guardMod === "0");
  const updated = count((op) => op.action === "put" && op.guardMod !== "0");
  const after = [...new Set([...rows.keys(), ...changes.keys()])].map((key) => ({
    key,
    owners: ownersAfter(rows.get(key), stays(key) ? undefined : changes.get(key)),
  }));
  notes.push(...farAheadNotes(new Map(after.map((row) => [row.key, row]))));
  const touched = new Set([
    ...ops.map((op) => op.key),
    ...conflicts.keys(),
    ...bad.map(({ key }) => key),
    ...keysNotLookedAt(after, options.source),
  ]);
  return {
    report: {
      status: reportStatus(told),
      created,
      updated,
      deleted: ops.length - created - updated,
      released: steps.filter((step) => step.action === "release").length,
      unchanged: after.filter(({ key, owners }) => owners.length > 0 && !touched.has(key)).length,
      ...told,
      txns: packing.batches.length,
      staged: packing.staged,
      recovered: 0,
      revision,
      clusterId,
      durationMs: phases.totalMs,
      phasesMs: phases.ms,
      ...(unclaimed && { unclaimed }),
      plan: steps,
    },
    notes,
    busy,
    ...(held.size > 0 && { keysHeldBack: [...held].sort() }),
    missing: new Map(),
    secrets,
    rewriting: [...findings.diff.rewriting],
    yielded: NOTHING_YIELDED,
    failure: undefined,
  };
}

/** The rows as they will stand once recovery has been done. */
function rowsAsSeen(
  { cache }: StoreContext,
  fence: string | null,
  adopt: boolean,
  notes: string[],
): { rows: ReadonlyMap<string, KeyRow>; lost: boolean } {
  const { life, fenceKey } = cache.identity;
  const verdict = judgeFence(fence, life, cache.fence, cache.intent?.header);
  const { kind } = verdict;
  const lost = kind === "rolled-back" || kind === "other-life";
  if (lost && !(adopt && mayTakeOver(verdict, cache.fence))) {
    throw new FenceError(kind, fenceKey, { life, verdict, state: cache.fence });
  }
  const rows = new Map(cache.rows);
  if (cache.intent) notes.push("a Txn of an earlier run is pending; a real run resolves it first");
  if (kind === "applied") {
    for (const { action, key, after } of cache.intent?.entries ?? []) {
      if (after) rows.set(key, { ...after, ours: true, mod: action === "keep" ? after.mod : null });
      else rows.delete(key);
    }
    return { rows, lost };
  }
  if (kind === "in-step") return { rows, lost };
  const redoDeletesAfter = kind === "reset" ? verdict.seq : undefined;
  const newEpoch = kind === "reset" || lost;
  const givenUp = cache.rowsGivenUp({
    newEpoch,
    ...(redoDeletesAfter === undefined ? {} : { redoDeletesAfter }),
  });
  for (const [key, row] of givenUp) rows.set(key, row);
  if (newEpoch) {
    notes.push("etcd was reset, or the cache was lost: every key is looked at anew");
    for (const [key, row] of rows) rows.set(key, { ...row, mod: null });
  }
  return { rows, lost };
}

function stepsOf(
  key: string,
  decision: Decision,
  row: KeyRow | undefined,
  change: OwnershipChange | undefined,
  whyLetGo: string | undefined,
): PlanStep[] {
  const steps: PlanStep[] = [];
  const released = change?.released.map((owner) => `${owner.component}/${owner.gvr}`) ?? [];
  if (decision.action === "put") {
    const { owner, reason } = decision;
    steps.push({ key, action: "put", owner: `${owner.component}/${owner.gvr}`, reason });
  }
  if (decision.action === "delete") {
    return [{
      key,
      action: "delete",
      owner: released[0] ?? "",
      reason: whyLetGo ?? decision.reason,
    }];
  }
  const others = ownersAfter(row, change).map((owner) => `${owner.component}/${owner.gvr}`);
  const why = whyLetGo !== undefined
    ? whyLetGo
    : others.length > 0
    ? `still held by ${others.join(", ")}`
    : decision.action === "keep"
    ? decision.reason
    : "no owner left";
  for (const owner of released) steps.push({ key, action: "release", owner, reason: why });
  return steps;
}
