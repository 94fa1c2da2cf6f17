/**
 * A life: what every fence value of a state directory begins with. It says when that was made and on
 * which host, so that two agents of one node name can be told apart by what etcd holds.
 *
 * @module
 */

/** The form that {@linkcode makeLife} gives it; lives of earlier versions are random alone. */
const LIFE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.([A-Za-z0-9.-]{1,63})\.[0-9a-f]{32}$/;
const MAX_HOST_LENGTH = 63;
/** Of what is no life of ours, no more than this is shown. */
const MAX_SHOWN = 8;

/** By whom a state directory is made. */
export interface LifeOrigin {
  /** Wall clock, ms since the epoch. */
  readonly nowMs: number;
  /** What the host is called. */
  readonly hostname: string;
  /** 128 random bits in hexadecimal, which make it unlike any other. */
  readonly random: string;
}

/**
 * Makes the life of a new state directory.
 *
 * @param origin by whom it is made
 * @returns text without a slash
 */
export function makeLife({ nowMs, hostname, random }: LifeOrigin): string {
  const begun = new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z").replaceAll(/[-:]/g, "");
  const host = hostname.replaceAll(/[^A-Za-z0-9.-]/g, "-").slice(0, MAX_HOST_LENGTH) || "-";
  return `${begun}.${host}.${random}`;
}

/**
 * Tells of a life in words.
 *
 * @param life as a fence has it; it may be anything that somebody wrote there
 * @returns when it began and on which host, as far as it says so
 */
export function lifeWords(life: string): string {
  const parts = LIFE.exec(life);
  if (parts) {
    const [, year, month, day, hour, minute, second, host] = parts;
    return `begun ${year}-${month}-${day}T${hour}:${minute}:${second}Z on host ${host}`;
  }
  const shown = life.replaceAll(/[^A-Za-z0-9.-]/g, "").slice(0, MAX_SHOWN);
  return shown === "" ? "of which nothing is known" : `${shown}…, begun by an earlier version`;
}
