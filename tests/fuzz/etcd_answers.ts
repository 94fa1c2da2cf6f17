import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EdgekeydError } from "../../lib/errors.ts";
import { checked } from "../../lib/etcd/checked.ts";
import type { Etcd } from "../../lib/etcd/mod.ts";
import { type ComponentKeyCache, memoryCache } from "../../lib/keycache/mod.ts";
import { verify } from "../../lib/reconcile/mod.ts";
import { Prng } from "../sim/prng.ts";
import { contentsOf } from "./_etcd_contents.ts";
import { CACHE_OPTIONS, contextOf, pass } from "./_pass.ts";
import { isHolder, placesIn } from "./_places.ts";
import { runCases, tell } from "./_seeds.ts";
import { FENCE_KEY, World } from "./_world.ts";

/** No reconcile of so small a cache needs as many; one that does would never end. */
const MAX_CALLS = 2_000;

Deno.test("malformed answers of etcd: a clear error, nothing wrong written, nothing forgotten", async () => {
  let failed = 0;
  await runCases("answers", async (seed) => {
    const cache = await memoryCache(CACHE_OPTIONS);
    try {
      if (await oneLife(new Prng(seed), cache)) failed++;
    } finally {
      cache.close();
    }
  });
  assert.ok(failed > 0, "some answer was too wrong to go on");
  tell(`${failed} of them ended in an error`);
});

/** @returns whether a malformed answer led to an error */
async function oneLife(prng: Prng, cache: ComponentKeyCache): Promise<boolean> {
  const world = new World(prng);
  const liar = new Liar(world.etcd, prng);
  const context = contextOf(checked(liar), cache, prng);
  const run = async () => {
    liar.calls = 0;
    const { failure } = await pass(context, world);
    assert.ok(
      failure === undefined || failure instanceof EdgekeydError,
      `${failure}\n${liar.told.join("\n")}`,
    );
    check(world, cache, liar.told.join("\n"));
    return failure;
  };
  if (prng.chance(0.5)) await run();
  for (const path of world.valid.keys()) if (prng.chance(0.3)) world.update(path);
  liar.rate = prng.pick([0.05, 0.3, 1]);
  const failure = await run();
  try {
    await verify(context);
  } catch (error) {
    if (!(error instanceof EdgekeydError)) throw error;
  }
  // Once etcd is itself again, so is everything else.
  liar.rate = 0;
  const last = await run();
  assert.equal(last, undefined, `${last?.stack}\n${liar.told.join("\n")}`);
  const now = contentsOf(world.model);
  for (const { key } of world.valid.values()) {
    if (world.foreign.has(key)) continue;
    assert.equal(now.get(key), world.newest(key), `${key}\n${liar.told.join("\n")}`);
  }
  return failure !== undefined;
}

function check(world: World, cache: ComponentKeyCache, said: string): void {
  assert.deepEqual(world.strayWrites, [], said);
  const now = contentsOf(world.model);
  const pending = new Set(cache.intent?.entries.map((entry) => entry.key));
  for (const [key, value] of world.foreign) assert.equal(now.get(key), value, said);
  for (const [key, value] of now) {
    if (key === FENCE_KEY || world.foreign.has(key)) continue;
    assert.ok(world.texts.get(key)?.has(value) ?? false, `${key}\n${said}`);
    assert.ok(cache.rows.has(key) || pending.has(key), `${key} is forgotten\n${said}`);
  }
}

/** An etcd that does what it is told, and then says something that no etcd says. */
class Liar implements Etcd {
  /** How many of its answers are malformed. */
  rate = 0;
  calls = 0;
  readonly told: string[] = [];
  readonly #etcd: Etcd;
  readonly #prng: Prng;

  constructor(etcd: Etcd, prng: Prng) {
    this.#etcd = etcd;
    this.#prng = prng;
  }

  async range(request: Parameters<Etcd["range"]>[0]) {
    return this.#malformed("range", await this.#etcd.range(request));
  }

  async rangeAll(requests: Parameters<Etcd["rangeAll"]>[0]) {
    return this.#malformed("ranges", await this.#etcd.rangeAll(requests));
  }

  async txn(request: Parameters<Etcd["txn"]>[0]) {
    return this.#malformed("txn", await this.#etcd.txn(request));
  }

  hasNoSpaceAlarm() {
    return this.#etcd.hasNoSpaceAlarm();
  }

  watch(...args: Parameters<Etcd["watch"]>) {
    return this.#etcd.watch(...args);
  }

  close(): void {
    this.#etcd.close();
  }

  #malformed<T extends object>(what: string, answer: T): T {
    this.calls++;
    assert.ok(this.calls < MAX_CALLS, `it asks without end\n${this.told.join("\n")}`);
    if (!this.#prng.chance(this.rate)) return answer;
    const copy: unknown = structuredCloneOf(answer);
    const places = placesIn(copy);
    for (let i = this.#prng.between(1, 3); i > 0 && places.length > 0; i--) {
      const { holder, name, path } = this.#prng.pick(places);
      const change = this.#prng.pick(CHANGES);
      const value = change(holder[name], this.#prng);
      if (value === undefined && !Array.isArray(holder)) delete holder[name];
      else holder[name] = value;
      this.told.push(`${what} ${path}: ${String(JSON.stringify(value)).slice(0, 60)}`);
    }
    // What comes over a wire is what its type says only if somebody has looked.
    return copy as T;
  }
}

/** Values that are of the right shape, but not what was there, are left out: those are lies. */
const CHANGES: readonly ((value: unknown, prng: Prng) => unknown)[] = [
  () => undefined,
  () => null,
  () => ({}),
  () => [],
  () => NaN,
  () => "NaN",
  () => "-1",
  () => "1e9",
  () => "",
  () => "9223372036854775808",
  () => 7,
  (value) => Array.isArray(value) ? value.toReversed() : [value],
  (value) => Array.isArray(value) ? [...value, ...value] : null,
  (value) => Array.isArray(value) ? value.slice(1) : undefined,
  (value) => Array.isArray(value) ? Array.from({ length: 1_000 }, () => value[0]) : null,
  (value) => typeof value === "boolean" ? String(value) : undefined,
];

function structuredCloneOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return value.map(structuredCloneOf);
  if (!isHolder(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, structuredCloneOf(member)]),
  );
}
