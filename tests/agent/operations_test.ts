import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { Operations } from "../../lib/agent/operations.ts";
import { EtcdError } from "../../lib/etcd/mod.ts";
import type { StoreContext } from "../../lib/store/mod.ts";

/** Operations here need no real sides. */
const CONTEXT = {} as StoreContext;

Deno.test("operations run one after another, and what gives up waiting never begins", async () => {
  let woken = 0;
  const operations = new Operations(() => woken++);
  const never = new AbortController().signal;
  const order: string[] = [];
  const first = operations.submit(() => Promise.resolve(order.push("first")), never);
  const impatient = new AbortController();
  const late = operations.submit(() => Promise.resolve(order.push("late")), impatient.signal);
  const failing = operations.submit(() => Promise.reject(new RangeError("no")), never);
  strictEqual(woken, 3);
  const refused = rejects(late, { code: "NotReady", message: /not begun/ });
  impatient.abort();
  await refused;
  strictEqual(operations.size, 2);
  const failed = rejects(failing, RangeError);
  strictEqual(await operations.next(CONTEXT), undefined);
  ok(await operations.next(CONTEXT) instanceof RangeError);
  await failed;
  strictEqual(await operations.next(CONTEXT), undefined);
  await first;
  deepStrictEqual(order, ["first"]);
});

Deno.test("an operation that was begun is never called not begun", async () => {
  const operations = new Operations(() => {});
  const impatient = new AbortController();
  const { promise: work, resolve } = Promise.withResolvers<number>();
  const submitted = operations.submit(() => work, impatient.signal);
  const unknown = rejects(submitted, { code: "Unknown" });
  const running = operations.next(CONTEXT);
  impatient.abort();
  await unknown;
  resolve(1);
  await running;
});

Deno.test("operations do not pile up, and all that wait are refused at once", async () => {
  const operations = new Operations(() => {});
  const never = new AbortController().signal;
  const waiting = Array.from(
    { length: 64 },
    () =>
      rejects(operations.submit(() => Promise.resolve(), never), {
        code: "NotReady",
        message: "over",
      }),
  );
  await rejects(operations.submit(() => Promise.resolve(), never), { message: /too many/ });
  operations.refuseAll(new EtcdError("unknown", "over"));
  await Promise.allSettled(waiting);
  strictEqual(operations.size, 0);
});
