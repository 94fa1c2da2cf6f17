import { hash } from "node:crypto";

/** 64 bits: by chance, one change in 18,446,744,073,709,551,616 would go unseen. */
const HEX_DIGITS = 16;

/**
 * Tells the contents of files and values apart. It is kept on disk, so it must never change.
 *
 * @param bytes a whole file or value
 * @returns the first 64 bits of its SHA-256, as 16 hexadecimal digits
 */
export function contentHash(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex").slice(0, HEX_DIGITS);
}

/**
 * Tells whether a text has the form that {@linkcode contentHash} returns.
 *
 * @param text the candidate
 * @returns true if it has
 */
export function isContentHash(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{16}$/.test(text);
}
