/**
 * Leaves out of a .proto file what some calls do not need: each message takes time at every start,
 * and memory for as long as the program runs.
 *
 * @module
 */

const COMMENT = /[ \t]*\/\/.*$/gm;
const BLOCK = /^(?:service|message|enum) (\w+) ?\{\n[^]*?^\}\n/gm;
const RPC = /^ {2}rpc (\w+)\([^]*?^ {2}\}\n/gm;

/**
 * Trims a .proto file, in which each service, message and enum ends with the first `}` that begins
 * a line.
 *
 * @param text the file
 * @param calls what is called, as `Service.Method`
 * @returns the file with those methods, and the messages and enums that they need
 * @throws {Error} if it has no such method
 */
export function trimProto(text: string, calls: ReadonlySet<string>): string {
  const bare = text.replace(COMMENT, "");
  const missing = new Set(calls);
  const types = new Map<string, string>();
  const services = new Map<string, string>();
  for (const [block, name = ""] of bare.matchAll(BLOCK)) {
    if (!block.startsWith("service ")) types.set(name, block);
    else {
      services.set(
        name,
        block.replace(RPC, (rpc, method) => missing.delete(`${name}.${method}`) ? rpc : ""),
      );
    }
  }
  if (missing.size > 0) throw new Error(`no such method: ${[...missing].join(", ")}`);

  const called = [...services].filter(([, block]) => /^ {2}rpc /m.test(block));
  const kept = new Map(called);
  for (const block of kept.values()) {
    for (const [word] of block.matchAll(/\w+/g)) {
      const type = types.get(word);
      if (type !== undefined) kept.set(word, type);
    }
  }
  return bare.replace(BLOCK, (_, name) => kept.get(name) ?? "");
}
