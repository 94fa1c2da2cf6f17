import { strictEqual } from "node:assert/strict";
import { WatchedDirectories } from "../../lib/fscache/watched_directories.ts";

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
