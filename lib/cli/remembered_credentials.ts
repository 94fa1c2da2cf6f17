import { resolve } from "@std/path";
import { foreignOwner, KeyCacheError, settingsPath } from "../keycache/mod.ts";
import type { FlagName } from "./flags.ts";
import type { Options } from "./options.ts";
import { SERVICE_SETTINGS, serviceSetting } from "./service_settings.ts";

/** Files that are sent to an etcd, or let one who has them speak for somebody. */
const SECRET_FILES: readonly FlagName[] = ["etcd-keyfile", "etcd-password-file"];
/**
 * What stands there was put there for edgekeyd, by root or by systemd, which keeps other services'
 * credentials beside them.
 */
const OURS = ["/etc/edgekeyd/", "/run/credentials/edgekeyd.service/"];

/**
 * Refuses to read, as root, a key or a password that nobody but the settings in another user's
 * state directory names: that user could have root send whatever it can read to an etcd of theirs.
 *
 * @param options the flags, and what was remembered in their place
 * @throws {KeyCacheError} `unsafe` then
 */
export function checkCredentials({ stateDir, given, texts }: Options): void {
  const owner = foreignOwner(stateDir);
  if (owner === undefined) return;
  for (const name of SECRET_FILES) {
    const text = texts.get(name);
    if (text === undefined || given.has(name)) continue;
    const path = resolve(text);
    const meant = serviceSetting(name);
    if (OURS.some((place) => path.startsWith(place))) continue;
    if (meant !== undefined && resolve(meant) === path) continue;
    throw new KeyCacheError(
      "unsafe",
      `${
        settingsPath(stateDir)
      }, which user ${owner} can write, names ${path} as --${name}; root ` +
        `does not read it for that alone: if it is right, give --${name}, name it in ` +
        `${SERVICE_SETTINGS}, or move it to /etc/edgekeyd and start edgekeyd anew with that path`,
    );
  }
}
