/**
 * A number with what it counts.
 *
 * @param count how many
 * @param one the word for one of them; more get an s
 */
export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
