import { plural } from "../../plural.ts";
import { FenceError } from "../../store/mod.ts";
import { RetiredError } from "../../reconcile/mod.ts";
import type { ConditionItem, Definition } from "./definition.ts";
import { heldBackAdvice, heldBackItems, heldBackReason, heldBackWords } from "./held_back.ts";
import type { Facts } from "./facts.ts";

/** Verdicts on a fence while a Txn was written down whose result was not. */
const PENDING: ReadonlySet<string> = new Set(["applied", "not-applied", "fenced-off"]);

/** The code of a KeyCacheError: whatever failed, it is about the state directory. */
const STATE = "KeyCache";

/** Conditions in which a node is not ready: somebody has to act or to wait. The gravest first. */
export const NOT_READY = {
  "retired": {
    kind: "not-ready",
    effect: "retired",
    items: ({ retired, nodeName = "" }) => retired ? [{ about: nodeName }] : [],
    words: () => "nothing is written any more",
    reason: () => "this node was retired",
    advice: RetiredError.ADVICE,
  },
  "fence-lost": {
    kind: "not-ready",
    effect: "failing",
    items: ({ fence }) =>
      isLost(fence)
        ? [{ about: fence.key, reason: fence.what ?? new FenceError(fence.kind, fence.key).what }]
        : [],
    words: reasonOf,
    advice: FenceError.ADVICE,
  },
  "etcd-away": {
    kind: "not-ready",
    effect: "etcd-away",
    items: (facts) => isAway(facts) ? [{ about: "etcd", reason: facts.failure.message }] : [],
    words: reasonOf,
    advice: "once that is mended, the next pass makes up for it",
  },
  "service-down": {
    kind: "not-ready",
    effect: "failing",
    items: missingDaemon,
    words: ([item]) => item?.reason ?? `${item?.about ?? ""} is installed here and does not run`,
    advice: ([item]) =>
      item?.reason === undefined
        ? "`systemctl status edgekeyd` and `journalctl -u edgekeyd` say why; " +
          "`systemctl start edgekeyd` starts it"
        : "nothing was copied since; start it again (`edgekeyd run`, or what started it before); " +
          `if none is to run here any more, remove ${item.about}`,
  },
  "failing": {
    kind: "not-ready",
    effect: "failing",
    items: failuresIn,
    words: reasonOf,
    reason: (item) => item.reason ?? "",
    advice: "once that is mended, the next pass makes up for it (without a daemon " +
      "`edgekeyd --reconcile`)",
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
  "keys-unverified": {
    kind: "not-ready",
    effect: "unsettled",
    items: ({ unverifiedKeys: count = 0, nodeName = "" }) =>
      count > 0 ? [{ about: nodeName, count }] : [],
    words: ([item]) => `${plural(item?.count ?? 0, "key")} not compared with etcd yet`,
    advice: "they were taken over, or a run that had to put them was cut short; " +
      "`edgekeyd --reconcile` looks at them",
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
    items: heldBackItems,
    words: heldBackWords,
    reason: heldBackReason,
    advice: heldBackAdvice,
    log: {
      appeared: "deletes held back",
      cleared: "no deletes held back any more",
      about: "component",
      count: "deletes",
    },
  },
} satisfies Readonly<Record<string, Definition & { readonly kind: "not-ready" }>>;

/** What is so now comes first; what the last pass failed with is not told twice. */
function failuresIn(facts: Facts): ConditionItem[] {
  const { etcd, failure, fence, stateFailure, rootFailure, lastFailure } = facts;
  const items: ConditionItem[] = [];
  if (failure && etcd !== "away") items.push({ about: failure.code, reason: failure.message });
  if (stateFailure !== undefined && failure?.code !== STATE) {
    items.push({ about: STATE, reason: stateFailure });
  }
  if (rootFailure !== undefined) items.push({ about: "CacheRoot", reason: rootFailure });
  const isTold = lastFailure === undefined || lastFailure.code === failure?.code ||
    items.some(({ about }) => about === lastFailure.code) ||
    (lastFailure.code === "Fence" && isLost(fence));
  if (!isTold) items.push({ about: lastFailure.code, reason: lastFailure.words });
  return items;
}

/** A service that should run, or else a daemon that ran and that nobody stopped. */
function missingDaemon({ retired, idleService, lostDaemon }: Facts): ConditionItem[] {
  if (idleService !== undefined) return [{ about: idleService }];
  if (lostDaemon === undefined || retired) return [];
  const since = lostDaemon.since === undefined ? "" : ` since ${lostDaemon.since}`;
  return [{ about: lostDaemon.path, reason: `the daemon that ran here${since} is gone` }];
}

/** What else fails while etcd is away is not told as that: a full disk, say. */
function isAway(facts: Facts): facts is Facts & { failure: NonNullable<Facts["failure"]> } {
  return facts.etcd === "away" && facts.failure?.code === "Etcd";
}

type LostFence = NonNullable<Facts["fence"]> & { readonly kind: "other-life" | "rolled-back" };

function isLost(fence: Facts["fence"]): fence is LostFence {
  return fence?.kind === "other-life" || fence?.kind === "rolled-back";
}

function reasonOf([item]: readonly ConditionItem[]): string {
  return item?.reason ?? "";
}
