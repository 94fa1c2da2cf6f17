import { Buffer } from "node:buffer";
import type { ICompare, IRequestOp, ITxnRequest } from "etcd3";
import type { Etcd } from "../../lib/etcd/mod.ts";
import type { FileSystem } from "../../lib/fscache/mod.ts";
import type { ComponentKeyCache, KeyRow, KvMutation, KvStore } from "../../lib/keycache/mod.ts";
import { deleteUnclaimedKeys } from "../../lib/store/mod.ts";
import type { Mutation } from "./mutation.ts";
import { fenceOf } from "./world.ts";

/** A rule that is broken, and the checkers of which each alone must see it for the right reason. */
export interface BrokenRule {
  readonly mutation: Mutation;
  readonly seenBy: readonly Sight[];
}

/** What a checker says of it. */
export interface Sight {
  readonly checker: string;
  readonly text: RegExp;
}

const FORGOTTEN = "1 nothing forgotten";
const LAST_OWNER = "2 last owner";
const ONE_TXN = "3 one Txn";
const NOT_OURS = "4 not ours";
const RECOVERED = "5 recovered first";
const BROUGHT_BACK = "5 brought back";
const NOTHING_ELSE = "6 nothing else";
const BAD_FILE = "7 bad file";
const ANSWERED = "8 answered";
const THE_VALUE = "the value";
const AT_REST = "at rest";
const NOTICED = "noticed";

