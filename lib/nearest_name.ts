/** More than so many letters apart, a name is not what was meant. */
const MAX_DISTANCE = 2;

/**
 * Finds the name that somebody most likely meant.
 *
 * @param text what was written
 * @param names what there is
 * @returns the nearest of them, by letters to add, take away or replace (Levenshtein's distance), the
 * first by its letters if several are; undefined if none is near
 */
export function nearestName(text: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let least = MAX_DISTANCE + 1;
  for (const name of [...names].sort()) {
    if (Math.abs(name.length - text.length) >= least) continue;
    const distance = distanceOf(text, name);
    if (distance >= least) continue;
    nearest = name;
    least = distance;
  }
  return nearest;
}

function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
