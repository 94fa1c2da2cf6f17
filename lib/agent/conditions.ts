import { plural } from "../plural.ts";
import { FenceError } from "../store/mod.ts";
import { listOf, oneOf, record, type Schema, TEXT, type TypeOf } from "./schema.ts";
import {
  adviceOf,
  CONDITION_PARTS,
  type ConditionItem,
  type Definition,
  type Facts,
} from "./condition.ts";

const HALF_REWRITTEN_ADVICE =
  "yurthub puts its backup (tmp_…) back when it starts; do that by hand if it is not at work";

const BUSY_ADVICE =
  "its directories are moved or made anew more often than --settle-time: find out by what, or give " +
  "a shorter one";

/** Verdicts on a fence while a Txn was written down whose result was not. */
/** Reasons of files that only are too much to take. */
const TOO_LARGE = /^(larger than \d|does not fit one etcd request)/;
const PENDING: ReadonlySet<string> = new Set([
  "applied",
  "not-applied",
  "fenced-off",
]);

/**
 * Every condition of a node, the gravest first. Readiness, status, systemd's line, the log, the
 * metrics and the API's schema are made from it. A name stays what it is: dashboards and programs
 * know it.
 */
const TABLE = {
  "retired": {
    kind: "not-ready",
    effect: "retired",
    items: ({ retired, nodeName = "" }) => retired ? [{ about: nodeName }] : [],
    words: () => "nothing is written any more",
    reason: () => "this node was retired",
    advice: "start edgekeyd anew to let it take part again",
  },
  "fence-lost": {
    kind: "not-ready",
    effect: "failing",
    items: ({ fence }) =>
      fence?.kind === "other-life" || fence?.kind === "rolled-back"
        ? [{ about: fence.key, reason: new FenceError(fence.kind, fence.key).what }]
        : [],
    words: reasonOf,
    advice: FenceError.ADVICE,
  },
  "etcd-away": {
    kind: "not-ready",
    effect: "etcd-away",
    items: ({ etcd, failure }) =>
      failure && etcd === "away" ? [{ about: "etcd", reason: failure.message }] : [],
    words: reasonOf,
    advice: "nothing is lost meanwhile, and the first pass after it makes up for it",
  },
  "failing": {
    kind: "not-ready",
    effect: "failing",
    items: ({ etcd, failure }) =>
      failure && etcd !== "away" ? [{ about: failure.code, reason: failure.message }] : [],
    words: reasonOf,
    advice: "once that is mended, the next pass makes up for it",
  },
  "service-down": {
    kind: "not-ready",
    effect: "failing",
    items: ({ idleService: about }) => about === undefined ? [] : [{ about }],
    words: ([item]) => `${item?.about ?? ""} is installed here and does not run`,
    advice: "`systemctl status edgekeyd` and `journalctl -u edgekeyd` say why; " +
      "`systemctl start edgekeyd` starts it",
  },
  "starting": {
    kind: "not-ready",
    effect: "starting",
    items: ({ daemon, retired, failure, lastSuccessMs, nodeName = "" }) =>
      daemon && !retired && !failure && lastSuccessMs === undefined ? [{ about: nodeName }] : [],
    words: () => "the first full pass is under way",
    advice: "wait until it is through",
  },
  "etcd-reset": {
    kind: "not-ready",
    effect: "unsettled",
    items: ({ fence }) => fence?.kind === "reset" ? [{ about: fence.key }] : [],
    words: () => "etcd came back empty or older than the cache",
    advice: "a full pass puts what is missing: a daemon makes one at once, and without one " +
      "`edgekeyd --reconcile` does",
  },
  "txn-pending": {
    kind: "not-ready",
    effect: "unsettled",
    items({ pendingKeys = 0, fence, nodeName = "" }) {
      if (pendingKeys > 0) return [{ about: nodeName, count: pendingKeys }];
      return fence && PENDING.has(fence.kind) ? [{ about: nodeName }] : [];
    },
    words: ([item]) =>
      item?.count === undefined
        ? "a Txn is pending"
        : `a Txn of ${plural(item.count, "key")} is pending`,
    advice: "`edgekeyd --reconcile` settles it",
  },
  "deletes-held-back": {
    kind: "not-ready",
    effect: "exception",
    items: ({ heldBack = [] }) =>
      heldBack.map(({ component, deletes }) => ({ about: component, count: deletes })),
    words(items) {
      const names = items.map(({ about }) => about).join(", ");
      const deletes = items.reduce((sum, { count = 0 }) => sum + count, 0);
      // What is gone and shares all its keys has none to delete, and is held back too.
      return deletes > 0
        ? `${plural(deletes, "delete")} of ${names} held back`
        : `${plural(items.length, "component")} (${names}) held back`;
    },
    reason: ({ about, count = 0 }) =>
      count > 0
        ? `${plural(count, "delete")} of ${about} ${count === 1 ? "is" : "are"} held back`
        : `${about} is held back from letting go of keys, all of which others hold too`,
    advice: "put back what is not meant to be gone from the fs cache; only if the deletes are " +
      "meant, run " +
      "`edgekeyd --reconcile --confirm-deletes`, or `edgekeyd delete-component NAME` for a " +
      "component whose directory is gone",
    log: {
      appeared: "deletes held back",
      cleared: "no deletes held back any more",
      about: "component",
      count: "deletes",
    },
  },
  "conflicts": {
    kind: "warning",
    effect: "exception",
    items: ({ conflicts = new Map() }) =>
      [...conflicts].map(([about, reason]) => ({ about, reason }))
        .sort((a, b) => (a.about < b.about ? -1 : 1)),
    words: ({ length }) => `${plural(length, "key")} left to others`,
    advice: "delete them in etcd to let edgekeyd write them",
    log: { appeared: "key left to others", cleared: "no longer left to others", about: "key" },
  },
  "others-values": {
    kind: "warning",
    effect: "none",
    items: ({ others = new Map() }) =>
      [...others].map(([about, reason]) => ({ about, reason }))
        .sort((a, b) => (a.about < b.about ? -1 : 1)),
    words: ({ length }) =>
      `${plural(length, "key")} with another importer's value, which no component here holds`,
    advice:
      "another node may be ahead of this one; if not, `--reconcile --conflict-policy owner` " +
      "puts what the files say",
    log: {
      appeared: "another importer's value, which no component here holds",
      cleared: "no longer another importer's value",
      about: "key",
    },
  },
  "keys-not-put": {
    kind: "warning",
    effect: "exception",
    items: ({ notPut = [] }) =>
      notPut.map(({ key, path, reason }) => ({
        about: key,
        reason: `${reason}, and ${path} can't be imported`,
      })),
    words: ({ length }) => `${plural(length, "key")} to be put, whose file can't be imported`,
    advice: "let yurthub write the files anew",
    log: {
      appeared: "not put, since its file can't be imported",
      cleared: "no longer to be put",
      about: "key",
    },
  },
  "invalid-paths": {
    kind: "warning",
    effect: "exception",
    items: ({ invalid = [] }) => invalid.map(({ path, reason }) => ({ about: path, reason })),
    words: ({ length }) => `${plural(length, "invalid path")} not imported`,
    advice: (items) =>
      items.some(({ reason = "" }) => TOO_LARGE.test(reason))
        ? "raise --etcd-max-request-bytes here and --max-request-bytes of etcd for what is too " +
          "large, or --max-object-bytes if that is set; remove what else is invalid, or let " +
          "yurthub write it anew"
        : "remove them, or let yurthub write them anew",
    log: { appeared: "not imported", cleared: "no longer invalid", about: "path" },
  },
  "half-rewritten": {
    kind: "warning",
    effect: "exception",
    items: ({ halfRewritten = [] }) => halfRewritten.map((about) => ({ about })),
    words: ({ length }) =>
      `${plural(length, "resource group")} half rewritten for more than a minute, in which ` +
      "deletes wait",
    advice: HALF_REWRITTEN_ADVICE,
    log: {
      appeared: "a resource group has been half rewritten for more than a minute, and deletes in " +
        `it wait; ${HALF_REWRITTEN_ADVICE}`,
      cleared: "no longer half rewritten",
      about: "group",
    },
  },
  "busy": {
    kind: "warning",
    effect: "exception",
    items: ({ busy = [] }) => busy.map((about) => ({ about })),
    words: ({ length }) =>
      `${plural(length, "resource group")} too restless for more than a minute to tell what was ` +
      "removed, so that deletes wait",
    advice: BUSY_ADVICE,
    log: {
      appeared: "a resource group has been too restless for more than a minute to tell what was " +
        `removed, and deletes in it wait; ${BUSY_ADVICE}`,
      cleared: "no longer too restless",
      about: "group",
    },
  },
  "credentials-unread": {
    kind: "warning",
    effect: "none",
    items: ({ credentialFailure: reason }) =>
      reason === undefined ? [] : [{ about: "etcd", reason }],
    words: () => "the files that etcd is spoken to with can't be read again",
    advice:
      "mend them; the connection goes on with what was read before, and they are read again " +
      "within 5 s",
    log: {
      appeared: "certificates or password can't be read again; what was read before goes on",
      cleared: "certificates and password were read again",
      about: "of",
    },
  },
  "cluster-changed": {
    kind: "warning",
    effect: "none",
    items: ({ clusterChange: change }) =>
      change
        ? [{ about: change.now, reason: `this node wrote to cluster ${change.before} before` }]
        : [],
    words: () => "etcd is another cluster than before",
    advice:
      "if it was made anew behind the same endpoints, all is well and the next start of the " +
      "daemon ends this; if not, set --etcd-servers right: what was written to the other stays there",
  },
  "unwatched": {
    kind: "warning",
    effect: "none",
    items: ({ watchFailure: reason, cacheRoot: about = "" }) =>
      reason === undefined ? [] : [{ about, reason }],
    words: () => "the fs cache can't be watched, and is looked at every 30 s",
    advice: "if it is a limit, raise fs.inotify.max_user_watches or max_user_instances",
    log: {
      appeared: "the cache can't be watched, it is looked at every 30 s",
      cleared: "the cache is watched again",
      about: "directory",
    },
  },
} satisfies Readonly<Record<string, Definition>>;

