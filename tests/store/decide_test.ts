import assert from "node:assert/strict";
import type { KeyRow, Owner, PutVersion } from "../../lib/keycache/mod.ts";
import {
  ABSENT,
  decide,
  type Decision,
  type DecisionRules,
  type FoundVersion,
} from "../../lib/store/decide.ts";
import { ownersAfter, type OwnershipChange } from "../../lib/store/mod.ts";
import { hashOf, KEY, ownerOf, rowOf } from "./_states.ts";

const FRESHER: DecisionRules = { policy: "fresher", adopting: false };
const SKIP: DecisionRules = { policy: "skip", adopting: false };
const ADOPT: DecisionRules = { policy: "fresher", adopting: true };

const acquired = (...owners: Owner[]): OwnershipChange => ({
  key: KEY,
  acquired: owners,
  released: [],
});
const released = (...owners: Owner[]): OwnershipChange => ({
  key: KEY,
  acquired: [],
  released: owners,
});
/** What was read from etcd. */
const found = (
  resourceVersion: string,
  uid = "u",
  mod = "9",
  hash = hashOf(uid, resourceVersion),
): FoundVersion => ({ mod, uid, resourceVersion, hash });

const WENT_BACK = "its only owner went back to this resourceVersion";
const NOT_HELD = "no owner holds what etcd does any more";
const OTHER_CONTENT = "other content of the same resourceVersion";
const BETTER = "a better API version of the same resourceVersion";
const APISERVER = "etcd holds a value that an apiserver wrote";
const SKIPPED = "etcd holds another importer's value (--conflict-policy skip)";

/** The row as a put of `owner` leaves it, its mod still open. */
const putRow = (owner: Owner, owners: readonly Owner[]): KeyRow => {
  const { uid, resourceVersion, hash = "" } = owner;
  return { key: KEY, ours: true, mod: null, uid, resourceVersion, hash, owners };
};
const put = (owner: Owner, guardMod: string, reason: string, owners = [owner]): Decision => ({
  action: "put",
  guardMod,
  owner,
  after: putRow(owner, owners),
  reason,
});
const del = (guardMod: string): Decision => ({
  action: "delete",
  guardMod,
  reason: "no owner left",
});
const gone = (reason: string, conflict?: string): Decision => ({
  action: "keep",
  after: null,
  reason,
  ...(conflict === undefined ? {} : { conflict }),
});
/** Nothing in etcd; the row notes whose value stands there. */
const note = (
  version: FoundVersion,
  ours: boolean,
  owners: Owner[],
  conflict?: string,
  more: Partial<KeyRow> = {},
): Decision => ({
  action: "keep",
  after: { key: KEY, ours, ...version, ...more, owners },
  reason: ours ? "in step" : "etcd holds another's value",
  ...(conflict === undefined ? {} : { conflict }),
});

interface Case {
  row?: KeyRow;
  buried?: readonly PutVersion[];
  change?: OwnershipChange;
  observed?: string;
  value?: FoundVersion;
  rules?: DecisionRules;
  /** All was looked at, and nothing was moving. */
  settled?: boolean;
  /** Components whose file is bad. */
  bad?: readonly string[];
}

const version = (resourceVersion: string) => ({
  resourceVersion,
  hash: hashOf("u", resourceVersion),
});
const HUGE = version("18446744073709551615");
const old = ownerOf();
const older = ownerOf({ resourceVersion: "6" });
const rewritten = ownerOf({ hash: "rewritten" });
const alpha = ownerOf({ gvr: "pods.v1alpha1.core", hash: "alpha" });
const fresh = ownerOf({ resourceVersion: "8" });
const rebuilt = ownerOf({ uid: "v", resourceVersion: "3" });
const other = ownerOf({ component: "kube-proxy" });
const api = ownerOf({ component: "api", source: "api" });
const unknown = rowOf({ mod: null });
const { hash: _, ...unhashed } = rowOf();
const theirs = rowOf({ ours: false, mod: "9", resourceVersion: "6" });

