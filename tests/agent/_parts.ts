import type { AgentParts } from "../../lib/agent/mod.ts";

/** What most tests give an agent for what they don't look at. */
export const QUIET_PARTS = {
  checkFiles() {},
  credentials: () => "",
  exposures: () => [],
  identifyRoot: () => "1",
  beat() {},
  changed() {},
  random: () => 0.5,
} satisfies Partial<AgentParts>;
