/**
 * The program as it ships, but for one thing: at a point that KILL_POINT names it ends itself by
 * SIGKILL, as a power cut would. `<call>-<when>:<nth>`, for example `txn-during:2`. With KILL_FROM,
 * calls count from when a file of that name is there: an agent that stays up has to be waited for.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { EXIT } from "../../lib/cli/exit_code.ts";
import { presentable } from "../../lib/cli/internal_error.ts";
import { main } from "../../lib/cli/main.ts";
import { processTerminal } from "../../lib/cli/terminal.ts";
import { Connection } from "../../lib/etcd/connection.ts";
import { DenoFileSystem } from "../../lib/fscache/mod.ts";

/** What touches the outside: a Txn or a range to etcd, an atomic of Deno KV, a file, a directory. */
type Call = "txn" | "range" | "commit" | "file" | "directory";

const [, wantedCall = "", wantedWhen = "", nth = ""] =
  /^(\w+)-(before|during|after):(\d+)$/.exec(Deno.env.get("KILL_POINT") ?? "") ?? [];
const from = Deno.env.get("KILL_FROM");
let counting = from === undefined;
const seen = new Map<Call, number>();

function die(): void {
  Deno.kill(Deno.pid, "SIGKILL");
}

/** Counts a call; returns whether it is the one that is not to be survived. */
function isWanted(call: Call): boolean {
  counting ||= from !== undefined && existsSync(from);
  if (!counting) return false;
  const count = (seen.get(call) ?? 0) + 1;
  seen.set(call, count);
  return call === wantedCall && count === Number(nth);
}

async function outside<T>(call: Call, work: () => Promise<T>): Promise<T> {
  if (!isWanted(call)) return await work();
  if (wantedWhen === "before") die();
  const result = work();
  // The bytes are on their way, or have arrived, or the answer has: it differs from run to run.
  if (wantedWhen === "during") setTimeout(die, Math.random() * 3);
  await result;
  die();
  return await result;
}

function outsideSync<T>(call: Call, work: () => T): T {
  if (!isWanted(call)) return work();
  if (wantedWhen === "before") die();
  const result = work();
  die();
  return result;
}

const { txn, range, rangeAll } = Connection.prototype;
Connection.prototype.txn = function (...args) {
  return outside("txn", () => txn.apply(this, args));
};
Connection.prototype.range = function (...args) {
  return outside("range", () => range.apply(this, args));
};
Connection.prototype.rangeAll = function (...args) {
  return outside("range", () => rangeAll.apply(this, args));
};
const { commit } = Deno.AtomicOperation.prototype;
Deno.AtomicOperation.prototype.commit = function () {
  return outside("commit", () => commit.call(this));
};
const { readFile, readDir } = DenoFileSystem.prototype;
DenoFileSystem.prototype.readFile = function (...args) {
  return outsideSync("file", () => readFile.apply(this, args));
};
DenoFileSystem.prototype.readDir = function (...args) {
  return outsideSync("directory", () => readDir.apply(this, args));
};

if (import.meta.main) {
  Deno.umask(0o077);
  const terminal = processTerminal(true);
  try {
    const code = await main(Deno.args, {
      env: (name) => Deno.env.get(name),
      envNames: () => Object.keys(Deno.env.toObject()),
      hostname: () => Deno.hostname(),
      terminal,
    });
    Deno.exit(code);
  } catch (error) {
    terminal.err(`edgekeyd: ${presentable(error).message}`);
    Deno.exit(EXIT.failed);
  }
}