const TABLE: Record<string, [Case, Decision]> = {
  "a new key that is absent is put": [
    { change: acquired(old), observed: ABSENT },
    put(old, ABSENT, "new"),
  ],
  "a new key that is there is read": [
    { change: acquired(old), observed: "9" },
    { action: "read" },
  ],
  "an owned key that is missing is put again": [
    { row: rowOf(), observed: ABSENT },
    put(old, ABSENT, "missing in etcd"),
  ],
  "an owned key that is as it was needs nothing": [
    { row: rowOf(), observed: "5" },
    { action: "none" },
  ],
  "a newer version replaces ours, without a look": [
    { row: rowOf(), change: acquired(fresh) },
    put(fresh, "5", "newer resourceVersion"),
  ],
  "the same version under a new stamp changes the row alone": [
    { row: rowOf(), change: acquired(ownerOf({ readAtMs: 77 })) },
    note(found("7", "u", "5"), true, [ownerOf({ readAtMs: 77 })]),
  ],
  "what the only owner itself went back to is put at once": [
    { row: rowOf(), change: acquired(older) },
    put(older, "5", WENT_BACK),
  ],
  "also another object, of a cloud that was set up anew": [
    { row: rowOf(), change: acquired(rebuilt) },
    put(rebuilt, "5", WENT_BACK),
  ],
  "but not if it had gone back from something else than what etcd holds": [
    { row: rowOf({ resourceVersion: "8" }), change: acquired(older) },
    note(found("8", "u", "5"), true, [older]),
  ],
  "nor if there was another owner, which may be the one that lags behind": [
    { row: rowOf({ owners: [old, other] }), change: { ...acquired(older), released: [other] } },
    note(found("7", "u", "5"), true, [older]),
  ],
  "but not while another owner still holds that one": [
    { row: rowOf({ owners: [old, other] }), change: acquired(rebuilt) },
    note(found("7", "u", "5"), true, [other, rebuilt]),
  ],
  "the freshest of several owners is what is put": [
    { row: rowOf({ owners: [old, other] }), change: acquired({ ...other, resourceVersion: "9" }) },
    put({ ...other, resourceVersion: "9" }, "5", "newer resourceVersion", [
      old,
      { ...other, resourceVersion: "9" },
    ]),
  ],
  "when one of several owners lets go, the value stays": [
    { row: rowOf({ owners: [old, other] }), change: released(old) },
    note(found("7", "u", "5"), true, [other]),
  ],
  "even when it was the freshest, since the other may be about to let go as well": [
    {
      row: rowOf({ owners: [fresh, other], resourceVersion: "8" }),
      change: released(fresh),
    },
    note(found("8", "u", "5"), true, [other]),
  ],
  "until a full, settled look: then the freshest that an owner holds is put, lower or not": [
    { row: rowOf({ owners: [other], resourceVersion: "8" }), settled: true },
    put(other, "5", NOT_HELD),
  ],
  "also another object that is older": [
    {
      row: rowOf({ owners: [other], uid: "v", resourceVersion: "8" }),
      settled: true,
    },
    put(other, "5", NOT_HELD),
  ],
  "and also in the look in which the freshest was seen to let go": [
    {
      row: rowOf({ owners: [fresh, other], resourceVersion: "8" }),
      change: released(fresh),
      settled: true,
    },
    put(other, "5", NOT_HELD),
  ],
  "but never while an owner holds what etcd does": [
    { row: rowOf({ owners: [fresh, other], resourceVersion: "8" }), settled: true },
    { action: "none" },
  ],
  "be it one of the API's, whose object etcd alone has": [
    {
      row: rowOf({ owners: [{ ...api, ...version("8") }, other], resourceVersion: "8" }),
      settled: true,
    },
    { action: "none" },
  ],
  "what a file has of it is in step, whatever of the API's etcd has lost": [
    { row: rowOf({ owners: [{ ...api, ...version("8") }, old] }), observed: "5", settled: true },
    { action: "none" },
  ],
  "other content of the same resourceVersion is put if it is the holder's own": [
    { row: rowOf(), change: acquired(rewritten) },
    put(rewritten, "5", OTHER_CONTENT),
  ],
  "and if another had other content all along": [
    { row: rowOf({ owners: [old, { ...other, hash: "o" }] }), change: acquired(rewritten) },
    put(rewritten, "5", OTHER_CONTENT, [{ ...other, hash: "o" }, rewritten]),
  ],
  "not if another owner still holds what etcd does, to the byte": [
    { row: rowOf({ owners: [old, other] }), change: acquired(rewritten) },
    note(found("7", "u", "5"), true, [other, rewritten]),
  ],
  "what the holder leaves behind is put when it lets go": [
    { row: rowOf({ owners: [old, { ...other, hash: "o" }] }), change: released(old) },
    put({ ...other, hash: "o" }, "5", OTHER_CONTENT),
  ],
  "a better API version of the same resourceVersion is put": [
    { row: rowOf({ owners: [alpha], hash: "alpha" }), change: acquired(old) },
    put(old, "5", BETTER, [alpha, old]),
  ],
  "a worse one is not": [
    { row: rowOf({ owners: [old] }), change: acquired(alpha) },
    note(found("7", "u", "5"), true, [old, alpha]),
  ],
  "what is in etcd of an earlier edgekeyd, in unknown bytes, is taken to be the owner's": [
    { row: unhashed, change: acquired(rewritten) },
    { action: "keep", after: { ...unhashed, owners: [rewritten] }, reason: "in step" },
  ],
  "but read when an owner lets go, whose they may be": [
    { row: { ...unhashed, owners: [old, other] }, change: released(old) },
    { action: "read" },
  ],
  "and noted once they were read": [
    { row: unhashed, value: found("7", "u", "5") },
    note(found("7", "u", "5"), true, [old]),
  ],
  "or replaced": [
    { row: unhashed, value: found("7", "u", "5", "o") },
    put(old, "5", OTHER_CONTENT),
  ],
  "an owner whose resourceVersion is none any more counts for nothing": [
    { row: rowOf({ ...HUGE, owners: [{ ...other, ...HUGE }, old] }), settled: true },
    put(old, "5", NOT_HELD, [{ ...other, ...HUGE }, old]),
  ],
  "when the last owner lets go, the key is deleted under its mod": [
    { row: rowOf(), change: released(old) },
    del("5"),
  ],
  "a key that is due for a delete is deleted": [
    { row: rowOf({ owners: [] }), observed: "5" },
    del("5"),
  ],
  "a key that is gone already is forgotten": [
    { row: rowOf(), change: released(old), observed: ABSENT },
    gone("already gone from etcd"),
  ],
  "a key that was another's and is gone is no value of another's": [
    { row: theirs, change: released(old), observed: ABSENT },
    gone("already gone from etcd"),
  ],
  "nor one whose value was to be judged anew": [
    { row: { ...theirs, mod: null }, change: released(old), observed: ABSENT },
    gone("already gone from etcd"),
  ],
  "a key that another changed is let go": [
    { row: rowOf(), change: released(old), observed: "9" },
    gone("no owner left", "changed in etcd by another since it was written; let go"),
  ],
  "a key that is another's is let go": [
    { row: theirs, change: released(old) },
    gone("etcd holds another's value"),
  ],
  "a key under an unknown mod is read before it is deleted": [
    { row: unknown, change: released(old), observed: "9" },
    { action: "read" },
  ],
  "and deleted if it can be what we wrote": [
    { row: unknown, change: released(old), observed: "9", value: found("7") },
    del("9"),
  ],
  "or an older version of it": [
    { row: unknown, change: released(old), observed: "9", value: found("6") },
    del("9"),
  ],
  "but not if it is newer": [
    { row: unknown, change: released(old), observed: "9", value: found("8") },
    gone("no owner left", "etcd holds another's value; let go"),
  ],
  "nor if it is another object": [
    { row: unknown, change: released(old), observed: "9", value: found("7", "v") },
    gone("no owner left", "etcd holds another's value; let go"),
  ],
  "nor if an apiserver wrote it": [
    { row: unknown, change: released(old), observed: "9", value: found("", "u") },
    gone("no owner left", "etcd holds another's value; let go"),
  ],
  "a released key that is in no row needs nothing": [
    { change: released(old) },
    { action: "none" },
  ],
  "a key under an unknown mod that holds what we put earlier is deleted": [
    {
      row: unknown,
      buried: [{ uid: "w", resourceVersion: "1" }, { uid: "v", resourceVersion: "9" }],
      change: released(old),
      observed: "9",
      value: found("8", "v"),
    },
    del("9"),
  ],
  "and is let go if it is newer than that": [
    {
      row: unknown,
      buried: [{ uid: "v", resourceVersion: "7" }],
      change: released(old),
      observed: "9",
      value: found("8", "v"),
    },
    gone("no owner left", "etcd holds another's value; let go"),
  ],
  "what we put earlier is ours under an unknown mod": [
    {
      row: unknown,
      buried: [{ uid: "u", resourceVersion: "8" }],
      observed: "9",
      value: found("8"),
    },
    note(found("8"), true, [old]),
  ],
  "but not where the row says another's": [
    {
      row: rowOf({ ours: false, mod: null }),
      buried: [{ uid: "u", resourceVersion: "8" }],
      observed: "9",
      value: found("8"),
    },
    note(found("8"), false, [old]),
  ],
  "an unknown mod is read": [{ row: unknown, observed: "9" }, { action: "read" }],
  "and known again if it is what we wrote": [
    { row: unknown, observed: "9", value: found("7") },
    note(found("7"), true, [old]),
  ],
  "and put if it is an older version of what we wrote": [
    { row: unknown, observed: "9", value: found("6") },
    put(old, "9", "newer resourceVersion"),
  ],
  "and another's if it is newer than what we wrote": [
    { row: unknown, observed: "9", value: found("8") },
    note(found("8"), false, [old]),
  ],
  "and another's if it is an owner's version that we never put": [
    {
      row: { ...unknown, owners: [{ ...old, uid: "v", resourceVersion: "5" }] },
      observed: "9",
      value: found("5", "v"),
    },
    note(found("5", "v"), false, [{ ...old, uid: "v", resourceVersion: "5" }]),
  ],
  "a change by another is read": [{ row: rowOf(), observed: "9" }, { action: "read" }],
  "an importer's older value is replaced": [
    { row: rowOf(), observed: "9", value: found("6") },
    put(old, "9", "newer than another importer's value"),
  ],
  "even if it is another object": [
    { row: rowOf(), observed: "9", value: found("6", "v") },
    put(old, "9", "newer than another importer's value"),
  ],
  "an importer's same value satisfies us, but is not ours": [
    { row: rowOf(), observed: "9", value: found("7") },
    note(found("7"), false, [old]),
  ],
  "an importer's newer value satisfies us, but is not ours": [
    { change: acquired(old), observed: "9", value: found("8") },
    note(found("8"), false, [old]),
  ],
  "an apiserver's value is a conflict": [
    { change: acquired(old), observed: "9", value: found("", "") },
    note(found("", ""), false, [old], APISERVER),
  ],
  "policy skip leaves an importer's older value, and says so": [
    { change: acquired(old), observed: "9", value: found("6"), rules: SKIP },
    note(found("6"), false, [old], SKIPPED),
  ],
  "policy skip is content with an importer's newer value": [
    { change: acquired(old), observed: "9", value: found("8"), rules: SKIP },
    note(found("8"), false, [old]),
  ],
  "policy skip still replaces what is ours": [
    { row: rowOf(), change: acquired(fresh), rules: SKIP },
    put(fresh, "5", "newer resourceVersion"),
  ],
  "what was judged is not read again, and stays as it was judged": [
    { row: theirs, observed: "9", rules: SKIP },
    { action: "none", conflict: SKIPPED },
  ],
  "an apiserver's value that was judged stays a conflict": [
    { row: rowOf({ ours: false, mod: "9", uid: "", resourceVersion: "" }), observed: "9" },
    { action: "none", conflict: APISERVER },
  ],
  "what was judged under another policy is read before it is replaced": [
    { row: theirs, observed: "9" },
    { action: "read" },
  ],
  "and replaced if it is older than ours": [
    { row: theirs, observed: "9", value: found("6") },
    put(old, "9", "newer than another importer's value"),
  ],
  "and left if etcd was restored since, and holds a newer value at the same mod": [
    { row: theirs, observed: "9", value: found("8") },
    note(found("8"), false, [old]),
  ],
  "what is another's and changed is read again": [
    { row: theirs, observed: "10" },
    { action: "read" },
  ],
  "adopting takes an importer's value over as ours": [
    { change: acquired(old), observed: "9", value: found("7"), rules: ADOPT },
    note(found("7"), true, [old]),
  ],
  "adopting never puts an older version over a newer one, which may be another node's": [
    { change: acquired(old), observed: "9", value: found("8"), rules: ADOPT, settled: true },
    note(found("8"), true, [old], undefined, { adopted: true }),
  ],
  "nor does a later look": [
    { row: rowOf({ resourceVersion: "8", adopted: true }), observed: "5", settled: true },
    { action: "none" },
  ],
  "unless an owner has come to hold it since": [
    {
      row: rowOf({ resourceVersion: "8", adopted: true }),
      change: acquired(fresh),
      observed: "5",
    },
    note(found("8", "u", "5"), true, [fresh]),
  ],
  "adopting puts a file's content over another's of the same resourceVersion": [
    { change: acquired(old), observed: "9", value: found("7", "u", "9", "o"), rules: ADOPT },
    put(old, "9", OTHER_CONTENT),
  ],
  "and over a version that no cloud can have given": [
    { change: acquired(old), value: found(HUGE.resourceVersion), rules: ADOPT, settled: true },
    put(old, "9", NOT_HELD),
  ],
  "adopting leaves an apiserver's value": [
    { change: acquired(old), observed: "9", value: found("", ""), rules: ADOPT },
    note(found("", ""), false, [old], APISERVER),
  ],
  "what the API wrote has no file to heal from: missing, it is dropped and reported": [
    { row: rowOf({ owners: [api] }), observed: ABSENT },
    gone(
      "written by the API and missing in etcd; dropped",
      "written by the API and missing in etcd; dropped",
    ),
  ],
  "unless a file holds it too": [
    { row: rowOf({ owners: [api, old] }), observed: ABSENT },
    put(old, ABSENT, "missing in etcd"),
  ],
  "a bad file keeps no other owner's from being put, though that one's be older": [
    { row: rowOf({ owners: [fresh, other] }), observed: ABSENT, bad: [fresh.component] },
    put(other, ABSENT, "missing in etcd", [fresh, other]),
  ],
  "of bad files alone the freshest tells what is missing": [
    {
      row: rowOf({ owners: [fresh, other] }),
      observed: ABSENT,
      bad: [fresh.component, other.component],
    },
    put(fresh, ABSENT, "missing in etcd", [fresh, other]),
  ],
  "what a bad file held is no reason to keep an older value from a fresher file": [
    {
      row: rowOf({ owners: [{ ...fresh, resourceVersion: "9" }, other] }),
      change: acquired({ ...other, resourceVersion: "8" }),
      bad: [fresh.component],
    },
    put({ ...other, resourceVersion: "8" }, "5", "newer resourceVersion", [
      { ...fresh, resourceVersion: "9" },
      { ...other, resourceVersion: "8" },
    ]),
  ],
  "what the API writes now is put": [
    { change: acquired(api), observed: ABSENT },
    put(api, ABSENT, "new"),
  ],
};

for (
  const [name, [one, expected]] of Object.entries(TABLE)
) {
  const { row, change, buried = [], observed, value, rules, settled = false, bad = [] } = one;
  Deno.test(`decide(): ${name}`, () => {
    const owners = ownersAfter(row, change);
    const seen = { buried, observed: value?.mod ?? observed, value, settled: () => settled };
    const readable = (owner: Owner) => !bad.includes(owner.component);
    const state = { key: KEY, row, owners, change, ...seen, readable };
    assert.deepEqual(decide(state, rules ?? FRESHER), expected);
  });
}
