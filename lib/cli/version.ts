import config from "../../deno.json" with { type: "json" };
import { COMMIT } from "./commit.ts";

/** What runs, fact by fact. */
export interface VersionFacts {
  readonly version: string;
  /** `source` if it was not built by `scripts/build`. */
  readonly commit: string;
  readonly deno: string;
  readonly target: string;
}

/** What runs. */
export function versionFacts(): VersionFacts {
  const { version, build } = Deno;
  return {
    version: config.version,
    commit: COMMIT ?? "source",
    deno: version.deno,
    target: build.target,
  };
}

/** The text of `--version`. */
export function versionText(): string {
  const { version, commit, deno, target } = versionFacts();
  return `edgekeyd ${version} (commit ${commit}, Deno ${deno}, ${target})`;
}
