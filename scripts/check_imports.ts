/**
 * Holds the imports of lib/ to the layout, those of types too: they point down {@linkcode LAYERS},
 * never run in a circle, and enter another folder by its mod.ts alone.
 *
 *     deno run -A scripts/check_imports.ts [ROOT]
 *
 * Prints a line for each import that breaks a rule; then it exits with 1. Tests, scripts and
 * main.ts may import anything.
 *
 * @module
 */
import { dirname, fromFileUrl, join, resolve, toFileUrl } from "@std/path";

/**
 * What lib/ is made of, from the top down: first what other programs import; `lib` are the other
 * files beside its folders. Each may import what stands in a later line; those of one line don't
 * know each other.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["lib/mod.ts", "lib/client.ts"],
  ["lib/cli"],
  ["lib/agent", "lib/library"],
  ["lib/reconcile"],
  ["lib/store"],
  ["lib/keycache", "lib/etcd"],
  ["lib/fscache"],
  ["lib/k8s"],
  ["lib/std", "lib", "deno.json"],
];

/** One file's import of another, both as paths below the root. */
interface Import {
  readonly from: string;
  readonly to: string;
  /** Counted from 1. */
  readonly line: number;
}

/** What is read here of `deno info --json`. */
interface ModuleGraph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly { readonly code?: Resolved; readonly type?: Resolved }[];
  }[];
}

interface Resolved {
  readonly specifier?: string;
  readonly error?: string;
  readonly span: { readonly start: { readonly line: number } };
}

const root = resolve(Deno.args[0] ?? fromFileUrl(new URL("..", import.meta.url)));
const imports = readImports();
const problems = [...imports.flatMap(problemsOf).sort(), ...circlesIn(imports)];
Deno.stderr.writeSync(new TextEncoder().encode(problems.map((text) => `${text}\n`).join("")));
if (problems.length > 0) Deno.exit(1);

/** Deno itself says what the files below lib/ import. */
function readImports(): Import[] {
  const all = filesBelow("lib").map((path) => `import ${JSON.stringify(urlOf(path))};`).join("");
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `data:application/typescript,${encodeURIComponent(all)}`],
    cwd: root,
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { modules }: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
  return modules.flatMap(({ specifier, error, dependencies = [] }) => {
    const from = pathOf(specifier);
    if (from === undefined) return [];
    if (error !== undefined) throw new Error(`${from}: ${error}`);
    return dependencies.flatMap(({ code, type }) => {
      const { specifier: found = "", error, span } = code ?? type ?? {};
      if (error !== undefined) throw new Error(`${from}: ${error}`);
      const to = pathOf(found);
      return to === undefined || span === undefined
        ? []
        : [{ from, to, line: span.start.line + 1 }];
    });
  });
}

function filesBelow(directory: string): string[] {
  return [...Deno.readDirSync(join(root, directory))].flatMap(({ name, isDirectory }) => {
    const path = join(directory, name);
    if (isDirectory) return filesBelow(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

function urlOf(path: string): string {
  return toFileUrl(join(root, path)).href;
}

/** The path below the root; undefined for a package. */
function pathOf(specifier: string): string | undefined {
  if (!specifier.startsWith("file:")) return undefined;
  const path = fromFileUrl(specifier);
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}

function problemsOf({ from, to, line }: Import): string[] {
  const [upper, lower] = [partOf(from), partOf(to)];
  const rule = (words: string) => [`${from}:${line}: imports ${to}, ${words}`];
  if (upper !== lower) {
    const [above, below] = [layerOf(upper), layerOf(lower)];
    if (above < 0) return rule(`but ${upper} stands in no layer`);
    if (below < 0) return rule(`but ${lower} stands in no layer`);
    if (above === below) return rule(`but ${upper} and ${lower} stand side by side`);
    if (above > below) return rule(`but ${lower} stands above ${upper}`);
  }
  const isInside = `${dirname(from)}/`.startsWith(`${dirname(to)}/`) || dirname(to) === ".";
  return isInside || to.endsWith("/mod.ts") ? [] : rule(`past ${dirname(to)}/mod.ts`);
}

/** What stands in a layer and holds a file; the file itself if it is not in lib/. */
function partOf(path: string): string {
  if (LAYERS[0]?.includes(path)) return path;
  return /^lib(\/[^/]+(?=\/))?/.exec(path)?.[0] ?? path;
}

function layerOf(part: string): number {
  return LAYERS.findIndex((layer) => layer.includes(part));
}

/** One circle at least of all that hang together. */
function circlesIn(imports: readonly Import[]): string[] {
  const graph = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) circles.push(`a circle: ${[...path.slice(start), file].join(" → ")}`);
    if (start >= 0 || done.has(file)) return;
    for (const { to } of graph.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of [...graph.keys()].sort()) visit(file, []);
  return circles;
}
