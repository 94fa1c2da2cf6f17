import { aliveKeyOf } from "../../keycache/mod.ts";
import { STOP_FIRST } from "../../own_commands.ts";
import { plural } from "../../plural.ts";
import type { FarAhead } from "../../store/mod.ts";
import type { ConditionItem, Definition } from "./definition.ts";

const HALF_REWRITTEN_ADVICE =
  "yurthub puts its backup (tmp_…) back when it starts; do that by hand if it is not at work";

const BUSY_ADVICE =
  "its directories are moved or made anew more often than --settle-time: find out by what, or give " +
  "a shorter one";

const WAITING_ADVICE =
  "`edgekeyd --reconcile` looks again; if a backup (tmp_…) stays, yurthub puts it back when it " +
  "starts; do that by hand if yurthub is not at work";

/** What may not be read is not wrong: removed, its keys would be let go. */
const INVALID_ADVICE =
  "let edgekeyd read what is denied or can't be read; remove what else is invalid, or let yurthub " +
  "write it anew";

/** A single run can't tell for how long a group has been so; a daemon waits a minute. */
function isOfRun(items: readonly ConditionItem[]): boolean {
  return items.some(({ reason }) => reason !== undefined);
}

/** An endpoint is no path. */
function exposedAdvice(items: readonly ConditionItem[]): string {
  const cures = [
    ...(items.some(({ about }) => about.startsWith("/")) ? ["chmod 600 the files"] : []),
    ...(items.some(({ about }) => about.startsWith("http:"))
      ? ["give https:// endpoints with --etcd-cafile"]
      : []),
  ];
  return cures.join(", and ");
}

/** Keys, each with what is known of it. */
function inOrder(reasons: ReadonlyMap<string, string> = new Map()): ConditionItem[] {
  return [...reasons].map(([about, reason]) => ({ about, reason }))
    .sort((a, b) => (a.about < b.about ? -1 : 1));
}

/** One of the versions that are too high, and how many keys more have such. */
function farAheadReason({ key, resourceVersion, keys }: FarAhead): string {
  return `resourceVersion ${resourceVersion} at ${key}` +
    (keys > 1 ? `, and ${plural(keys - 1, "more key")}` : "");
}

/**
 * Conditions that somebody should look at some time, for the node does its work all the same. The
 * gravest first.
 */