/** One mutated copy of a rule for each way to break an invariant. */
export const BROKEN_RULES: readonly BrokenRule[] = [
  {
    mutation: {
      name: "the intent is not written down before its Txn is sent",
      kv: (kv) => dropping(kv, ({ 0: kind }, isSet) => kind === "intent" && isSet),
    },
    seenBy: [{ checker: FORGOTTEN, text: /wrote .* and does not know of it/ }, {
      checker: RECOVERED,
      text: /sends a Txn that is not written down/,
    }],
  },
  {
    mutation: {
      name: "what a given-up Txn may have put is forgotten",
      kv: (kv, { disk }) =>
        dropping(
          kv,
          ([kind, key = ""], isSet) =>
            kind === "row" && isSet && disk.header !== undefined && disk.row(key) === undefined,
        ),
    },
    seenBy: [{ checker: FORGOTTEN, text: /forgets .*, which it wrote/ }],
  },
  {
    mutation: {
      name: "a row is dropped as soon as its key is put",
      kv: (kv) => dropping(kv, ({ 0: kind }, isSet) => kind === "row" && isSet),
    },
    seenBy: [{ checker: FORGOTTEN, text: /forgets .*, which it wrote/ }],
  },
  {
    mutation: {
      name: "a delete leaves no tombstone",
      kv: (kv) => dropping(kv, ({ 0: kind }) => kind === "tombstone"),
    },
    seenBy: [{ checker: FORGOTTEN, text: /wrote .* and does not know of it/ }, {
      checker: AT_REST,
      text: /is a ghost of/,
    }],
  },
  {
    mutation: {
      name: "backups are not looked at, and every directory seems settled",
      fs: (fs) => seeing(fs, (name) => !name.startsWith("tmp_"), true),
    },
    seenBy: [{ checker: LAST_OWNER, text: /deletes .*, which a file still stands for/ }],
  },
  {
    mutation: {
      name: "a directory in use counts as one that was made anew",
      fs: (fs) => ({
        ...seeing(fs, () => true, false),
        lstat: (path) => {
          const stat = fs.lstat(path);
          return stat.kind === "directory" ? { ...stat, birthtimeMs: stat.mtimeMs } : stat;
        },
      }),
    },
    seenBy: [{ checker: AT_REST, text: /holds .*, not undefined|is a ghost of/ }],
  },
  {
    mutation: {
      name: "objects of one name are not seen",
      fs: (fs) => seeing(fs, (name) => name !== "a", true),
    },
    seenBy: [{ checker: AT_REST, text: /does not hold .*\/a / }],
  },
  {
    mutation: {
      name: "a Txn does not compare the fence",
      etcd: (etcd) => changing(etcd, withoutFenceCompare),
    },
    seenBy: [{ checker: ONE_TXN, text: /a given-up Txn of .* applied/ }],
  },
  {
    mutation: {
      name: "the fence is not moved",
      etcd: (etcd) =>
        changing(etcd, (request) => ({ ...request, success: request.success?.slice(1) ?? [] })),
    },
    seenBy: [{ checker: ONE_TXN, text: /without moving the fence/ }],
  },
  {
    mutation: {
      name: "half of a batch goes into a Txn of its own",
      etcd: (etcd, lineage) => ({
        ...through(etcd),
        txn: async (request, bytes) => {
          const [fence, first, ...rest] = request.success ?? [];
          if (!fence || !first || rest.length === 0) return await etcd.txn(request, bytes);
          await etcd.txn({ ...request, success: [fence, first] });
          const compare = nextFence(request, fenceOf(lineage));
          return await etcd.txn({ ...request, compare, success: [fence, ...rest] });
        },
      }),
    },
    seenBy: [{ checker: ONE_TXN, text: /sends another batch than its intent says/ }],
  },
  {
    mutation: {
      name: "deletes are not guarded",
      etcd: (etcd) =>
        changing(etcd, (request) =>
          withLeaves(request, (leaf) => {
            const unguarded = leaf.success?.some((op) => op.request_delete_range) ?? false;
            return unguarded ? { ...leaf, compare: [] } : leaf;
          })),
    },
    seenBy: [{ checker: NOT_OURS, text: /deletes .*, which is not its own/ }],
  },
  {
    mutation: {
      name: "puts are not guarded",
      etcd: (etcd) =>
        changing(etcd, (request) =>
          withLeaves(request, (leaf) => ({
            ...leaf,
            compare: [],
          }))),
    },
    seenBy: [{ checker: NOT_OURS, text: /overwrites an apiserver's value/ }, {
      checker: NOT_OURS,
      text: /overwrites a newer value/,
    }],
  },
  {
    mutation: {
      name: "adoption deletes what no component here owns",
      adopted: async (context, { unclaimed = [] }) => {
        await deleteUnclaimedKeys(context, unclaimed, { bytesOf: () => undefined });
      },
    },
    seenBy: [{ checker: NOT_OURS, text: /deletes .*, which is not its own/ }],
  },
  {
    mutation: {
      name: "an older copy is put",
      etcd: (etcd) =>
        changing(etcd, (request) =>
          withLeaves(request, (leaf) => ({
            ...leaf,
            success: (leaf.success ?? []).map((op) => {
              const value = op.request_put?.value;
              if (!op.request_put || !value) return op;
              const older = value.toString().replace(
                /"resourceVersion":"\d+"/,
                '"resourceVersion":"1"',
              );
              return { request_put: { ...op.request_put, value: Buffer.from(older) } };
            }),
          }))),
    },
    seenBy: [
      { checker: THE_VALUE, text: /puts an older copy at .*, which no owner holds/ },
      { checker: ANSWERED, text: /(create|update)-object of .* is done, and etcd says otherwise/ },
    ],
  },
  {
    mutation: {
      name: "what was put is taken for other bytes",
      cache: (cache) => pretending(cache, (row) => ({ ...row, hash: "0".repeat(16) })),
    },
    seenBy: [{ checker: NOT_OURS, text: /puts what is there already/ }],
  },
  {
    mutation: {
      name: "a component that lags behind another is taken for the only one, and to have gone back",
      cache: (cache) =>
        pretending(cache, (row) => {
          const { uid, resourceVersion, owners } = row;
          const behind = owners.find((owner) => owner.resourceVersion !== resourceVersion);
          return behind ? { ...row, owners: [{ ...behind, uid, resourceVersion }] } : row;
        }),
    },
    seenBy: [{ checker: THE_VALUE, text: /puts an older copy at .* in a group-pass/ }],
  },
  {
    mutation: {
      name: "what no owner holds any more stays, as if it might be another node's",
      cache: (cache) => pretending(cache, (row) => ({ ...row, adopted: true })),
    },
    seenBy: [{ checker: THE_VALUE, text: /has at .*, and not what .* holds/ }],
  },
  {
    mutation: {
      name: "an etcd that came back older is not noticed",
      etcd: (etcd, lineage) => ({
        ...changing(etcd, withoutFenceCompare),
        range: async (request) => {
          const answer = await etcd.range(request);
          const { life, state } = lineage.disk;
          const [kv] = answer.kvs;
          const [writer, seq] = kv?.value.toString().split("/") ?? [];
          const isOlder = writer === life && state !== undefined && Number(seq) < state.seq;
          if (request.key?.toString() !== fenceOf(lineage) || !kv || !isOlder) return answer;
          return { ...answer, kvs: [{ ...kv, value: Buffer.from(state.expected ?? "") }] };
        },
      }),
    },
    seenBy: [{ checker: AT_REST, text: /is a ghost of/ }],
  },
  {
    mutation: {
      name: "that etcd came back older goes unsaid if it is found while an answer is looked for",
      cache: secretive,
    },
    seenBy: [{ checker: BROUGHT_BACK, text: /is not back after a (replace-list|group-pass)/ }],
  },
  {
    mutation: {
      name: "another life's fence is taken for our own",
      etcd: (etcd, lineage) => ({
        ...changing(etcd, (request) => ({ ...request, compare: [] })),
        range: async (request) => {
          const answer = await etcd.range(request);
          if (request.key?.toString() !== fenceOf(lineage)) return answer;
          const expected = lineage.disk.state?.expected ?? undefined;
          const [kv] = answer.kvs;
          if (!kv || expected === undefined) return { ...answer, kvs: [] };
          return { ...answer, kvs: [{ ...kv, value: Buffer.from(expected) }] };
        },
      }),
    },
    seenBy: [{ checker: RECOVERED, text: /writes under a fence of another's/ }, {
      checker: RECOVERED,
      text: /goes on under a fence of another's/,
    }],
  },
  {
    mutation: {
      name: "our own fence is taken for another life's",
      etcd: (etcd, lineage) => ({
        ...changing(etcd, (request) => request),
        range: async (request) => {
          const answer = await etcd.range(request);
          if (request.key?.toString() !== fenceOf(lineage)) return answer;
          const value = Buffer.from("another/1/x");
          return { ...answer, kvs: answer.kvs.map((kv) => ({ ...kv, value })) };
        },
      }),
    },
    seenBy: [{ checker: RECOVERED, text: /refuses to go on, and its fence is its own/ }],
  },
  {
    mutation: {
      name: "a key of nobody's is written along",
      etcd: (etcd) =>
        changing(etcd, (request) => ({
          ...request,
          success: [...request.success ?? [], {
            request_put: { key: Buffer.from("/registry/leases/x"), value: Buffer.from("x") },
          }],
        })),
    },
    seenBy: [{ checker: NOTHING_ELSE, text: /writes \/registry\/leases\/x/ }],
  },
  {
    mutation: {
      name: "a replace of one namespace replaces all of them",
      list: (list) => ({ ...list, namespace: undefined }),
    },
    seenBy: [{ checker: NOTHING_ELSE, text: /writes .* in a replace of/ }],
  },
  {
    mutation: {
      name: "a bad file hides its whole directory",
      fs: (fs) => ({
        ...seeing(fs, () => true, false),
        readDir: (path) => {
          const entries = fs.readDir(path);
          const bad = entries.some(({ name, kind }) =>
            kind === "file" && isBad(fs, `${path}/${name}`)
          );
          return bad ? [] : entries;
        },
      }),
    },
    seenBy: [{ checker: BAD_FILE, text: /did not take up/ }],
  },
  {
    mutation: {
      name: "what somebody deletes in etcd is not told",
      etcd: (etcd) => ({ ...through(etcd), watch: (request) => etcd.watch(request, () => {}) }),
    },
    seenBy: [{ checker: NOTICED, text: /which has not come back/ }],
  },
  {
    mutation: {
      name: "nobody notices that the watch on etcd broke",
      etcd: (etcd) => ({
        ...through(etcd),
        watch: async (request, told) => ({
          ...await etcd.watch(request, told),
          ended: new Promise(() => {}),
        }),
      }),
    },
    seenBy: [{ checker: NOTICED, text: /which has not come back/ }],
  },
];

