/**
 * What a daemon can't do without: a compiled program that holds a Deno KV database open, asks an
 * etcd once through etcd3, and does nothing more.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { connect } from "../../../lib/etcd/mod.ts";

const [path = "", endpoint = ""] = Deno.args;
const kv = await Deno.openKv(path);
await kv.get(["nothing"]);
const etcd = await connect({ endpoints: [endpoint], timeoutMs: 5_000 });
await etcd.range({ key: Buffer.from("nothing") });
await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
