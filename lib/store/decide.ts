import { type KeyRow, type Owner, ownRow, sameOwner } from "../keycache/mod.ts";
import { compareResourceVersions, isApiserversOwn, isResourceVersion } from "../k8s/mod.ts";
import {
  behindApi,
  freshest,
  holds,
  isNewer,
  type ObjectVersion,
  type OwnershipChange,
} from "./ownership.ts";
import { wentBack } from "./went_back.ts";

/**
 * What to do when etcd holds a value that another importer wrote.
 *
 * - `fresher`: replace it if ours is newer
 * - `skip`: never replace it
 * - `owner`: replace it with what an owner here holds, whatever it is
 */
export const CONFLICT_POLICIES = ["fresher", "skip", "owner"] as const;

/** One of {@linkcode CONFLICT_POLICIES}. */
export type ConflictPolicy = typeof CONFLICT_POLICIES[number];

/** Mod revision of a key that does not exist. */
export const ABSENT = "0";

/** A value that was read from etcd; nothing of it is kept but its version. */
export interface FoundVersion extends ObjectVersion {
  /** Its mod revision, decimal; "0" if the key does not exist. */
  readonly mod: string;
}

/** All that the decision on one key depends on. */
export interface KeyState {
  readonly key: string;
  readonly row: KeyRow | undefined;
  /** Owners after the change. */
  readonly owners: readonly Owner[];
  readonly change: OwnershipChange | undefined;
  /** Versions that we put there earlier. */
  readonly buried: readonly ObjectVersion[];
  /** Mod revision in etcd, {@linkcode ABSENT}, or undefined if it was not looked at. */
  readonly observed: string | undefined;
  /** The value in etcd, if it was read; its resourceVersion is empty if an apiserver wrote it. */
  readonly value: FoundVersion | undefined;
  /** Tells whether these owners were all seen at a full look, and nothing was moving there. */
  readonly settled: (owners: readonly Owner[]) => boolean;
  /** Tells whether an owner's file is there and not bad, as far as it was looked at. */
  readonly readable: (owner: Owner) => boolean;
}

/** What is to be done about one key. */
export type Decision =
  | {
    readonly action: "put";
    readonly guardMod: string;
    readonly owner: Owner;
    readonly after: KeyRow;
    readonly reason: string;
  }
  | { readonly action: "delete"; readonly guardMod: string; readonly reason: string }
  | {
    /** Nothing in etcd; the row changes, or goes (null). */
    readonly action: "keep";
    readonly after: KeyRow | null;
    readonly conflict?: string;
    readonly reason: string;
  }
  | { readonly action: "read" }
  | { readonly action: "none"; readonly conflict?: string };

/** How a run judges what it finds. */
export interface DecisionRules {
  /** `--conflict-policy` */
  readonly policy: ConflictPolicy;
  /** A lost cache is being rebuilt: what an importer wrote is taken over. */
  readonly adopting: boolean;
}

/**
 * Decides what one key needs, from the cache's row, its owners and what etcd holds. Pure.
 *
 * @param state the key
 * @param rules how values of others are judged
 */
export function decide(state: KeyState, rules: DecisionRules): Decision {
  if (state.owners.length === 0) return decideLetGo(state);
  if (state.observed !== ABSENT) return decideHeld(state, rules);
  const owner = freshest(candidates(state));
  if (owner) {
    const owners = state.owners.filter((one) => canPut(one, state.change));
    return put({ ...state, owners }, owner, ABSENT, state.row ? "missing in etcd" : "new");
  }
  const conflict = "written by the API and missing in etcd; dropped";
  return { action: "keep", after: null, reason: conflict, conflict };
}

/**
 * Owners whose object can be put. A bad file keeps no other owner's from it, though that one's be
 * older; where all are bad, the freshest tells what is missing.
 */
function candidates({ owners, change, readable }: KeyState): readonly Owner[] {
  const all = owners.filter((owner) => canPut(owner, change));
  const good = all.filter(readable);
  return good.length > 0 ? good : all;
}