const NAMES = Object.keys(TABLE) as (keyof typeof TABLE)[];

/** The schema of {@linkcode Condition}. */
export const CONDITION_SCHEMAS = {
  Condition: record({
    condition: oneOf(NAMES),
    kind: CONDITION_PARTS.kind,
    words: TEXT,
    advice: TEXT,
    items: listOf(CONDITION_PARTS.item),
  }),
} as const satisfies Readonly<Record<string, Schema>>;

/** A condition that holds, and all that it is about. */
export type Condition = TypeOf<typeof CONDITION_SCHEMAS["Condition"]>;

/** The name of a condition. */
export type ConditionName = Condition["condition"];

/** What is said of each condition, the gravest first. */
export const CONDITIONS: ReadonlyMap<ConditionName, Definition> = new Map(
  NAMES.map((name) => [name, TABLE[name]]),
);

/**
 * The conditions that hold.
 *
 * @param facts what was found out
 * @returns the gravest first
 */
export function conditionsOf(facts: Facts): Condition[] {
  return [...CONDITIONS].flatMap(([condition, definition]) => {
    const { kind, items: itemsOf, words } = definition;
    const items = itemsOf(facts);
    if (items.length === 0) return [];
    const advice = adviceOf(definition, items);
    return [{ condition, kind, words: words(items), advice, items }];
  });
}

function reasonOf([item]: readonly ConditionItem[]): string {
  return item?.reason ?? "";
}
