import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { deleteUnclaimedKeys, recover } from "../../lib/store/mod.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { dieBefore, loseRequest, type TxnHook, unreachable } from "../support/hooked_etcd.ts";
import { objectJson } from "../support/objects.ts";
import { TestNode } from "../support/test_node.ts";
import { lookAtAll, replace } from "./_operations.ts";

const OPTIONS = {
  bytesOf: () => undefined,
};
/** More Txns than any of these operations sends. */
const MANY = 50;

const FAILURES: Readonly<Record<string, TxnHook>> = {
  "etcd can't be reached": unreachable,
  "its Txn is lost on the way": loseRequest,
  "the process dies before its Txn is sent": dieBefore,
};

Deno.test("deleteUnclaimedKeys(), on a real etcd", async (t) => {
  await using server = await startEtcd();

  for (const [what, hook] of Object.entries(FAILURES)) {
    await t.step(`nothing is deleted later if ${what}`, async () => {
      await using node = await TestNode.start(server);
      await replace(node, { objects: ["ours"] });
      const key = `${node.prefix}/pods/default/theirs`;
      await node.put(key, objectJson({ name: "theirs" }));
      let failing = true;
      const onWrites: TxnHook = (send, request) =>
        failing && (request.compare?.length ?? 0) > 0 ? hook(send, request) : send();
      node.etcd.next(...Array.from({ length: MANY }, () => onWrites));
      const failed = await deleteUnclaimedKeys(node.context, [key], OPTIONS)
        .then(({ failure }) => failure !== undefined, () => true);
      strictEqual(failed, true);
      failing = false;
      await node.restart();
      await recover(node.context);
      await lookAtAll(node);
      deepStrictEqual(await node.keys(), ["/pods/default/ours", "/pods/default/theirs"]);
      const { deleted } = await deleteUnclaimedKeys(node.context, [key], OPTIONS);
      strictEqual(deleted, 1);
      deepStrictEqual(await node.keys(), ["/pods/default/ours"]);
    });
  }
});
