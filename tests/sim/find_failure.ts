import { SCENE_NAMES } from "./scenes.ts";
import { simulate } from "./simulator.ts";

/*
 * Runs seeds until one checker says what it should: `find_failure.ts CHECKER TEXT MAX_SEEDS
 * [SCENE]` prints the failure as JSON, or nothing if there was none.
 */
const [checker = "", text = "", maxSeeds, name] = Deno.args;
const scene = SCENE_NAMES.find((one) => one === name);
const wanted = new RegExp(text);
for (let seed = 1; seed <= Number(maxSeeds); seed++) {
  const { failure } = await simulate(seed, { checker, ...(scene && { scene }) });
  if (failure?.checker !== checker || !wanted.test(failure.text)) continue;
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ seed, ...failure })));
  break;
}
