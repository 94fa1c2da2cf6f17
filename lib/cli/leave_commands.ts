import { type AgentClient, type Answers, ComponentClashError } from "../agent/mod.ts";
import type { EdgekeydError } from "../errors.ts";
import { DenoFileSystem, namesInRoot } from "../fscache/mod.ts";
import { fileValues, retire } from "../reconcile/mod.ts";
import {
  type ApplyResult,
  deleteComponentResources,
  recover,
  type StoreContext,
} from "../store/mod.ts";
import { findDaemon } from "./daemon.ts";
import { EXIT } from "./exit_code.ts";
import type { Options } from "./options.ts";
import { plural } from "../plural.ts";
import { withCache, withStore } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";

/** `edgekeyd delete-component NAME`: lets a component go that the fs cache no longer has. */
export async function deleteComponentCommand(
  options: Options,
  terminal: Terminal,
  [component = ""]: readonly string[],
): Promise<number> {
  if (/[/\0]/.test(component) || component === "." || component === "..") {
    throw new UsageError("delete-component takes the name of a component");
  }
  return await leave(options, terminal, async (context) => {
    const fs = new DenoFileSystem();
    if (namesInRoot(fs, options.cacheDir).has(component)) {
      throw new ComponentClashError(options.cacheDir, component);
    }
    await recover(context);
    return await deleteComponentResources(context, component, {
      rules: { policy: options.conflictPolicy, adopting: false },
      requireSingleTxn: false,
      bytesOf: fileValues(options.cacheDir, fs, context.cache, undefined),
      timed: (_, work) => work,
    });
  }, (client) => client.deleteComponent(component));
}

/** `edgekeyd retire`: every key that this node wrote goes, then its fence. */
export async function retireCommand(options: Options, terminal: Terminal): Promise<number> {
  const code = await leave(
    options,
    terminal,
    (context) => retire(context, { timed: (_, work) => work }),
    (client) => client.retire(),
  );
  terminal.err("edgekeyd: note: as soon as edgekeyd starts here again, this node takes part again");
  return code;
}

/**
 * Runs what deletes keys by name, and says what came of it.
 *
 * @param options the flags
 * @param terminal where to say it
 * @param work what to do with cache and etcd
 * @param ask how to have a daemon do it that holds the state directory
 */
export async function leave(
  options: Options,
  terminal: Terminal,
  work: (context: StoreContext) => Promise<ApplyResult>,
  ask: (client: AgentClient) => Promise<Answers["Written"]>,
): Promise<number> {
  const note = (text: string) => terminal.err(`edgekeyd: note: ${text}`);
  const daemon = await findDaemon(options, note);
  const done: Done = daemon ? await ask(daemon.client) : answerOf(
    await withCache(options, "change", note, (cache) => withStore(options, cache, work)),
  );
  const { deleted, released, conflicts, txns, staged } = done;
  if (options.output === "json") {
    terminal.out(JSON.stringify({ deleted, released, conflicts, txns, staged }));
  } else {
    for (const { key, reason } of conflicts) terminal.out(`conflict   ${key}: ${reason}`);
    terminal.out(
      `${deleted} deleted, ${released} released; ${plural(txns, "Txn")}${
        staged ? " (staged)" : ""
      }`,
    );
  }
  if (done.failure) throw done.failure;
  if (deleted + released + conflicts.length === 0) note("there was nothing to delete");
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

type Done =
  & Pick<Answers["Written"], "deleted" | "released" | "conflicts" | "txns" | "staged">
  & { readonly failure?: EdgekeydError | undefined };

/** What was done, in the form in which a daemon answers it. */
function answerOf(applied: ApplyResult): Done {
  const conflicts = [...applied.conflicts].map(([key, reason]) => ({ key, reason }));
  return { ...applied, conflicts };
}
