import assert from "node:assert/strict";
import { dirname } from "@std/path";
import {
  AbsenceHistory,
  CacheRootError,
  DenoFileSystem,
  type FileSystem,
  formatPath,
  type KnownFile,
  parsePath,
  scan,
} from "../../lib/fscache/mod.ts";
import { Prng } from "../sim/prng.ts";
import { brokenObject, mutatedObject, type ObjectText, validObject } from "./_contents.ts";
import { MemoryFs } from "./_memory_fs.ts";
import { kindOf } from "../support/kinds.ts";
import { HOSTILE_NAMES } from "./_names.ts";
import { runCases } from "./_seeds.ts";

const DEADLINE_MS = 10_000;
const DIRECTORIES = [
  "pods.v1.core",
  "pods",
  "nodes.v1.core",
  "widgets.v1.example.com",
  "namespaces",
];
const NEVER_READ: KnownFile = {
  stamp: { size: 0, mtimeMs: 0, ctimeMs: 0, ino: 0 },
  readAtMs: 0,
};
/** This one stands in every tree, and must be found in each. */
const SOUND = "sound/pods.v1.core/default/sound";
const SOUND_OBJECT: ObjectText = {
  kind: "Pod",
  apiVersion: "v1",
  namespace: "default",
  name: "sound",
  uid: "u",
  resourceVersion: "9223372036854775807",
};

Deno.test("scans of random trees in memory: every file is imported, invalid, or passed over", async () => {
  await runCases("scans", async (seed) => {
    const prng = new Prng(seed);
    const fs = new MemoryFs();
    fs.set(SOUND, { kind: "file", bytes: validObject(SOUND_OBJECT) });
    const paths: string[] = [];
    for (let i = prng.between(1, 20); i > 0; i--) {
      const path = randomPath(prng);
      if (path === "sound" || path.startsWith("sound/") || path.startsWith("tmp_sound")) continue;
      paths.push(path);
      fs.set(path, randomNode(path, prng));
      if (prng.chance(0.1)) fs.faults.set(path, () => new Deno.errors.PermissionDenied("no"));
    }
    await scanOf("/cache", fs, paths.filter((path) => fs.get(path) !== undefined));
  });
});

Deno.test("scans of random directories: names that are no UTF-8, FIFOs, symlinks, bombs", async () => {
  await runCases("directories", async (seed) => {
    const prng = new Prng(seed);
    const root = Deno.makeTempDirSync({ prefix: "edgekeyd-fuzz-" });
    try {
      await fill(root, prng);
      await scanOf(root, new DenoFileSystem(root), []);
    } finally {
      Deno.removeSync(root, { recursive: true });
    }
  });
});

