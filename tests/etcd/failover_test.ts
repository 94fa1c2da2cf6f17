import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { deadlineIn, msUntil } from "../../lib/etcd/deadline.ts";
import { EtcdError, type EtcdErrorReason } from "../../lib/etcd/errors.ts";
import { Failover } from "../../lib/etcd/failover.ts";
import { freePort, startEtcd } from "../support/etcd_server.ts";
import { BACKOFF_MS, CONNECTING_MS, failure, withClient } from "./client.ts";

const TARGETS = ["a", "b", "c"].map((endpoint) => ({ endpoint }));

/** Runs once; endpoints fail for the reasons given for the first, second, third that is tried. */
async function run(
  failover: Failover<{ endpoint: string }>,
  idempotent: boolean,
  reasons: EtcdErrorReason[],
): Promise<{ tried: string[]; error?: EtcdError }> {
  const tried: string[] = [];
  try {
    await failover.run(deadlineIn(1000), idempotent, ({ endpoint }) => {
      const reason = reasons[tried.length];
      tried.push(endpoint);
      return reason
        ? Promise.reject(new EtcdError(reason, `${endpoint} failed`))
        : Promise.resolve();
    });
  } catch (error) {
    if (error instanceof EtcdError) return { tried, error };
    throw error;
  }
  return { tried };
}

Deno.test("failover: what is idempotent goes on after any failure of an endpoint", async () => {
  for (
    const reason of ["unreachable", "timeout", "unavailable", "learner", "not-etcd"] as const
  ) {
    const { tried, error } = await run(new Failover(TARGETS), true, [reason, reason]);
    strictEqual(new Set(tried).size, 3);
    strictEqual(error, undefined);
  }
});

Deno.test("failover: a Txn goes on only if nothing was sent, or it was refused", async () => {
  for (const reason of ["unreachable", "learner", "not-etcd"] as const) {
    strictEqual((await run(new Failover(TARGETS), false, [reason])).tried.length, 2);
  }
  for (const reason of ["timeout", "unavailable", "unknown", "no-space"] as const) {
    const { tried, error } = await run(new Failover(TARGETS), false, [reason]);
    strictEqual(tried.length, 1);
    strictEqual(error?.reason, reason);
  }
});

Deno.test("failover: what etcd refuses is not asked of the next", async () => {
  for (
    const reason of ["permission-denied", "unauthenticated", "too-large", "compacted"] as const
  ) {
    strictEqual((await run(new Failover(TARGETS), true, [reason])).tried.length, 1);
  }
});

Deno.test("failover: each endpoint is tried once, and the message names all", async () => {
  const { tried, error } = await run(new Failover(TARGETS), true, [
    "timeout",
    "unreachable",
    "unavailable",
  ]);
  strictEqual(new Set(tried).size, 3);
  strictEqual(error?.reason, "unavailable");
  strictEqual(
    error?.message,
    `${tried[2]} failed; tried before: ${tried[0]} (timeout), ${tried[1]} (unreachable)`,
  );
});

Deno.test("failover: stays with the one that answered, leaves the one that failed", async () => {
  const failover = new Failover(TARGETS);
  const [first] = (await run(failover, true, [])).tried;
  deepStrictEqual((await run(failover, true, [])).tried, [first]);
  const [, second] = (await run(failover, true, ["timeout"])).tried;
  deepStrictEqual((await run(failover, false, ["timeout"])).tried, [second]);
  const [third] = (await run(failover, false, [])).tried;
  strictEqual(new Set([first, second, third]).size, 3);
});

Deno.test("failover: reads share the time, a Txn has all of it", async () => {
  const shares: number[] = [];
  const record = (_: unknown, deadline: number) => {
    shares.push(msUntil(deadline));
    return Promise.reject(new EtcdError("unreachable", "failed"));
  };
  await rejects(new Failover(TARGETS).run(deadlineIn(900), true, record));
  await rejects(new Failover(TARGETS).run(deadlineIn(900), false, record));
  [300, 450, 900, 900, 900, 900].forEach((share, index) => {
    const actual = shares[index] ?? 0;
    ok(Math.abs(actual - share) < 100, `attempt ${index}: ${actual} ms, not ${share}`);
  });
});

