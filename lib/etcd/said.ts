/** Of what somebody says, more is told to nobody. */
const MAX_CHARS = 1_000;

/**
 * What etcd, or whatever answers in its place, says of itself or of what is wrong.
 *
 * @param text as it came, of any length
 * @returns one line of it, with a sign if it was longer
 */
export function saidLine(text: string): string {
  const line = text.slice(0, 2 * MAX_CHARS).replace(/\s+/g, " ").trim();
  return line.length > MAX_CHARS ? `${line.slice(0, MAX_CHARS)} …` : line;
}