/** An object of the API's has no file that it could be put from later. */
function canPut(owner: Owner, change: OwnershipChange | undefined): boolean {
  return owner.source !== "api" || change?.acquired.includes(owner) === true;
}

function decideHeld(state: KeyState, rules: DecisionRules): Decision {
  const held = heldIn(state, rules);
  if (!held) return { action: "read" };
  if (held.ours) return decideOurs(state, held, rules);
  if (held.resourceVersion === "") {
    return keep(state, held, conflictOf(state, "etcd holds a value that an apiserver wrote"));
  }
  const owner = freshest(candidates(state), rankBy(state, held));
  if (!owner) return keep(state, held);
  if (isNewer(owner, held)) {
    return rules.policy === "skip"
      ? keep(state, held, "etcd holds another importer's value (--conflict-policy skip)")
      : replace(state, owner, held, "newer than another importer's value");
  }
  if (rules.policy !== "owner") return keep(state, held);
  if (held.hash === undefined && !state.value) return { action: "read" };
  const best = freshest(state.owners, rankBy(state, held));
  const isHeld = best !== undefined && holds(best, held);
  if (isHeld || (isNewer(held, owner) && !mayGoBack(state, held))) return keep(state, held);
  return replace(state, owner, held, "what an owner holds (--conflict-policy owner)");
}

/**
 * Puts over what another put. The look that the row knows it from left no trace in etcd, which may
 * have been restored since: so it is looked at anew.
 */
function replace(state: KeyState, owner: Owner, held: Held, reason: string): Decision {
  return state.value ? put(state, owner, held.mod, reason) : { action: "read" };
}

/**
 * Whether a version lower than what etcd holds may be put. Else a component that lags behind could
 * be about to let go as well.
 */
function mayGoBack(state: KeyState, held: Held): boolean {
  const present = state.owners.filter((one) => isResourceVersion(one.resourceVersion));
  const isLast = !present.some((one) => holds(one, held));
  return wentBack(state, held) || (isLast && state.settled(present));
}

/** What etcd holds is to be the freshest version that an owner holds, in that one's bytes. */
function decideOurs(state: KeyState, held: Held, rules: DecisionRules): Decision {
  const rank = rankBy(state, held);
  const best = freshest(state.owners, rank);
  if (!best || holds(best, held)) {
    return isUnsure(state, held) ? { action: "read" } : keep(state, held);
  }
  // What is there is as good as another of its kind, also while its own file is bad.
  const holders = state.owners.filter((one) => holds(one, held));
  const owner = freshest([...candidates(state), ...holders], rank);
  if (!owner || holds(owner, held)) return keep(state, held);
  const order = compareResourceVersions(owner.resourceVersion, held.resourceVersion);
  if (order > 0) return put(state, owner, held.mod, "newer resourceVersion");
  if (order === 0) return put(state, owner, held.mod, sameVersionReason(state, owner, held));
  if (wentBack(state, held)) {
    return put(state, owner, held.mod, "its only owner went back to this resourceVersion");
  }
  const isOthers = held.adopted && rules.policy !== "owner";
  if (!isOthers && best === owner && mayGoBack(state, held)) {
    return put(state, owner, held.mod, "no owner holds what etcd does any more");
  }
  return keep(state, held);
}

/** Whose bytes are put of several that are as fresh: whose etcd holds, or held until they changed. */
function rankBy({ row }: KeyState, held: Held): (owner: Owner) => number {
  return (owner) => {
    if (holds(owner, held)) return 0;
    const before = row?.owners.find((other) => sameOwner(other, owner));
    return before && holds(before, held) ? 1 : 2;
  };
}

/** Whoever let go may have been the one whose bytes etcd holds. */
function isUnsure({ change, value }: KeyState, held: Held): boolean {
  return held.hash === undefined && !value && (change?.released.length ?? 0) > 0;
}

function sameVersionReason({ owners }: KeyState, owner: Owner, held: Held): string {
  if (owner.uid !== held.uid) return "another object of the same resourceVersion";
  return owners.some((one) => holds(one, held))
    ? "a better API version of the same resourceVersion"
    : "other content of the same resourceVersion";
}