Deno.test("failover: a clock that is set meanwhile changes nobody's share", async () => {
  for (const jumpMs of [-3_600_000, 3_600_000, -Date.now()]) {
    const shares: number[] = [];
    using clock = settableClock();
    const record = (_: unknown, deadline: number) => {
      shares.push(msUntil(deadline));
      clock.set(jumpMs);
      return Promise.reject(new EtcdError("timeout", "failed"));
    };
    await rejects(new Failover(TARGETS).run(deadlineIn(900), true, record));
    strictEqual(shares.length, 3);
    for (const share of shares) ok(share > 0 && share <= 900, `${share} ms after ${jumpMs} ms`);
  }
});

Deno.test("connect: a clock set back an hour does not hold a call on a second endpoint", async () => {
  await using frozen = await startEtcd();
  await using alsoFrozen = await startEtcd();
  await frozen.kill("SIGSTOP");
  await alsoFrozen.kill("SIGSTOP");
  const endpoints = [frozen.endpoint, alsoFrozen.endpoint];
  await withClient({ endpoints, timeoutMs: 1_000 }, async (etcd) => {
    using clock = settableClock();
    const call = failure(etcd.range({ key: Buffer.from("k") }));
    // The first endpoint has half a second; by now its call is under way.
    await new Promise((resolve) => setTimeout(resolve, 100));
    clock.set(-3_600_000);
    match((await call).reason, /^(timeout|unreachable)$/);
  }, CONNECTING_MS);
});

Deno.test("failover: three endpoints of which two are dead", async () => {
  await using server = await startEtcd();
  const endpoints = [...deadEndpoints(2), server.endpoint];
  for (let round = 0; round < 4; round++) {
    const key = Buffer.from(`k${round}`);
    await withClient({ endpoints, timeoutMs: 10_000 }, async (etcd) => {
      const begun = performance.now();
      await etcd.txn({ success: [{ request_put: { key } }] });
      strictEqual((await etcd.range({ key })).count, "1");
      strictEqual(await etcd.hasNoSpaceAlarm(), false);
      ok(performance.now() - begun < 5_000, "dead endpoints cost too much time");
    }, BACKOFF_MS);
  }
});

Deno.test("failover: all endpoints dead", async () => {
  const endpoints = deadEndpoints(3);
  await withClient({ endpoints }, async (etcd) => {
    const error = await failure(etcd.txn({}));
    strictEqual(error.reason, "unreachable");
    for (const endpoint of endpoints) ok(error.message.includes(endpoint), error.message);
    match(error.message, /ECONNREFUSED/);
  }, BACKOFF_MS);
});

Deno.test("failover: a read does not spend all its time on a frozen endpoint", async () => {
  await using server = await startEtcd();
  await using frozen = await startEtcd();
  await frozen.kill("SIGSTOP");
  const endpoints = [frozen.endpoint, server.endpoint];
  for (let round = 0; round < 3; round++) {
    await withClient({ endpoints, timeoutMs: 4_000 }, async (etcd) => {
      const begun = performance.now();
      await etcd.range({ key: Buffer.from("k") });
      ok(performance.now() - begun < 3_600);
      // Now that the frozen one is known, a Txn goes to the other.
      await etcd.txn({ success: [{ request_put: { key: Buffer.from("k") } }] });
    }, CONNECTING_MS);
  }
});

/** Sets the wall clock, and puts it right again. */
function settableClock(): Disposable & { set(jumpMs: number): void } {
  const { now } = Date;
  return {
    set(jumpMs) {
      Date.now = () => now() + jumpMs;
    },
    [Symbol.dispose]() {
      Date.now = now;
    },
  };
}

function deadEndpoints(count: number): string[] {
  return Array.from({ length: count }, () => `http://127.0.0.1:${freePort()}`);
}
