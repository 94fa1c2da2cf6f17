import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { AbsenceHistory } from "../../lib/fscache/mod.ts";
import { reconcile, type ReconcileOutcome } from "../../lib/reconcile/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { World } from "./_world.ts";

const GROUP = "kube-proxy/services.v1.core";
const WEB = `${GROUP}/shop/web`;
const PREFIX = "/pool";
const KEY = `${PREFIX}/services/specs/shop/web`;

/** A pass over the group, as a daemon makes it; keys that it has awaited are put by then. */
async function pass(world: World, ...awaited: string[]): Promise<ReconcileOutcome> {
  const outcome = await reconcile(world.node.context, world.options(), {
    groups: new Set([GROUP]),
    full: false,
    patient: false,
    absences: new AbsenceHistory(),
    awaited: new Set(awaited),
  });
  if (outcome.failure) throw outcome.failure;
  return outcome;
}

/** etcd's revision. */
async function revision({ node }: World): Promise<number> {
  return Number((await node.etcd.range({ key: Buffer.from("/") })).header.revision);
}

Deno.test("reconcile(): a newer version is put at once by the node whose put etcd holds, and by others once they have waited", async () => {
  await using server = await startEtcd();
  await using author = await World.start(server, { prefix: PREFIX });
  await using other = await World.start(server, { prefix: PREFIX });
  const write = (world: World, rv: number) => world.files.put(WEB, { resourceVersion: String(rv) });
  const held = async () => {
    const { value = "{}" } = (await author.node.stored()).get(KEY.slice(PREFIX.length)) ?? {};
    return JSON.parse(value).metadata?.resourceVersion;
  };
  let before = await revision(author);
  /** How many revisions of etcd there were since it was last asked. */
  const revisions = async () => {
    const now = await revision(author);
    const since = now - before;
    before = now;
    return since;
  };

  // Nobody has put a new object yet: each leaves it to others, and the first that looks again puts.
  write(author, 1);
  write(other, 1);
  for (const world of [author, other]) {
    const { yielded, report } = await pass(world);
    deepStrictEqual([yielded.keys, yielded.groups], [new Set([KEY]), new Set([GROUP])]);
    deepStrictEqual([report.created, report.unchanged], [0, 0]);
  }
  strictEqual(await revisions(), 0);
  strictEqual((await pass(author, KEY)).report.created, 1);
  strictEqual(await revisions(), 1);
  strictEqual((await pass(other, KEY)).report.unchanged, 1);
  strictEqual(await revisions(), 0, "what etcd has costs no write");

  // Another holder that sees the change first leaves it to the author.
  write(other, 2);
  strictEqual((await pass(other)).yielded.keys.has(KEY), true);
  strictEqual(await revisions(), 0);
  write(author, 2);
  const first = await pass(author);
  deepStrictEqual([first.report.updated, first.yielded.keys.size], [1, 0]);
  strictEqual(await revisions(), 1);
  const looked = await pass(other, KEY);
  deepStrictEqual([looked.report.unchanged, looked.yielded.keys.size], [1, 0]);
  strictEqual(await revisions(), 0);

  // Where the author is gone, another puts once it has waited, and is the author then.
  write(other, 3);
  strictEqual((await pass(other)).yielded.keys.has(KEY), true);
  strictEqual((await pass(other, KEY)).report.updated, 1);
  deepStrictEqual([await revisions(), await held()], [1, "3"]);
  write(other, 4);
  strictEqual((await pass(other)).report.updated, 1);
  strictEqual(await revisions(), 1);

  // A full pass, and a command, wait for nobody.
  write(author, 5);
  strictEqual((await author.run()).updated, 1);
  deepStrictEqual([await revisions(), await held()], [1, "5"]);
});
