import { INVALID_KINDS, type InvalidPath } from "../fscache/mod.ts";
import { KeyCacheError } from "./errors.ts";

/** Deletes of a component that wait until somebody confirms them. */
export interface HeldBack {
  /** Its name. */
  readonly component: string;
  /** How many keys would be deleted; none if others hold all of them. */
  readonly deletes: number;
  /** How many core Secrets are among what it lets go of, since they are left out; if any are. */
  readonly secrets?: number;
}

/** Why a pass did not come to its end. */
export interface PastFailure {
  /** The code of the error. */
  readonly code: string;
  /** What it said. */
  readonly message: string;
  /** Wall clock, ms since the epoch; an earlier edgekeyd did not write it down. */
  readonly atMs?: number;
  /** etcd could not be reached. */
  readonly isAway?: true;
}

/** What the last pass over the whole fs cache found, and what became of the node since. */
export interface Past {
  /** Wall clock of the last full pass that came to its end, ms since the epoch. */
  readonly lastSuccessMs?: number;
  /** Why the last pass did not come to its end; absent if it did. */
  readonly failure?: PastFailure;
  /** Core Secrets that it left out; absent if there were none. */
  readonly secretsLeftOut?: number;
  /** Components whose deletes it held back, and how many these are. */
  readonly heldBack: readonly HeldBack[];
  /** Paths that it did not import. */
  readonly invalid: readonly InvalidPath[];
  /** Keys that were to be put, and whose file it could not import. */
  readonly notPut: readonly {
    readonly key: string;
    readonly path: string;
    readonly reason: string;
  }[];
  /** Groups (`component/directory`) in which deletes waited; absent if there were none. */
  readonly busy?: readonly string[];
  /** The node has left the pool since. */
  readonly retired: boolean;
}

/** A record holds 64 KiB; one character may take six bytes of JSON. */
const MAX_CHARS = 3_000;

/**
 * Packs it for storage: of long lists and messages only as much as fits a record.
 *
 * @param past what to remember
 */
export function encodePast(past: Past): Past {
  const { failure, heldBack, invalid, notPut, busy } = past;
  return {
    ...past,
    ...(failure && {
      failure: { ...failure, message: failure.message.slice(0, MAX_CHARS) },
    }),
    heldBack: firstOf(heldBack),
    invalid: firstOf(invalid),
    notPut: firstOf(notPut),
    ...(busy && { busy: firstOf(busy) }),
  };
}

/**
 * Reads what was stored. A field that is not known is no damage, nor is one that is not there.
 *
 * @param value the stored record
 * @throws {KeyCacheError} `damaged` if its shape is wrong
 */
export function decodePast(value: unknown): Past {
  if (typeof value !== "object" || value === null) throw damaged();
  const { lastSuccessMs, failure, secretsLeftOut, heldBack, invalid, notPut, busy, retired } =
    value as Record<string, unknown>;
  return {
    ...(lastSuccessMs !== undefined && { lastSuccessMs: numberOf(lastSuccessMs) }),
    ...(failure !== undefined && { failure: failureIn(failure) }),
    ...(secretsLeftOut !== undefined && { secretsLeftOut: numberOf(secretsLeftOut) }),
    heldBack: listOf(heldBack).map((item) => {
      const secrets = fieldOf(item, "secrets");
      return {
        component: textIn(item, "component"),
        deletes: numberOf(fieldOf(item, "deletes")),
        ...(secrets !== undefined && { secrets: numberOf(secrets) }),
      };
    }),
    invalid: listOf(invalid).map((item) => {
      const said = fieldOf(item, "kind");
      const kind = INVALID_KINDS.find((one) => one === said);
      return { path: textIn(item, "path"), reason: textIn(item, "reason"), ...(kind && { kind }) };
    }),
    notPut: listOf(notPut).map((item) => ({
      key: textIn(item, "key"),
      path: textIn(item, "path"),
      reason: textIn(item, "reason"),
    })),
    ...(busy !== undefined && { busy: listOf(busy).map(groupIn) }),
    retired: retired === true,
  };
}

function failureIn(value: unknown): PastFailure {
  const atMs = fieldOf(value, "atMs");
  return {
    code: textIn(value, "code"),
    message: textIn(value, "message"),
    ...(atMs !== undefined && { atMs: numberOf(atMs) }),
    ...(fieldOf(value, "isAway") === true && { isAway: true }),
  };
}

/** As many of the first as a record has room for. */
function firstOf<T>(items: readonly T[]): T[] {
  let chars = 0;
  return items.filter((item) => (chars += JSON.stringify(item).length) <= MAX_CHARS);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw damaged();
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw damaged();
  return value;
}

function groupIn(value: unknown): string {
  if (typeof value !== "string") throw damaged();
  return value;
}

function textIn(value: unknown, field: string): string {
  const text = fieldOf(value, field);
  if (typeof text !== "string") throw damaged();
  return text;
}

function fieldOf(value: unknown, field: string): unknown {
  if (typeof value !== "object" || value === null) throw damaged();
  return (value as Record<string, unknown>)[field];
}

function damaged(): KeyCacheError {
  return new KeyCacheError("damaged", "what the component-key cache remembers is damaged");
}
