/**
 * Opens one damaged state directory after another, as edgekeyd would. A panic of Deno KV ends this
 * process; the last line tells on which of them.
 */
import { EdgekeydError } from "../../lib/errors.ts";
import { holdStateDirectory, KeyCacheError } from "../../lib/keycache/mod.ts";
import { stateOf } from "./_kv_states.ts";
import { CACHE_OPTIONS } from "./_pass.ts";
import { tell } from "./_seeds.ts";

/** What became of one directory. */
export type Verdict =
  | { readonly kind: "open"; readonly state: string; readonly movedAside: boolean }
  | { readonly kind: "refused"; readonly reason: string; readonly message: string }
  | { readonly kind: "defect"; readonly text: string };

if (import.meta.main) {
  for (const directory of Deno.args) {
    tell(`> ${directory}`);
    tell(JSON.stringify(await tryOut(directory)));
  }
}

async function tryOut(directory: string): Promise<Verdict> {
  try {
    const held = await holdStateDirectory(directory, 1_000);
    try {
      return await use(held);
    } finally {
      held.release();
    }
  } catch (error) {
    if (error instanceof KeyCacheError) {
      return { kind: "refused", reason: error.reason, message: error.message };
    }
    const text = error instanceof Error ? `${error.stack}` : String(error);
    return {
      kind: "defect",
      text: error instanceof EdgekeydError ? `not KeyCache: ${text}` : text,
    };
  }
}

/** Loads it, writes to it, and loads it again: what was written must be all that changed. */
async function use(held: Awaited<ReturnType<typeof holdStateDirectory>>): Promise<Verdict> {
  const { cache, movedAside } = await held.openCache(CACHE_OPTIONS);
  const state = stateOf(cache);
  let written: string;
  try {
    if (cache.intent) await cache.dropUnsent();
    await cache.begin([], () => "00");
    await cache.settle([], "7");
    written = stateOf(cache);
  } finally {
    cache.close();
  }
  const again = await held.peekCache(CACHE_OPTIONS);
  const reread = again && stateOf(again);
  again?.close();
  if (reread !== written) return { kind: "defect", text: "what was written is not what is there" };
  return { kind: "open", state, movedAside: movedAside !== undefined };
}
