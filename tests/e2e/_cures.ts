import { ok } from "node:assert/strict";
import { edgekeyd, type EdgekeydResult } from "../support/edgekeyd_process.ts";
import type { EdgeNode } from "./_node.ts";

/**
 * The commands that a message suggests, to be typed as they stand there.
 *
 * @param text what was printed
 * @returns the words of each, without the program's name
 */
export function commandsIn(text: string): string[][] {
  const found = [...text.matchAll(/`edgekeyd ([^`]*)`/g)].map(([, command = ""]) => command);
  return [...new Set(found)].map((command) => command.split(" "));
}

/**
 * Types a suggested command, word by word and with nothing beside it that it does not ask for.
 *
 * @param text what was printed
 * @param word one of the command's own, by which the last that has it is found
 * @param more flags that the message says in words
 */
export async function typed(
  text: string,
  word: string,
  ...more: string[]
): Promise<EdgekeydResult> {
  const command = commandsIn(text).findLast((words) => words.includes(word));
  ok(command, `nothing with ${word} is suggested: ${text}`);
  return await edgekeyd([...command, ...more]);
}

/** What is meant by moving `cache.kv*` aside. */
export function moveCacheAside(node: EdgeNode): void {
  const aside = `${node.root}/aside`;
  Deno.mkdirSync(aside, { recursive: true });
  for (const { name } of [...Deno.readDirSync(node.stateDir)]) {
    if (name.startsWith("cache.kv")) {
      Deno.renameSync(`${node.stateDir}/${name}`, `${aside}/${name}`);
    }
  }
}