function through(etcd: Etcd): Etcd {
  return {
    range: (request) => etcd.range(request),
    rangeAll: (requests) => etcd.rangeAll(requests),
    txn: (request, bytes) => etcd.txn(request, bytes),
    hasNoSpaceAlarm: () => etcd.hasNoSpaceAlarm(),
    watch: (request, told) => etcd.watch(request, told),
    close: () => etcd.close(),
  };
}

/** Changes every Txn that writes. */
function changing(etcd: Etcd, change: (request: ITxnRequest) => ITxnRequest): Etcd {
  return {
    ...through(etcd),
    txn: (request, bytes) =>
      etcd.txn((request.compare?.length ?? 0) > 0 ? change(request) : request, bytes),
  };
}

/** A span that must be vacant is compared all the same. */
function withoutFenceCompare(request: ITxnRequest): ITxnRequest {
  const compare = (request.compare ?? []).filter(({ range_end: end }) => end !== undefined);
  return { ...request, compare };
}

/** A cache that keeps its new epoch to itself if it was a pending Txn that was given up. */
function secretive(cache: ComponentKeyCache): ComponentKeyCache {
  let unsaid = 0;
  const giveUp: ComponentKeyCache["giveUp"] = async (fence) => {
    const isSecret = cache.intent !== undefined && fence.newEpoch === true;
    await cache.giveUp(fence);
    if (isSecret) unsaid++;
  };
  return new Proxy(cache, {
    get: (target, name) => {
      if (name === "giveUp") return giveUp;
      if (name === "fence") return { ...target.fence, epoch: target.fence.epoch - unsaid };
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A cache whose rows are told otherwise than they are. */
function pretending(
  cache: ComponentKeyCache,
  change: (row: KeyRow) => KeyRow,
): ComponentKeyCache {
  return new Proxy(cache, {
    get: (target, name) => {
      if (name === "rows") {
        return new Map([...target.rows].map(([key, row]) => [key, change(row)]));
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Changes every Txn that guards one operation. */
function withLeaves(
  request: ITxnRequest,
  change: (leaf: ITxnRequest) => ITxnRequest,
): ITxnRequest {
  const visit = (op: IRequestOp): IRequestOp => {
    const nested = op.request_txn;
    if (!nested) return op;
    const inner = { ...nested, success: (nested.success ?? []).map(visit) };
    return { request_txn: (nested.compare?.length ?? 0) > 0 ? change(inner) : inner };
  };
  return { ...request, success: (request.success ?? []).map(visit) };
}

function nextFence(request: ITxnRequest, fenceKey: string): ICompare[] {
  const [fence] = request.success ?? [];
  const put = fence?.request_put ?? fence?.request_txn?.success?.[0]?.request_put;
  const value = put?.value ?? Buffer.alloc(0);
  return [{ result: "Equal", target: "Value", key: Buffer.from(fenceKey), value }];
}

/** A database that loses some of what is written to it. */
function dropping(
  kv: KvStore,
  isLost: (key: readonly string[], isSet: boolean) => boolean,
): KvStore {
  const lost = (mutation: KvMutation) =>
    "set" in mutation ? isLost(mutation.set, true) : isLost(mutation.delete, false);
  return {
    path: kv.path,
    ...(kv.limits && { limits: kv.limits }),
    list: (prefix) => kv.list(prefix),
    commit: (mutations, absent) =>
      kv.commit(mutations.filter((mutation) => !lost(mutation)), absent),
    close: () => kv.close(),
  };
}

/** A file system that hides some names, and whose directories may all seem old. */
function seeing(fs: FileSystem, isSeen: (name: string) => boolean, old: boolean): FileSystem {
  return {
    readDir: (path) => fs.readDir(path).filter(({ name }) => isSeen(name)),
    lstat: (path) => {
      if (!isSeen(path.slice(path.lastIndexOf("/") + 1))) throw new Deno.errors.NotFound(path);
      const stat = fs.lstat(path);
      return old && stat.kind === "directory" ? { ...stat, mtimeMs: 0, ctimeMs: 0 } : stat;
    },
    readFile: (path, maxBytes) => fs.readFile(path, maxBytes),
  };
}

function isBad(fs: FileSystem, path: string): boolean {
  return fs.readFile(path, 1_000_000).bytes.at(-1) !== "}".charCodeAt(0);
}
