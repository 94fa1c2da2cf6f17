/**
 * Prints every key of an etcd with its mod revision, over etcd's JSON gateway: a look from
 * outside, with no code of edgekeyd's own in between.
 *
 *     deno run -A scripts/lib/etcd_keys.ts http://127.0.0.1:2379
 *
 * @module
 */

/** The part of etcd's RangeResponse that is read here; keys are base64, int64s strings. */
interface RangeResponse {
  kvs?: { key: string; mod_revision: string }[];
}

const [endpoint] = Deno.args;
const zero = btoa("\0");
const answer = await fetch(`${endpoint}/v3/kv/range`, {
  method: "POST",
  body: JSON.stringify({ key: zero, range_end: zero, keys_only: true }),
});
if (!answer.ok) throw new Error(`${endpoint} answered ${answer.status}`);
const { kvs = [] }: RangeResponse = await answer.json();
const lines = kvs.map(({ key, mod_revision }) => `${mod_revision.padStart(4)}  ${atob(key)}\n`);
Deno.stdout.writeSync(new TextEncoder().encode(lines.join("")));