/** Scans, and holds what comes of it to what must be true of every tree. */
async function scanOf(root: string, fs: FileSystem, known: readonly string[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  const scanning = scan<KnownFile>({
    root,
    fs,
    recorded: new Map(known.map((path) => [path, NEVER_READ])),
    nowMs: () => Date.now() + 60_000,
    monotonicMs: () => performance.now(),
    settleMs: 2_000,
    maxObjectBytes: 250_000,
    absences: new AbsenceHistory(),
    pause: () => new Promise((resolve) => setTimeout(resolve)),
  });
  const snapshot = await Promise.race([scanning, late]).finally(() => clearTimeout(timer));
  const sound = snapshot.files.get(SOUND);
  assert.equal(sound?.resourceVersion, SOUND_OBJECT.resourceVersion);
  for (const [path, file] of snapshot.files) {
    const parts = parsePath(path);
    assert.ok(parts, `${JSON.stringify(path)} is no path of an object`);
    assert.equal(formatPath(parts), path);
    const { component, directory, namespace, name } = file;
    assert.deepEqual({ component, directory, namespace, name }, parts);
    const { metadata } = JSON.parse(new TextDecoder().decode(file.bytes));
    assert.equal(metadata.name, name, path);
    assert.equal(metadata.namespace ?? "", namespace, path);
    assert.match(file.resourceVersion, /^[1-9][0-9]*$/);
    assert.equal(snapshot.absence(path), "kept");
  }
  for (const { path, reason } of snapshot.invalid) {
    // That would be an error nobody foresaw.
    assert.doesNotMatch(reason, /^$|\n|^can't be read$/, path);
  }
  // What stands there is never gone, whatever it is.
  for (const path of known) {
    if (parsePath(path) === undefined || path.split("/").length < 3) continue;
    if (fs.lstat(`${root}/${path}`).kind === "directory") continue;
    assert.notEqual(snapshot.absence(path), "gone", `${JSON.stringify(path)} stands there`);
  }
}

Deno.test("a root that is none is an error of its own kind", async () => {
  for (const bytes of [undefined, new Uint8Array(3)]) {
    const fs = new MemoryFs();
    if (bytes) fs.set("file", { kind: "file", bytes });
    await assert.rejects(scanOf(bytes ? "/cache/file" : "/cache/missing", fs, []), CacheRootError);
  }
});

function randomPath(prng: Prng): string {
  const name = () => prng.chance(0.3) ? prng.pick(HOSTILE_NAMES) : prng.pick(["a", "b", "tmp_a"]);
  const levels = prng.chance(0.02) ? 200 : prng.between(1, 5);
  const segments = [prng.chance(0.2) ? name() : prng.pick(["kubelet", "kube-proxy"])];
  if (levels > 1) segments.push(prng.chance(0.3) ? name() : prng.pick(DIRECTORIES));
  while (segments.length < levels) segments.push(name());
  return segments.join("/");
}

function randomNode(path: string, prng: Prng): Parameters<MemoryFs["set"]>[1] {
  if (prng.chance(0.1)) return { kind: prng.pick(["symlink", "other"]) };
  if (prng.chance(0.1)) return { kind: "directory", entries: new Map() };
  return { kind: "file", bytes: randomContent(path, prng) };
}

function randomContent(path: string, prng: Prng): Uint8Array {
  const [, directory = "", third = "", fourth] = path.split("/").map((name) =>
    name.replace(/^(tmp_)+/, "")
  );
  const [resource = ""] = directory.split(".");
  const apiVersion = directory.endsWith(".example.com") ? "example.com/v1" : "v1";
  const object: ObjectText = {
    kind: kindOf(resource, apiVersion),
    apiVersion,
    namespace: fourth === undefined ? "" : third,
    name: prng.chance(0.9) ? fourth ?? third : "other",
    uid: "u",
    resourceVersion: String(prng.between(1, 9_999)),
  };
  if (prng.chance(0.4)) return validObject(object);
  return (prng.chance(0.5) ? brokenObject : mutatedObject)(object, prng).bytes;
}

/** Makes a tree on disk; what the file system refuses is left out. */
async function fill(root: string, prng: Prng): Promise<void> {
  write(`${root}/${SOUND}`, validObject(SOUND_OBJECT));
  for (let i = prng.between(5, 30); i > 0; i--) {
    const path = randomPath(prng);
    if (path === "sound" || path.startsWith("sound/") || path.startsWith("tmp_sound")) continue;
    try {
      write(`${root}/${path}`, randomContent(path, prng));
      if (prng.chance(0.1)) {
        Deno.removeSync(`${root}/${path}`);
        Deno.symlinkSync(
          prng.pick([root, "loop", `${root}/${SOUND}`, "/dev/zero"]),
          `${root}/${path}`,
        );
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }
  const raw: string[] = [];
  for (let i = prng.between(1, 6); i > 0; i--) {
    const at = prng.pick(["", "sound/", "sound/pods.v1.core/", "sound/pods.v1.core/default/"]);
    raw.push(`${at}${prng.pick(["\\377", "tmp_\\300\\200", "a\\355\\240\\200", "\\001b"])}${i}`);
  }
  // Deno takes paths as texts only, so that the shell makes those that are none.
  const script = `
    cd "$1" && shift || exit
    for name; do
      path=$(printf "$name/")
      case $name in *1|*4) mkdir -p "$path" ;; *2) mkfifo "\${path%/}" ;; *) : >"\${path%/}" ;; esac
    done`;
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", root, ...raw],
    env: { LC_ALL: "C" },
    stdin: "null",
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

function write(path: string, bytes: Uint8Array): void {
  Deno.mkdirSync(dirname(path), { recursive: true });
  // Never through a symlink that an earlier one made.
  Deno.writeFileSync(path, bytes, { createNew: true });
}
