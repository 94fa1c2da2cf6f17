import type { Setup, Surroundings } from "../agent/mod.ts";
import { componentRemains } from "../fscache/mod.ts";
import { flag, FLAG_NAMES, type FlagName } from "./flags.ts";
import { namedStateDir } from "./named_state_dir.ts";
import type { Options } from "./options.ts";
import { textOf } from "./remembered.ts";

/** Flags that a running daemon has of its own, so that another's can't count. */
const SETTINGS: readonly FlagName[] = FLAG_NAMES.filter((name) => flag(name).setting);

/** What status tells of how a node is set up. The state directory must be there. */
export function setupOf(options: Options): Setup {
  return {
    endpoints: options.etcdServers,
    stateDir: Deno.realPathSync(options.stateDir),
    ...surroundingsOf(options),
    settings: settingsOf(options),
  };
}

/** What a node's conditions are told with. */
export function surroundingsOf({ cacheDir, stateDir }: Options): Surroundings {
  return {
    namedStateDir: namedStateDir(stateDir),
    remainsOf: (component) => componentRemains(cacheDir, component),
  };
}

/** How a daemon is set up: those flags that have a value, whoever named it. */
export function settingsOf(options: Options): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const name of SETTINGS) {
    const text = settingOf(options, name);
    if (text !== undefined) settings[name] = text;
  }
  return settings;
}

/**
 * What was given here and is another there.
 *
 * @param options the flags of this run
 * @param settings those of the daemon
 * @returns a note for each
 */
export function differencesOf(
  options: Options,
  settings: Readonly<Record<string, string>>,
): string[] {
  return SETTINGS.filter((name) => options.given.has(name))
    .filter((name) => settingOf(options, name) !== (settings[name] ?? unset(name)))
    .map((name) => {
      const theirs = settings[name];
      const has = theirs === undefined ? `no --${name}` : `--${name}=${theirs}`;
      return `the running daemon has ${has}, and that counts; stop it, or start it with other flags`;
    });
}

function settingOf(options: Options, name: FlagName): string | undefined {
  return textOf(options, name) ?? flag(name).default;
}

function unset(name: FlagName): string | undefined {
  return flag(name).kind === "boolean" ? "false" : undefined;
}
