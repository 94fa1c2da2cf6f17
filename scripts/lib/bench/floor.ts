/**
 * The floor of a footprint: a compiled program that does nothing, or, given the path of a Deno KV
 * database, holds it open and does nothing more.
 *
 * @module
 */
const [path] = Deno.args;
if (path !== undefined) {
  const kv = await Deno.openKv(path);
  await kv.get(["nothing"]);
  await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
}
