import type { IRequestOp, ITxnRequest } from "etcd3";

/** One guarded operation of a Txn, taken from the request by other eyes than the agent's. */
export interface GuardedOp {
  readonly action: "put" | "delete";
  readonly key: string;
  /** Undefined if nothing guards it. */
  readonly guardMod: string | undefined;
  readonly value: Uint8Array;
}

/** Every put and delete of a Txn, wherever it is nested. */
export function writesOf(request: ITxnRequest): GuardedOp[] {
  const found: GuardedOp[] = [];
  const vacant = (request.compare ?? []).flatMap((one) => {
    const absent = one.target === "Version" || one.target === "Create" || one.target === "Mod";
    const zero = String(one.version ?? one.create_revision ?? one.mod_revision ?? "") === "0";
    if (!absent || !zero || one.result !== "Equal" || !one.range_end) return [];
    return { first: String(one.key), end: String(one.range_end) };
  });
  const inVacant = (key: string) => vacant.some(({ first, end }) => first <= key && key < end);
  const visit = (ops: readonly IRequestOp[], guards: ReadonlyMap<string, string>) => {
    for (const op of ops) {
      if (op.request_txn) {
        const inner = new Map(guards);
        for (const { target, result, key, mod_revision: mod } of op.request_txn.compare ?? []) {
          if (target === "Mod" && result === "Equal") inner.set(String(key), String(mod));
        }
        visit(op.request_txn.success ?? [], inner);
        visit(op.request_txn.failure ?? [], guards);
        continue;
      }
      const key = String(op.request_put?.key ?? op.request_delete_range?.key ?? "");
      if (key === "") continue;
      found.push({
        action: op.request_put ? "put" : "delete",
        key,
        guardMod: guards.get(key) ?? (inVacant(key) ? "0" : undefined),
        value: op.request_put?.value ?? new Uint8Array(),
      });
    }
  };
  visit(request.success ?? [], new Map());
  visit(request.failure ?? [], new Map());
  return found;
}

/** Every key that a Txn reads by itself, wherever it is nested. */
export function readsOf({ success = [], failure = [] }: ITxnRequest): string[] {
  return [...success, ...failure].flatMap((op) => {
    if (op.request_txn) return readsOf(op.request_txn);
    return op.request_range?.key ? [String(op.request_range.key)] : [];
  });
}

/** The value that a Txn gives to the fence; empty if it deletes it, or leaves it. */
export function fenceValue(request: ITxnRequest): string {
  const fence = writesOf(request).find(({ key }) => key.startsWith("/edgekeyd/"));
  return fence ? new TextDecoder().decode(fence.value) : "";
}

/** A Txn that no etcd can apply: its condition is a fence that nobody writes. */
export function isRehearsal({ compare = [] }: ITxnRequest): boolean {
  return compare.some(({ target, result, key, value }) =>
    target === "Value" && result === "Equal" && String(key).startsWith("/edgekeyd/") &&
    !String(value).includes("/")
  );
}
