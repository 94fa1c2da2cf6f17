import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { watchCache, type WatchHint } from "../../lib/fscache/mod.ts";
import { directoryIdentity } from "../../lib/fscache/directory_identity.ts";
import {
  MAX_DIRECTORIES_OF_COMPONENT,
  WatchedDirectories,
} from "../../lib/fscache/watched_directories.ts";

/** A cache with directories, and a way to put another in the place of one. */
class Tree implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "edgekeyd-tree-" });

  make(...paths: string[]): void {
    for (const path of paths) Deno.mkdirSync(`${this.root}/${path}`, { recursive: true });
  }

  replace(path: string): void {
    const old = `${this.root}/${path}`;
    const away = Deno.makeTempDirSync({ dir: this.root });
    Deno.renameSync(old, `${away}/old`);
    Deno.mkdirSync(old);
    // It keeps its inode until now, so that the new one can't have it.
    Deno.removeSync(away, { recursive: true });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

Deno.test("WatchedDirectories.findReplaced() finds a component, a group and a namespace that is another", () => {
  for (const path of ["kubelet", "kubelet/pods.v1.core", "kubelet/pods.v1.core/default"]) {
    using tree = new Tree();
    tree.make("kubelet/pods.v1.core/default", "coredns/services.v1.core/default");
    const directories = new WatchedDirectories(tree.root);
    strictEqual(directories.findReplaced(), false);
    tree.replace(path);
    strictEqual(directories.findReplaced(), true, path);
  }
});

Deno.test("WatchedDirectories.note() takes up what was made, with all below, and lets go of what is gone", () => {
  using tree = new Tree();
  const directories = new WatchedDirectories(tree.root);
  strictEqual(directories.findReplaced(), false, "there is nothing yet");
  tree.make("kubelet/pods.v1.core/default");
  directories.note(`${tree.root}/kubelet`);
  strictEqual(directories.has(`${tree.root}/kubelet/pods.v1.core/default`), true);
  tree.replace("kubelet/pods.v1.core/default");
  directories.note(`${tree.root}/kubelet/pods.v1.core/default`);
  strictEqual(directories.findReplaced(), true, "the watch is on the one before");

  Deno.removeSync(`${tree.root}/kubelet`, { recursive: true });
  directories.note(`${tree.root}/kubelet`);
  strictEqual(directories.has(`${tree.root}/kubelet`), false);
  Deno.writeTextFileSync(`${tree.root}/version`, "");
  directories.note(`${tree.root}/version`);
  strictEqual(directories.has(`${tree.root}/version`), false);
  Deno.symlinkSync("/", `${tree.root}/link`);
  directories.note(`${tree.root}/link`);
  strictEqual(directories.has(`${tree.root}/link`), false, "no symlink is followed");
});

Deno.test("directoryIdentity() tells a directory from one that is gone, whose inode it has", async () => {
  using tree = new Tree();
  const path = `${tree.root}/kubelet`;
  const identities = new Set<string>();
  for (let round = 1; round <= 50; round++) {
    tree.make("kubelet");
    identities.add(directoryIdentity(path));
    strictEqual(identities.size, round);
    Deno.removeSync(path);
    // Times of birth are told to the millisecond.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

Deno.test("WatchedDirectories.isRemade tells of a directory that was made where another had been", () => {
  for (const path of ["kubelet", "kubelet/pods.v1.core", "kubelet/pods.v1.core/default"]) {
    for (const how of ["an event", "a look"]) {
      using tree = new Tree();
      tree.make("kubelet/pods.v1.core/default");
      const directories = new WatchedDirectories(tree.root);
      Deno.removeSync(`${tree.root}/${path}`, { recursive: true });
      if (how === "an event") directories.note(`${tree.root}/${path}`);
      else directories.findReplaced();
      tree.make("kubelet/services.v1.core/shop");
      directories.note(`${tree.root}/kubelet/services.v1.core`);
      strictEqual(directories.isRemade, false, `${how}: ${path}`);
      tree.make("kubelet/pods.v1.core/default");
      directories.note(`${tree.root}/${path}`);
      strictEqual(directories.isRemade, true, `${how}: ${path}`);
    }
  }
});

Deno.test("WatchedDirectories.findReplaced() looks at some at a time, and comes round to all", () => {
  using tree = new Tree();
  for (let name = 0; name < 500; name++) tree.make(`c/g${name}.v1.core`);
  const directories = new WatchedDirectories(tree.root);
  tree.replace("c/g499.v1.core");
  tree.replace("c/g0.v1.core");
  let looks = 1;
  while (!directories.findReplaced()) looks++;
  strictEqual(looks > 0 && looks <= Math.ceil(501 / 64), true, `${looks}`);
});

Deno.test("WatchedDirectories takes so many of one component, and all of others", () => {
  using tree = new Tree();
  for (let at = 0; at <= MAX_DIRECTORIES_OF_COMPONENT; at++) tree.make(`evil/pods.v1.core/n${at}`);
  tree.make("kubelet/pods.v1.core/default", "a/pods.v1.core/default");
  const directories = new WatchedDirectories(tree.root);
  const paths = [...directories.paths].map((path) => path.slice(tree.root.length + 1));
  const evil = paths.filter((path) => path.startsWith("evil"));
  strictEqual(evil.length, MAX_DIRECTORIES_OF_COMPONENT);
  strictEqual(paths.length - evil.length, 6);
  deepStrictEqual([...directories.tooMany], ["evil"]);
});

Deno.test("WatchedDirectories.overtaken() finds what was made in a directory after it was listed", () => {
  using tree = new Tree();
  tree.make("kubelet/pods.v1.core");
  const old = new Date(1_000);
  Deno.utimeSync(`${tree.root}/kubelet/pods.v1.core`, old, old);
  const directories = new WatchedDirectories(tree.root);
  deepStrictEqual(directories.overtaken(directories.paths), []);
  tree.make("kubelet/pods.v1.core/default");
  const made = [`${tree.root}/kubelet/pods.v1.core/default`];
  deepStrictEqual(directories.overtaken(directories.paths), made);
  deepStrictEqual(directories.overtaken(directories.paths), []);
});

Deno.test("WatchedDirectories.hasNewSpecial() finds a FIFO in the component of each directory that is given", () => {
  using tree = new Tree();
  tree.make("coredns/pods.v1.core", "kubelet/pods.v1.core", "kubelet-2/pods.v1.core");
  const old = new Date(1_000);
  for (const component of ["coredns", "kubelet"]) {
    Deno.utimeSync(`${tree.root}/${component}/pods.v1.core`, old, old);
  }
  const directories = new WatchedDirectories(tree.root);
  const made = (component: string) => `${tree.root}/${component}/services.v1.core`;
  const all = [made("coredns"), made("kubelet")];
  strictEqual(directories.hasNewSpecial(all), false);
  const fifo = `${tree.root}/kubelet/pods.v1.core/fifo`;
  strictEqual(new Deno.Command("mkfifo", { args: [fifo] }).outputSync().success, true);
  strictEqual(directories.hasNewSpecial(all), true, "the second one's");
  strictEqual(directories.hasNewSpecial([made("kubelet")]), true);
  strictEqual(directories.hasNewSpecial([made("coredns"), made("kubelet-2")]), false);
});

Deno.test("watchCache() follows no link, follows what is made, and says what it does not watch", async () => {
  using tree = new Tree();
  using outside = new Tree();
  outside.make("a/b");
  tree.make("kubelet/pods.v1.core/default", "evil/pods.v1.core");
  Deno.symlinkSync(outside.root, `${tree.root}/evil/link`);
  Deno.symlinkSync(outside.root, `${tree.root}/evil/pods.v1.core/link`);
  const hints: WatchHint[] = [];
  const watch = watchCache(tree.root, (hint) => hints.push(hint));
  const told = async (change: () => void, group: string) => {
    hints.length = 0;
    change();
    for (let wait = 0; wait < 400; wait++) {
      if (hints.some((hint) => hint.kind === "group" && hint.group === group)) return true;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return false;
  };
  const write = (path: string) => () => Deno.writeTextFileSync(`${tree.root}/${path}`, "x");
  strictEqual(watch.unwatched, undefined);
  tree.make("kubelet/services.v1.core/shop");
  strictEqual(await told(write("kubelet/pods.v1.core/default/p"), "kubelet/pods.v1.core"), true);
  const made = "kubelet/services.v1.core";
  strictEqual(await told(write(`${made}/shop/s`), made), true);
  hints.length = 0;
  Deno.writeTextFileSync(`${outside.root}/a/b/c`, "x");
  Deno.writeTextFileSync(`${outside.root}/f`, "x");
  strictEqual(await told(write("evil/pods.v1.core/p"), "evil/pods.v1.core"), true);
  deepStrictEqual(
    hints.filter((hint) => hint.kind !== "group" || hint.group !== "evil/pods.v1.core"),
    [],
  );
  watch.close();
  await watch.ended;
});
