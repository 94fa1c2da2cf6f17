/**
 * Makes of the sources, and of those parts of the packages that they use, a few small files to
 * compile: a program of hundreds of files takes twice as long to start, and more memory.
 *
 *     deno run -A scripts/lib/bundle.ts SOURCE OUTPUT PROGRAM
 *
 * SOURCE holds the program, say main.ts, lib, deno.json and node_modules. OUTPUT gets `lib/main.js`
 * and what that loads, `maps`, so that a stack trace still names the sources, and `proto`, which
 * etcd3 reads.
 *
 * @module
 */
import { CALLS } from "../../lib/etcd/calls.ts";
import { trimProto } from "./trim_proto.ts";

/** What is read here of a source map. */
interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent?: readonly string[];
  readonly mappings: string;
}

/** CommonJS packages ask for Node's modules in this way; node:module alone takes 10 MB. */
const REQUIRE = "const require=(name)=>{const found=process.getBuiltinModule(name);" +
  "if(!found)throw new Error(`no module ${name}`);return found};";
/** etcd3 looks for its .proto files from where it stands. */
const DIRNAME = "const __dirname=import.meta.dirname;";

const [source = "", output = "", program = ""] = Deno.args;
const scripts = `${output}/lib`;
const maps = `${output}/maps`;
await bundle();
Deno.mkdirSync(maps);
for (const { name } of [...Deno.readDirSync(scripts)]) if (name.endsWith(".js")) finish(name);
trimProtos();
const { unstable } = JSON.parse(Deno.readTextFileSync(`${source}/deno.json`));
Deno.writeTextFileSync(`${output}/deno.json`, JSON.stringify({ unstable }));

async function bundle(): Promise<void> {
  const args = ["--minify", "--code-splitting", "--sourcemap=linked", "--platform=deno"];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", ...args, `--outdir=${Deno.realPathSync(output)}/lib`, program],
    cwd: source,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Gives a script what it lacks as a module, and its map no more than a stack trace needs. */
function finish(name: string): void {
  const path = `${scripts}/${name}`;
  const [script = ""] = Deno.readTextFileSync(path).split("\n//# sourceMappingURL=");
  let head = "";
  let body = script;
  if (/\b__dirname\b/.test(script)) head += DIRNAME;
  if (/Dynamic require of|createRequire/.test(script)) {
    head += REQUIRE;
    body = script.replace(
      /import\s*\{\s*createRequire as (\w+)\s*\}\s*from\s*"node:module";/,
      "const $1=()=>require;",
    );
    if (body.includes("node:module")) throw new Error(`${path} still loads node:module`);
  }
  if (head !== "") head += "\n";
  let link = "";
  const map: SourceMap = JSON.parse(Deno.readTextFileSync(`${path}.map`));
  // Of the packages no place is ever told.
  if (!map.sources.some((source) => source.includes("/node_modules/"))) {
    const { sourcesContent: _, ...slim } = map;
    // The head is a line of its own.
    const mappings = head === "" ? map.mappings : `;${map.mappings}`;
    Deno.writeTextFileSync(`${maps}/${name}.map`, JSON.stringify({ ...slim, mappings }));
    link = `//# sourceMappingURL=../maps/${name}.map\n`;
  }
  Deno.removeSync(`${path}.map`);
  Deno.writeTextFileSync(path, `${head}${body}\n${link}`);
}

/** Of what etcd3 can call, what is called. */
function trimProtos(): void {
  const protos = `${source}/node_modules/etcd3/proto`;
  Deno.mkdirSync(`${output}/proto`);
  for (const { name } of Deno.readDirSync(protos)) {
    const text = Deno.readTextFileSync(`${protos}/${name}`);
    Deno.writeTextFileSync(
      `${output}/proto/${name}`,
      name === "rpc.proto" ? trimProto(text, new Set(CALLS)) : text,
    );
  }
}
