import type { EdgekeydError } from "../errors.ts";
import { EtcdError } from "../etcd/mod.ts";
import {
  type ComponentKeyCache,
  KeyCacheError,
  type Past,
  type PastFailure,
} from "../keycache/mod.ts";
import { etcdStateAfter, type Health } from "./health.ts";

/** What a pass came to, as far as it is remembered. */
export interface Remembered
  extends Pick<Health, "heldBack" | "invalid" | "notPut" | "lastSuccessMs" | "secretsLeftOut"> {
  /** Groups in which deletes wait. */
  readonly waiting: readonly string[];
}

/** A daemon that fails again and again tries at least twice as often. */
const RECENT_MS = 60_000;

const NOTHING: Past = { heldBack: [], invalid: [], notPut: [], retired: false };

/**
 * Remembers what a pass came to, for who asks when no daemon runs. It is written when a full pass
 * has come to its end, else only if it is another than before: what changes all the time must not
 * cost the disk one write more.
 *
 * @param cache where
 * @param found what holds after it
 * @throws {KeyCacheError} what the database throws
 */
export async function rememberPass(
  { memory }: ComponentKeyCache,
  found: Remembered,
): Promise<void> {
  const { heldBack, invalid, notPut, lastSuccessMs, secretsLeftOut, waiting: busy } = found;
  const past = {
    heldBack,
    invalid,
    notPut,
    retired: false,
    ...(secretsLeftOut > 0 && { secretsLeftOut }),
    ...(busy.length > 0 && { busy }),
    ...(lastSuccessMs !== undefined && { lastSuccessMs }),
  };
  if (!isSame(past, memory.past)) await memory.remember(past);
}

/**
 * Remembers that a pass failed, unless it is the cache that did. Of a failure that goes on, when it
 * was last is written down once a minute at most.
 *
 * @param cache where
 * @param failure why
 * @param atMs when, ms since the epoch
 * @throws {KeyCacheError} what the database throws
 */
export async function rememberFailure(
  { memory }: ComponentKeyCache,
  failure: EdgekeydError,
  atMs: number,
): Promise<void> {
  const { code, message } = failure;
  if (failure instanceof KeyCacheError) return;
  const before = memory.past?.failure;
  // How an etcd is missed differs from try to try.
  const isSame = before?.code === code &&
    (failure instanceof EtcdError || before.message === message);
  const isRecent = Math.abs(atMs - (before?.atMs ?? -Infinity)) < RECENT_MS;
  if (isSame && isRecent) return;
  const isAway = failure instanceof EtcdError && etcdStateAfter(failure) === "away";
  await memory.remember({
    ...(memory.past ?? NOTHING),
    failure: { code, message, atMs, ...(isAway && { isAway }) },
  });
}

/**
 * Remembers that the node has left the pool.
 *
 * @param cache where
 * @throws {KeyCacheError} what the database throws
 */
export async function rememberRetiring({ memory }: ComponentKeyCache): Promise<void> {
  const { lastSuccessMs } = memory.past ?? NOTHING;
  await memory.remember({
    ...NOTHING,
    retired: true,
    ...(lastSuccessMs !== undefined && { lastSuccessMs }),
  });
}

/**
 * Tells whether the node has left the pool, and is to stay out.
 *
 * @param cache its component-key cache
 */
export function isRetired({ memory }: ComponentKeyCache): boolean {
  return memory.past?.retired === true;
}

/**
 * Remembers that the node takes part again, from before it writes anything: else it could be out
 * of the pool with keys in it.
 *
 * @param cache where
 * @throws {KeyCacheError} what the database throws
 */
export async function rememberRejoining({ memory }: ComponentKeyCache): Promise<void> {
  if (memory.past?.retired) await memory.remember({ ...memory.past, retired: false });
}

/**
 * What is remembered, as far as it still holds: what was let go of by name since is not held back.
 *
 * @param cache where
 */
export function recalled(
  cache: ComponentKeyCache,
): Partial<Remembered & Pick<Health, "retired">> & {
  readonly lastFailure?: PastFailure | undefined;
} {
  const { past } = cache.memory;
  if (!past) return {};
  const { failure, lastSuccessMs, heldBack, invalid, notPut, retired } = past;
  const { secretsLeftOut = 0, busy: waiting = [] } = past;
  return {
    heldBack: heldBack.filter(({ component }) => cache.byOwner.has(component)),
    invalid,
    notPut,
    retired,
    secretsLeftOut,
    waiting,
    lastFailure: failure,
    ...(lastSuccessMs !== undefined && { lastSuccessMs }),
  };
}

function isSame(a: Past, b: Past | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
