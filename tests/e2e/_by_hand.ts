import { edgekeyd, type EdgekeydResult } from "../support/edgekeyd_process.ts";
import type { EdgeNode } from "./_node.ts";

/** A command as an operator types it: it is told where the state is, and nothing else. */
export function byHand(node: EdgeNode, ...args: string[]): Promise<EdgekeydResult> {
  return edgekeyd([...args, `--state-dir=${node.stateDir}`]);
}

/** What a state directory remembers. */
export function settingsOf(node: EdgeNode): Record<string, string> {
  return JSON.parse(Deno.readTextFileSync(`${node.stateDir}/settings.json`));
}
