import config from "../../deno.json" with { type: "json" };
import { COMMAND_USES } from "../../lib/cli/commands.ts";
import { envName, flag, FLAG_NAMES } from "../../lib/cli/flags.ts";
import { flagHelp, flagUsage } from "../../lib/cli/help.ts";

const FILES = [
  ["/etc/default/edgekeyd", "The service's settings."],
  [flag("cache-dir").default ?? "", "The fs cache that yurthub writes. It is only read."],
  [flag("state-dir").default ?? "", "The component-key cache."],
  ["/run/edgekeyd/api.sock", "The daemon's API, for root and the user edgekeyd."],
] as const;

const EXIT_STATUS = [
  ["0", "etcd is in step with the fs cache, or the command is done."],
  ["1", "It failed. The message says what, where, and what to do."],
  ["2", "Flags or arguments are wrong. Nothing was done."],
  ["3", "In step but for what was held back, is in conflict, is invalid, or waits for a rewrite."],
] as const;

/** Text as roff takes it: a hyphen is a hyphen, and no line begins with a request. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/, "\\&$1");
}

/** A paragraph under a tag. */
function tagged([tag, text]: readonly [string, string]): string[] {
  return [".TP", `.B "${roff(tag).replaceAll('"', "\\(dq")}"`, roff(text)];
}

/**
 * The man page, edgekeyd(8), made of the tables that commands and flags are read by.
 *
 * @param date of what it tells of, as 2026-01-31
 * @returns its source, for roff's man macros
 */
export function manPage(date: string): string {
  return [
    `.TH EDGEKEYD 8 "${date}" "edgekeyd ${config.version}"`,
    ".SH NAME",
    "edgekeyd \\- keep a node pool's etcd in step with an edge node's component cache",
    ".SH SYNOPSIS",
    ".B edgekeyd",
    "[COMMAND] [FLAG...]",
    ".SH DESCRIPTION",
    roff(
      "OpenYurt's yurthub caches what the cloud's apiserver answers on the node's disk. edgekeyd " +
        "brings the node pool's own etcd in step with that cache, so that the pool's apiserver " +
        "serves it when the cloud is out of reach. It remembers which component holds which key.",
    ),
    ".PP",
    roff(
      'As a service it runs all the time. "edgekeyd status" says how the node is, what is ' +
        "wrong, and what to do.",
    ),
    ".SH COMMANDS",
    ...Object.values(COMMAND_USES).flatMap(({ usage, help }) => tagged([usage, help])),
    ".SH OPTIONS",
    roff(
      `Each can be given in the environment too, as ${envName("cache-dir")}. A TIME is as 200ms, ` +
        "2s, 10m or 1h.",
    ),
    ...FLAG_NAMES.flatMap((name) => tagged([flagUsage(name), flagHelp(name)])),
    ".SH FILES",
    ...FILES.flatMap(tagged),
    ".SH EXIT STATUS",
    ...EXIT_STATUS.flatMap(tagged),
    ".SH SEE ALSO",
    "/usr/share/doc/edgekeyd/,",
    ".BR systemctl (1),",
    ".BR etcdctl (1)",
  ].join("\n") + "\n";
}
