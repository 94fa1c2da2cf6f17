import { Dice } from "../conformance/dice.ts";
import { testSeed } from "../support/seed.ts";
import { ApiLife } from "./_api_life.ts";
import { type Operation, OPERATIONS } from "./_api_model.ts";
import { RANDOM } from "./_kill_points.ts";
import { KillTally } from "./_kill_tally.ts";
import { liveOnOneEtcd } from "./_one_etcd.ts";

const NODES = ["kill-api-0", "kill-api-1", "kill-api-2"] as const;
/** Every operation passes these; not all of them read etcd. */
const POINTS = [
  "txn-before",
  "txn-during",
  "txn-after",
  "commit-before",
  "commit-during",
  "commit-after",
] as const;
/** Under which operation a daemon is to die, and when. */
const AIMS: readonly (readonly [Operation, string])[] = [
  ...OPERATIONS.flatMap((operation) => POINTS.map((point) => [operation, point] as const)),
  ["create", "range-before"],
  ["create", "range-after"],
  ...[...OPERATIONS, ...OPERATIONS].map((operation) => [operation, RANDOM] as const),
];
/** Another operation, or a pass of the daemon's own, may come to the point first. */
const MAX_TRIES = 5;

Deno.test("kill -9 under an operation of the store API leaves all of it or nothing of it", async () => {
  const seed = testSeed();
  const tally = new KillTally();
  await liveOnOneEtcd(NODES, async (server, etcd, name, index) => {
    const dice = new Dice(seed + index);
    using life = await ApiLife.start(server, etcd, name, dice);
    for (const [operation, moment] of AIMS.filter((_, at) => at % NODES.length === index)) {
      try {
        const aim = kindOf(operation, moment);
        for (let met = "", tries = 0; met !== aim && tries < MAX_TRIES; tries++) {
          met = kindOf(await life.kill(operation, moment), moment);
          tally.note(met);
        }
      } catch (error) {
        throw new Error(`seed ${seed}, ${name}, ${operation} ${moment}`, { cause: error });
      }
    }
    await life.end();
  });
  tally.say(`seed ${seed}`);
  tally.expect(AIMS.length, AIMS.map((aim) => kindOf(...aim)));
});

/** A random moment may be between two operations. */
function kindOf(operation: Operation, moment: string): string {
  return moment === RANDOM ? RANDOM : `${operation} ${moment}`;
}
