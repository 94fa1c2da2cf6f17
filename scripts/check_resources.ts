/**
 * Holds the table of built-in resources (lib/k8s/builtin_resources.ts) against a running kube-apiserver,
 * best one with all APIs on (`--runtime-config=api/all=true`). It reads discovery, the
 * CustomResourceDefinitions and the APIServices, and writes nothing. Exit 0: the table has all that
 * it stores; 1: it has not, or could not be asked.
 *
 *     deno run -A scripts/check_resources.ts https://HOST:6443 [--token-file FILE] [--ca-file FILE]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { processTerminal } from "../lib/cli/terminal.ts";
import { compareWithDiscovery } from "./lib/discovery.ts";

const USAGE = "usage: check_resources.ts URL [--token-file FILE] [--ca-file FILE]";
const TIMEOUT_MS = 30_000;

const { out, err } = processTerminal(true);
const unknown: string[] = [];
const args = parseArgs(Deno.args, {
  string: ["token-file", "ca-file"],
  unknown: (arg) => {
    if (!URL.canParse(arg)) unknown.push(arg);
  },
});
const [url] = args._.map(String);
if (url === undefined || args._.length > 1 || unknown.length > 0) {
  err(USAGE);
  Deno.exit(1);
}

const token = textOf(args["token-file"])?.trim();
const ca = textOf(args["ca-file"]);
const client = Deno.createHttpClient({ caCerts: ca === undefined ? [] : [ca] });

/** What the file holds that a flag names, if it was given. */
function textOf(path: unknown): string | undefined {
  return typeof path === "string" ? Deno.readTextFileSync(path) : undefined;
}

/** Discovery, as an older client asks for it: each group on its own. */
async function get(path: string): Promise<unknown> {
  const response = await fetch(new URL(path, url), {
    client,
    headers: {
      accept: "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answers ${response.status}`);
  return JSON.parse(text);
}

try {
  const { compared, differences } = await compareWithDiscovery(get);
  for (const difference of differences) out(difference);
  out(`${compared} resources in their versions, ${differences.length} differences`);
  Deno.exitCode = differences.length === 0 && compared > 0 ? 0 : 1;
} catch (error) {
  err(`check_resources.ts: ${error instanceof Error ? error.message : error}`);
  Deno.exitCode = 1;
} finally {
  client.close();
}
