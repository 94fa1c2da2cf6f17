import { deepStrictEqual } from "node:assert/strict";
import { Nap } from "../../lib/agent/nap.ts";

Deno.test("Nap ends when its alarm rings, or when it is woken, and calls its alarm off", async () => {
  const seen: string[] = [];
  let ring = () => {};
  const nap = new Nap({
    alarm(ms, rings) {
      seen.push(`${ms} ms`);
      ring = rings;
      return () => seen.push("called off");
    },
  });
  nap.wake();
  const rung = nap.sleep(5);
  ring();
  await rung;
  const woken = nap.sleep(7);
  nap.wake();
  await woken;
  const endless = nap.sleep(Infinity);
  nap.wake();
  await endless;
  deepStrictEqual(seen, ["5 ms", "called off", "7 ms", "called off"]);
});