function put(state: KeyState, owner: Owner, guardMod: string, reason: string): Decision {
  const { key, owners } = state;
  return { action: "put", guardMod, owner, after: ownRow(key, owner, owners), reason };
}

/** Why a key is let go of whose mod revision is not the one of our put any more. */
export const OVERTAKEN = "changed in etcd by another since it was written; let go";

function decideLetGo(state: KeyState): Decision {
  const { row, buried, observed, value } = state;
  if (!row) return { action: "none" };
  const drop = (reason: string, conflict?: string): Decision => ({
    action: "keep",
    after: null,
    reason,
    ...(conflict === undefined ? {} : { conflict }),
  });
  if (observed === ABSENT) return drop("already gone from etcd");
  if (!row.ours) return drop("etcd holds another's value");
  if (row.mod !== null) {
    if (observed === undefined || observed === row.mod) {
      return { action: "delete", guardMod: row.mod, reason: "no owner left" };
    }
    return drop("no owner left", conflictOf(state, OVERTAKEN));
  }
  if (!value) return { action: "read" };
  return claims(row, buried, value)
    ? { action: "delete", guardMod: value.mod, reason: "no owner left" }
    : drop("no owner left", "etcd holds another's value; let go");
}

interface Held extends FoundVersion {
  readonly ours: boolean;
  /** It is ours since it was adopted, and no owner has held it yet: it may be another node's. */
  readonly adopted: boolean;
}

/** What etcd holds, from the row if that still stands, else from the value that was read. */
function heldIn(state: KeyState, rules: DecisionRules): Held | undefined {
  const { row, buried, observed, value } = state;
  const isRead = value !== undefined && !row?.ours;
  if (row && row.mod !== null && !isRead && (observed === undefined || observed === row.mod)) {
    const { ours, mod, uid, resourceVersion, adopted = false } = row;
    const hash = value?.hash ?? row.hash;
    return { ours, mod, uid, resourceVersion, adopted, ...(hash !== undefined && { hash }) };
  }
  if (!value) return undefined;
  const isClaimed = row !== undefined && row.mod === null && row.ours && claims(row, buried, value);
  if (isClaimed) return { ...value, ours: true, adopted: row.adopted ?? false };
  const ours = rules.adopting && value.resourceVersion !== "";
  // What can't be any cloud's is no other node's.
  return { ...value, ours, adopted: ours && isResourceVersion(value.resourceVersion) };
}

/**
 * A value under an unknown mod is ours if it can be what we put, as the row says or a tombstone. What
 * an owner holds beside that was never put: another importer did.
 */
function claims(row: KeyRow, buried: readonly ObjectVersion[], value: FoundVersion): boolean {
  return value.resourceVersion !== "" &&
    [row, ...buried].some((ours) => value.uid === ours.uid && !isNewer(value, ours));
}

/** What every apiserver makes itself is left to it: nobody has to do anything about that. */
function conflictOf({ key, row, owners }: KeyState, conflict: string): string | undefined {
  const all = [...owners, ...(row?.owners ?? [])];
  return all.some(({ gvr }) => isApiserversOwn(gvr, key)) ? undefined : conflict;
}

/** Leaves etcd as it is; the row notes what was learned, if that is new. */
function keep(
  state: KeyState,
  held: Held,
  conflict = behindApi(state.owners, held),
): Decision {
  const { key, row, owners, change } = state;
  const { ours, mod, uid, resourceVersion, hash } = held;
  const adopted = held.adopted && !owners.some((owner) => holds(owner, held));
  const noted = row && !change && row.ours === ours && row.mod === mod && row.hash === hash &&
    (row.adopted ?? false) === adopted;
  const said = conflict === undefined ? {} : { conflict };
  if (noted) return { action: "none", ...said };
  const version = { uid, resourceVersion, ...(hash !== undefined && { hash }) };
  const after = { key, ours, mod, ...version, ...(adopted && { adopted }), owners };
  return {
    action: "keep",
    after,
    reason: ours ? "in step" : "etcd holds another's value",
    ...said,
  };
}
