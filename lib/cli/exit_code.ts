/** Exit statuses; other programs rely on them. */
export const EXIT = {
  /** In step. */
  ok: 0,
  /** Failed: nothing, or only a part, was done. */
  failed: 1,
  /** Wrong flags, values or arguments. */
  usage: 2,
  /** In step but for what is held back, in conflict, invalid, or still being rewritten. */
  partial: 3,
} as const;
