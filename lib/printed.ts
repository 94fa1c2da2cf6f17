/**
 * What a terminal or a line of the journal would act on, or show nothing of: control characters,
 * what ends a line, what turns the direction of writing, and what has no width (Unicode's general
 * categories Cc, Cf, Zl and Zp, and its Default_Ignorable_Code_Point).
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * Text that comes from a file, etcd or a request, fit to be printed: what can't be seen is written
 * as JSON writes it, `\u202e`, so that JSON stays the same JSON.
 *
 * @param text the text
 * @param kept tells of a character, by where it stands, that it is ours and stays
 */
export function printed(text: string, kept: (at: number) => boolean = () => false): string {
  return text.replace(
    UNPRINTABLE,
    (character, at: number) => kept(at) ? character : units(character),
  );
}

/** A character beyond U+FFFF is two units. */
function units(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }).join("");
}
