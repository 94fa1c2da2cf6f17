import { deepStrictEqual } from "node:assert/strict";
import { EtcdView } from "../e2e/_node.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";

/** What another has in the etcd. */
const ELSEWHERE = "/somebody/else";

/**
 * Has several nodes live at a time on one etcd. In the end it must hold nothing but what is below
 * their prefixes, their fences and alive keys, and what another put there.
 *
 * @param names of the nodes
 * @param live one node's life
 */
export async function liveOnOneEtcd(
  names: readonly string[],
  live: (server: EtcdServer, etcd: EtcdView, name: string, index: number) => Promise<void>,
): Promise<void> {
  await using server = await startEtcd();
  using etcd = new EtcdView(server);
  await etcd.put(ELSEWHERE, "untouched");
  await Promise.all(names.map((name, index) => live(server, etcd, name, index)));
  const outside = await etcd.keys("/");
  for (const name of names) {
    for (const key of outside.keys()) {
      const isOwn = [`/edgekeyd/${name}/fence`, `/edgekeyd/${name}/alive`].includes(key);
      if (isOwn || key.startsWith(`/${name}/registry/`)) outside.delete(key);
    }
  }
  deepStrictEqual([...outside].map(([key, { value }]) => [key, value.toString()]), [[
    ELSEWHERE,
    "untouched",
  ]]);
}
