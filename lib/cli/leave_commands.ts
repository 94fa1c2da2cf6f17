import { join } from "@std/path";
import { CacheRootError, DenoFileSystem } from "../fscache/mod.ts";
import { fileValues, retire } from "../reconcile/mod.ts";
import {
  type ApplyResult,
  deleteComponentResources,
  recover,
  type StoreContext,
} from "../store/mod.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { plural } from "./plural.ts";
import { withCache, withStore } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";

/** `edgekeyd delete-component NAME`: lets a component go that the fs cache no longer has. */
export async function deleteComponentCommand(
  options: Options,
  component: string,
  terminal: Terminal,
): Promise<number> {
  if (/[/\0]/.test(component) || component === "." || component === "..") {
    throw new UsageError("delete-component takes the name of a component");
  }
  const fs = new DenoFileSystem();
  if (namesIn(fs, options.cacheDir).has(component)) {
    terminal.err(
      `edgekeyd: ${
        join(options.cacheDir, component)
      } is still in the fs cache, which would bring ` +
        "its keys back; remove it first",
    );
    return EXIT.failed;
  }
  return await leave(options, terminal, async (context) => {
    await recover(context);
    return await deleteComponentResources(context, component, {
      rules: { policy: options.conflictPolicy, adopting: false },
      requireSingleTxn: false,
      valueOf: fileValues(options.cacheDir, fs, context.cache, undefined),
      timed: (_, work) => work,
    });
  });
}

/** `edgekeyd retire`: every key that this node wrote goes, then its fence. */
export async function retireCommand(options: Options, terminal: Terminal): Promise<number> {
  return await leave(
    options,
    terminal,
    (context) => retire(context, { timed: (_, work) => work }),
  );
}

/**
 * Runs what deletes keys by name, and says what came of it.
 *
 * @param options the flags
 * @param terminal where to say it
 * @param work what to do with cache and etcd
 */
export async function leave(
  options: Options,
  terminal: Terminal,
  work: (context: StoreContext) => Promise<ApplyResult>,
): Promise<number> {
  const note = (text: string) => terminal.err(`edgekeyd: note: ${text}`);
  const done = await withCache(
    options,
    "write",
    note,
    (cache) => withStore(options, cache, work),
  );
  const { deleted, released, txns } = done;
  const conflicts = [...done.conflicts].map(([key, reason]) => ({ key, reason }));
  if (options.output === "json") {
    terminal.out(JSON.stringify({ deleted, released, conflicts, txns }));
  } else {
    for (const { key, reason } of conflicts) terminal.out(`conflict   ${key}: ${reason}`);
    terminal.out(`${deleted} deleted, ${released} released; ${plural(txns, "Txn")}`);
  }
  if (done.failure) throw done.failure;
  const [first] = conflicts;
  if (!first) return EXIT.ok;
  terminal.err(
    `edgekeyd: left in etcd: ${
      plural(conflicts.length, "key")
    } (${first.key}: ${first.reason}); delete ` +
      "them by hand if they are not wanted",
  );
  return EXIT.partial;
}

/** Names in the cache root; a `tmp_` backup counts as what it backs up. */
function namesIn(fs: DenoFileSystem, root: string): Set<string> {
  try {
    return new Set(fs.readDir(root).map(({ name }) => name.replace(/^tmp_/, "")));
  } catch (error) {
    throw CacheRootError.of(root, error);
  }
}
