/** What the dice of a test start from: EDGEKEYD_TEST_SEED repeats a run. */
export function testSeed(): number {
  return Number(Deno.env.get("EDGEKEYD_TEST_SEED") ?? Date.now() % 1_000_000);
}
