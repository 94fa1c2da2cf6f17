/** What the key `/edgekeyd/<node>/alive` says of the daemon that keeps it. */
export interface AliveValue {
  /** The version of edgekeyd. */
  readonly version: string;
  /** The life of its state directory, as its fence has it. */
  readonly life: string;
  /** Since when it has been there without a gap longer than the lease: ISO 8601, UTC. */
  readonly since: string;
}

/** Anybody may have written it: no more than this is looked at. */
const MAX_CHARS = 1_000;
const VERSION = /^[0-9A-Za-z.+-]{1,64}$/;
const LIFE = /^[0-9A-Za-z.-]{1,200}$/;
const SINCE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/**
 * Writes what an alive key holds.
 *
 * @param value what to say
 * @returns JSON
 */
export function encodeAlive({ version, life, since }: AliveValue): string {
  return JSON.stringify({ version, life, since });
}

/**
 * The moment as an alive key has it, to the second.
 *
 * @param nowMs wall clock, ms since the epoch
 */
export function aliveSince(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
}

/**
 * Reads what an alive key holds. What a later version says beside that is passed over.
 *
 * @param text the value
 * @returns undefined if it is none
 */
export function decodeAlive(text: string): AliveValue | undefined {
  if (text.length > MAX_CHARS) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { version, life, since } = value as Record<string, unknown>;
  const isOne = fits(version, VERSION) && fits(life, LIFE) && fits(since, SINCE);
  return isOne ? { version, life, since } : undefined;
}

function fits(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}
