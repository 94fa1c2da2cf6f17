import { isApiserversOwn } from "../k8s/mod.ts";
import type { KeyRow, Owner } from "../keycache/mod.ts";
import {
  freshest,
  isNewer,
  type ObjectVersion,
  type OwnershipChange,
  replacesOurs,
} from "./ownership.ts";

/** What to do when etcd holds a value that is not ours. */
export type ConflictPolicy = "fresher" | "skip";

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
  const owners = state.owners.filter((owner) => canPut(owner, state.change));
  const owner = freshest(owners);
  if (state.observed !== ABSENT) return decideHeld(state, owner, rules);
  if (owner) return decideHeld({ ...state, owners }, owner, rules);
  const conflict = "written by the API and missing in etcd; dropped";
  return { action: "keep", after: null, reason: conflict, conflict };
}

/** An object of the API's has no file that it could be put from later. */
function canPut(owner: Owner, change: OwnershipChange | undefined): boolean {
  return owner.source !== "api" || change?.acquired.includes(owner) === true;
}

/** @param owner the freshest one whose object can be put; undefined if none can */
function decideHeld(state: KeyState, owner: Owner | undefined, rules: DecisionRules): Decision {
  const { key, row, owners } = state;
  const put = (owner: Owner, guardMod: string, reason: string): Decision => {
    const { uid, resourceVersion } = owner;
    const after = { key, ours: true, mod: null, uid, resourceVersion, owners };
    return { action: "put", guardMod, owner, after, reason };
  };
  if (owner && state.observed === ABSENT) {
    return put(owner, ABSENT, row ? "missing in etcd" : "new");
  }
  const held = heldIn(state, rules);
  if (!held) return { action: "read" };
  if (held.ours) {
    if (owner && replacesOurs(owner, held, owners)) {
      return put(owner, held.mod, "newer resourceVersion");
    }
    return keep(state, held);
  }
  if (held.resourceVersion === "") {
    return keep(state, held, conflictOf(state, "etcd holds a value that an apiserver wrote"));
  }
  if (!owner || !isNewer(owner, held)) return keep(state, held);
  if (rules.policy === "fresher") {
    return put(owner, held.mod, "newer than another importer's value");
  }
  return keep(state, held, "etcd holds another importer's value (--conflict-policy skip)");
}

function decideLetGo(state: KeyState): Decision {
  const { row, buried, observed, value } = state;
  if (!row) return { action: "none" };
  const drop = (reason: string, conflict?: string): Decision => ({
    action: "keep",
    after: null,
    reason,
    ...(conflict === undefined ? {} : { conflict }),
  });
  if (!row.ours) return drop("etcd holds another's value");
  if (observed === ABSENT) return drop("already gone from etcd");
  if (row.mod !== null) {
    if (observed === undefined || observed === row.mod) {
      return { action: "delete", guardMod: row.mod, reason: "no owner left" };
    }
    const conflict = "changed in etcd by another since it was written; let go";
    return drop("no owner left", conflictOf(state, conflict));
  }
  if (!value) return { action: "read" };
  return claims(row, buried, value)
    ? { action: "delete", guardMod: value.mod, reason: "no owner left" }
    : drop("no owner left", "etcd holds another's value; let go");
}

interface Held extends FoundVersion {
  readonly ours: boolean;
}

/** What etcd holds, from the row if that still stands, else from the value that was read. */
function heldIn(state: KeyState, rules: DecisionRules): Held | undefined {
  const { row, buried, observed, value } = state;
  if (row && row.mod !== null && (observed === undefined || observed === row.mod)) {
    const { ours, mod, uid, resourceVersion } = row;
    return { ours, mod, uid, resourceVersion };
  }
  if (!value) return undefined;
  const ours = rules.adopting
    ? value.resourceVersion !== ""
    : row !== undefined && row.mod === null && row.ours &&
      claims(row, buried, value);
  return { ...value, ours };
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
function keep(state: KeyState, held: Held, conflict?: string): Decision {
  const { key, row, owners, change } = state;
  const { ours, mod, uid, resourceVersion } = held;
  const noted = row && !change && row.ours === ours && row.mod === mod;
  const said = conflict === undefined ? {} : { conflict };
  if (noted) return { action: "none", ...said };
  const after = { key, ours, mod, uid, resourceVersion, owners };
  return {
    action: "keep",
    after,
    reason: ours ? "in step" : "etcd holds another's value",
    ...said,
  };
}