export const WARNINGS = {
  "conflicts": {
    kind: "warning",
    effect: "exception",
    items: ({ conflicts }) => inOrder(conflicts),
    words: ({ length }) => `${plural(length, "key")} left to others`,
    advice: "delete them in etcd to let edgekeyd write them",
    log: { appeared: "key left to others", cleared: "no longer left to others", about: "key" },
  },
  "others-values": {
    kind: "warning",
    effect: "none",
    items: ({ others }) => inOrder(others),
    words: ({ length }) =>
      `${plural(length, "key")} with another importer's value, which no component here holds`,
    advice: `another node may be ahead of this one; if not, ${STOP_FIRST}, run ` +
      "`edgekeyd --reconcile --conflict-policy owner`, which puts what the files say, and start it " +
      "again",
    log: {
      appeared: "another importer's value, which no component here holds",
      cleared: "no longer another importer's value",
      about: "key",
    },
  },
  "versions-far-ahead": {
    kind: "warning",
    effect: "none",
    items: ({ farAhead: far }) =>
      far ? [{ about: far.component, reason: farAheadReason(far), count: far.keys }] : [],
    words: ([{ about = "" } = { about: "" }]) =>
      `${about} has resourceVersions far beyond those of all others`,
    advice:
      "while its files stand, nothing newer counts for their keys; if nobody knows where they " +
      "are from, remove them, and what others hold is put",
    log: {
      appeared: "resourceVersions far beyond those of all others",
      cleared: "no resourceVersions far beyond all others any more",
      about: "component",
      count: "keys",
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
  "components-full": {
    kind: "warning",
    effect: "exception",
    items: ({ invalid = [] }) =>
      invalid.filter(({ kind }) => kind === "component-full")
        .map(({ path, reason }) => ({ about: path, reason })),
    words: ({ length }) =>
      `${plural(length, "place")} of which files are left out, since their component has too much`,
    advice: "what is in etcd of it stays; find out what writes so much, or raise the limit",
    log: {
      appeared: "files left out, since their component has too much",
      cleared: "no files left out any more",
      about: "path",
    },
  },
  "invalid-paths": {
    kind: "warning",
    effect: "exception",
    items: ({ invalid = [] }) =>
      invalid.filter(({ kind }) => kind !== "component-full")
        .map(({ path, reason }) => ({ about: path, reason })),
    words: ({ length }) => `${plural(length, "invalid path")} not imported`,
    advice: (_items, { invalid = [] }) =>
      invalid.some(({ kind }) => kind === "too-large")
        ? "raise --etcd-max-request-bytes here and --max-request-bytes of etcd for what is too " +
          "large, or --max-object-bytes if that is set; " + INVALID_ADVICE
        : INVALID_ADVICE,
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
    items: ({ busy = [], waiting = [] }) => [
      ...busy.map((about) => ({ about })),
      ...waiting.map((about) => ({ about, reason: "what is missing in it was kept" })),
    ],
    words: (items) =>
      plural(items.length, "resource group") +
      (isOfRun(items)
        ? " being rewritten or moved, in which deletes wait"
        : " too restless for more than a minute to tell what was removed, so that deletes wait"),
    advice: (items) => isOfRun(items) ? WAITING_ADVICE : BUSY_ADVICE,
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
  "credentials-exposed": {
    kind: "warning",
    effect: "none",
    items: ({ exposures = [] }) => exposures,
    words: () => "others can have what etcd knows this node by",
    advice: exposedAdvice,
    log: {
      appeared: "others can have what etcd knows this node by",
      cleared: "others can no longer have what etcd knows this node by",
      about: "of",
    },
  },
  "cluster-changed": {
    kind: "warning",
    effect: "none",
    items: ({ clusterChange: change }) =>
      change
        ? [{
          about: `cluster ${change.now}`,
          reason: `this node wrote to cluster ${change.before} before`,
        }]
        : [],
    words: () => "etcd is another cluster than before",
    advice:
      "it was made anew behind the same endpoints, or restored from a snapshot: then all is well, and " +
      "the next start of the daemon ends this; if not, set --etcd-servers right, or where it leads " +
      "to: what was written to the other stays there",
  },
  "unwatched": {
    kind: "warning",
    effect: "none",
    items: ({ watchFailure: reason, cacheRoot: about = "" }) =>
      reason === undefined ? [] : [{ about, reason }],
    words: () => "the fs cache can't be watched, and is looked at every 30 s or sooner",
    advice:
      "if it is a limit, raise fs.inotify.max_user_watches or max_user_instances; if it is a " +
      "FIFO, socket or device, remove it",
    log: {
      appeared: "the cache can't be watched, it is looked at every 30 s or sooner",
      cleared: "the cache is watched again",
      about: "directory",
    },
  },
  "etcd-unwatched": {
    kind: "warning",
    effect: "none",
    items: ({ etcdWatchFailure: reason }) =>
      reason === undefined ? [] : [{ about: "etcd", reason }],
    words: () => "etcd can't be watched, and is asked every 5 s",
    advice: "let this node's role read all keys under --etcd-prefix, and watch etcd itself or " +
      "through what passes its streams on; until then a key that somebody deletes comes back with " +
      "the next full pass",
    log: {
      appeared: "etcd can't be watched, it is asked every 5 s",
      cleared: "etcd is watched",
      about: "of",
    },
  },
  "alive-not-kept": {
    kind: "warning",
    effect: "none",
    items: ({ aliveFailure: reason, nodeName = "" }) =>
      reason === undefined ? [] : [{ about: aliveKeyOf(nodeName), reason }],
    words: () => "the pool can't be told that this node is alive",
    advice: "if its right is missing, let this node's role read and write this key; until then " +
      "`edgekeyd nodes` shows the node as not alive",
    log: {
      appeared: "the pool can't be told that this node is alive",
      cleared: "the pool is told that this node is alive",
      about: "key",
    },
  },
} satisfies Readonly<Record<string, Definition & { readonly kind: "warning" }>>;
