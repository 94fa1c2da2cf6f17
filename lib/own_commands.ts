/** The first step of a cure that a running daemon would stand in the way of. */
export const STOP_FIRST = "stop edgekeyd (`systemctl stop edgekeyd` where the service runs it)";

/** A command of edgekeyd's in a message, as a person is to type it; not one that shows a usage. */
const COMMAND = /`(edgekeyd [^`[]*)`/g;
/** What a shell takes as it is. */
const PLAIN = /^[\w./:@%+,=-]+$/;
/** What can stand between single quotes, in a line of JSON as well. */
const QUOTABLE = /^[^'"\\\p{C}\p{Zl}\p{Zp}]+$/u;

/**
 * Has the commands that a message suggests speak of the right node: one whose state directory is not
 * the default has to be named.
 *
 * @param text the message; a command in it stands between backticks
 * @param stateDir `--state-dir`; undefined: commands find it by themselves
 * @returns the message, in which each command of edgekeyd's names the directory
 */
export function withStateDir(text: string, stateDir: string | undefined): string {
  if (stateDir === undefined || !QUOTABLE.test(stateDir)) return text;
  const flag = `--state-dir ${PLAIN.test(stateDir) ? stateDir : `'${stateDir}'`}`;
  return text.replace(
    COMMAND,
    (quoted, command: string) =>
      command.includes("--state-dir") ? quoted : `\`${command} ${flag}\``,
  );
}
