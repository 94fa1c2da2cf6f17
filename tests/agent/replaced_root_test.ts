import { deepStrictEqual } from "node:assert/strict";
import { RootWatch } from "../../lib/agent/root_watch.ts";
import { identifyRoot, watchCache } from "../../lib/fscache/mod.ts";
import { bindMount, canMount } from "../support/mounts.ts";
import { say } from "../support/say.ts";
import { until } from "./_daemon.ts";

const CAN_MOUNT = canMount();
const GROUP = "kubelet/pods.v1.core";

/** A cache in a directory of its own, watched as the daemon does it. */
class WatchedCache implements AsyncDisposable {
  readonly base = Deno.makeTempDirSync({ prefix: "edgekeyd-watch-" });
  readonly root = `${this.base}/cache`;
  readonly failures: (string | undefined)[] = [];
  #hints: (string | undefined)[] = [];
  #files = 0;
  #stopping = false;
  #loop: Promise<void> = Promise.resolve();
  #wake = () => {};

  /** Begins to watch. */
  start(): this {
    this.#loop = this.#run();
    return this;
  }

  /** Makes a cache with one object. */
  make(root: string): void {
    Deno.mkdirSync(`${root}/${GROUP}/default`, { recursive: true });
    Deno.writeTextFileSync(`${root}/${GROUP}/default/first`, "{}");
  }

  /** Puts another directory in the place of one, which is then removed. */
  swap(directory: string, fill: (path: string) => void): void {
    fill(`${this.base}/new`);
    Deno.renameSync(directory, `${this.base}/old`);
    Deno.renameSync(`${this.base}/new`, directory);
    Deno.removeSync(`${this.base}/old`, { recursive: true });
  }

  /** Waits until a change in what took a directory's place is told by an event. */
  async follows(what: string, group = GROUP): Promise<void> {
    await until(`a change is told after ${what}`, async () => {
      // What is told of the replacement itself comes first.
      do {
        this.#hints = [];
        await new Promise((resolve) => setTimeout(resolve, 100));
      } while (this.#hints.length > 0);
      Deno.writeTextFileSync(`${this.root}/${group}/default/f${this.#files++}`, "{}");
      await new Promise((resolve) => setTimeout(resolve, 100));
      return this.#hints.includes(group);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    this.#wake();
    await this.#loop;
    Deno.removeSync(this.base, { recursive: true });
  }

  async #run(): Promise<void> {
    const told = (group: string | undefined) => {
      this.#hints.push(group);
      this.#wake();
    };
    const watch = new RootWatch({
      watch: (hint) => watchCache(this.root, hint),
      identify: () => identifyRoot(this.root),
      changed: told,
      appeared: () => told(undefined),
      failed: (reason) => this.failures.push(reason),
    });
    while (!this.#stopping) {
      await watch.check(performance.now());
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, Math.max(watch.checkAtMs - performance.now(), 0));
      await promise;
      clearTimeout(timer);
    }
    await watch.close();
  }
}

/** A cache that is watched, with one object. */
async function watched(): Promise<WatchedCache> {
  const cache = new WatchedCache();
  cache.make(cache.root);
  cache.start();
  await cache.follows("the start");
  return cache;
}

Deno.test("RootWatch follows a root that is removed and made again, each time", async () => {
  await using cache = await watched();
  for (let round = 0; round < 5; round++) {
    Deno.removeSync(cache.root, { recursive: true });
    cache.make(cache.root);
    await cache.follows("the root was made again");
  }
  deepStrictEqual(cache.failures, []);
});

Deno.test("RootWatch follows a root that another is renamed to, and one that comes back", async () => {
  await using cache = await watched();
  for (let round = 0; round < 5; round++) {
    cache.swap(cache.root, (path) => cache.make(path));
    await cache.follows("another root was renamed to it");
  }
  Deno.renameSync(cache.root, `${cache.base}/away`);
  cache.make(cache.root);
  await cache.follows("it went away");
  Deno.removeSync(cache.root, { recursive: true });
  Deno.renameSync(`${cache.base}/away`, cache.root);
  await cache.follows("it came back");
});

Deno.test("RootWatch follows a root whose parent goes away and comes back", async () => {
  await using cache = await watched();
  const [parent, away] = [`${cache.base}/parent`, `${cache.base}/away`];
  Deno.mkdirSync(parent);
  Deno.renameSync(cache.root, `${parent}/cache`);
  Deno.symlinkSync(`${parent}/cache`, cache.root);
  await cache.follows("it became a symlink");
  Deno.renameSync(parent, away);
  cache.make(`${parent}/cache`);
  await cache.follows("another parent took its place");
  Deno.removeSync(parent, { recursive: true });
  Deno.renameSync(away, parent);
  await cache.follows("its parent came back");
});

Deno.test("RootWatch follows a root that is a symlink to where it is switched", async () => {
  await using cache = await watched();
  for (const target of ["a", "b", "c"]) {
    cache.make(`${cache.base}/${target}`);
    Deno.symlinkSync(`${cache.base}/${target}`, `${cache.base}/link`);
    if (target === "a") Deno.removeSync(cache.root, { recursive: true });
    Deno.renameSync(`${cache.base}/link`, cache.root);
    await cache.follows(`the switch to ${target}`);
  }
});

Deno.test("RootWatch follows a root that is missing at the start", async () => {
  await using cache = new WatchedCache().start();
  cache.make(cache.root);
  await cache.follows("the root came late");
});

Deno.test("RootWatch follows a component or group that is replaced, each time", async () => {
  await using cache = await watched();
  const fill = (path: string) => {
    Deno.mkdirSync(`${path}/default`, { recursive: true });
    for (let file = 0; file < 20; file++) Deno.writeTextFileSync(`${path}/default/p${file}`, "{}");
  };
  // The removal of what was there before can end the watch on what took its place; not each time.
  for (let round = 0; round < 15; round++) {
    cache.swap(`${cache.root}/kubelet`, (path) => fill(`${path}/pods.v1.core`));
    await cache.follows("another component was renamed to it");
  }
  for (let round = 0; round < 10; round++) {
    cache.swap(`${cache.root}/${GROUP}`, fill);
    await cache.follows("another group was renamed to it");
    Deno.removeSync(`${cache.root}/kubelet`, { recursive: true });
    cache.make(cache.root);
    await cache.follows("a component was made again");
  }
});

Deno.test("RootWatch follows a component, group or namespace that is removed, and made again later", async () => {
  for (const place of ["kubelet", GROUP, `${GROUP}/default`]) {
    await using cache = await watched();
    for (const gapMs of [0, 5, 400]) {
      Deno.removeSync(`${cache.root}/${place}`, { recursive: true });
      // Meanwhile the watch takes in what it is told of the removal.
      await new Promise((resolve) => setTimeout(resolve, gapMs));
      cache.make(cache.root);
      await cache.follows(`${place} was made again, ${gapMs} ms later`);
    }
  }
});

for (const place of ["", "/kubelet", `/${GROUP}`, `/${GROUP}/default`]) {
  const name = place === "" ? "the root" : place.slice(1);
  Deno.test({
    name: `RootWatch follows a mount over ${name}, and its end`,
    ignore: !CAN_MOUNT,
    async fn() {
      await using cache = await watched();
      // A blank, which the list of mounts writes as a number.
      const other = `${cache.base}/the other`;
      cache.make(other);
      {
        using _mount = bindMount(`${other}${place}`, `${cache.root}${place}`);
        await cache.follows("the mount");
      }
      await cache.follows("its end");
    },
  });
}
if (!CAN_MOUNT) say("skipped: mounts over the cache, which need root");
