import assert from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import fc from "fast-check";
import {
  hasCache,
  heldDirectory,
  holdStateDirectory,
  type IntentEntry,
  KeyCacheError,
  lockedError,
  memoryCache,
} from "../../lib/keycache/mod.ts";
import { cacheOptions, viewOf } from "./_cache.ts";

async function inDirectory(use: (path: string) => Promise<void>): Promise<void> {
  const base = Deno.makeTempDirSync({ prefix: "edgekeyd-state-" });
  try {
    await use(`${base}/state`);
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
}

function directoryTest(name: string, use: (path: string) => Promise<void>): void {
  Deno.test(name, () => inDirectory(use));
}

function reason(wanted: KeyCacheError["reason"], message = /./) {
  return (error: unknown) =>
    error instanceof KeyCacheError && error.reason === wanted && message.test(error.message);
}

/** A refused call's lock can't be taken back: it comes later, and is given back at once. */
async function givenBack(path: string): Promise<void> {
  const isOpen = () =>
    names("/proc/self/fd").some((fd) => {
      try {
        return Deno.readLinkSync(`/proc/self/fd/${fd}`) === `${path}/lock`;
      } catch {
        return false; // closed meanwhile
      }
    });
  for (let waits = 0; isOpen(); waits++) {
    assert.ok(waits < 500, `${path}/lock is still open`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const mode = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;
const names = (path: string) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();

const ENTRIES: IntentEntry[] = Array.from({ length: 400 }, (_, at) => {
  const key = `/registry/pods/default/web-${at}`;
  const after = { key, ours: true, mod: null, uid: "u", resourceVersion: "7", owners: [] };
  return { action: "put", key, guardMod: "0", after, uid: "", resourceVersion: "" };
});

/** Makes a cache with some rows in it, and closes it. */
async function fill(path: string) {
  const directory = await holdStateDirectory(path, 1_000);
  const { cache } = await directory.openCache(cacheOptions());
  await cache.begin(ENTRIES, () => "r");
  await cache.settle(ENTRIES.map(() => true), "5");
  const view = viewOf(cache);
  cache.close();
  directory.release();
  return view;
}

directoryTest(
  "holdStateDirectory() makes it 0700 with a lock file of 0600 that names the holder",
  async (path) => {
    assert.equal(hasCache(path), false);
    const directory = await holdStateDirectory(`${path}/deep`, 1_000);
    assert.equal(mode(`${path}/deep`), 0o700);
    assert.equal(mode(`${path}/deep/lock`), 0o600);
    assert.equal(Deno.readTextFileSync(`${path}/deep/lock`), `${Deno.pid}\n`);
    assert.equal(await directory.peekCache(cacheOptions()), undefined);
    assert.deepEqual(names(`${path}/deep`), ["lock"]);
    directory.release();
  },
);

directoryTest(
  "openCache() makes the cache, and the next process finds it as it was",
  async (path) => {
    const view = await fill(path);
    assert.equal(hasCache(path), true);
    const directory = await holdStateDirectory(path, 1_000);
    const peeked = await directory.peekCache(cacheOptions());
    assert.ok(peeked);
    assert.deepEqual(viewOf(peeked), view);
    peeked.close();
    const { cache, movedAside } = await directory.openCache(cacheOptions());
    assert.deepEqual(viewOf(cache), view);
    assert.equal(movedAside, undefined);
    cache.close();
    directory.release();
  },
);

directoryTest(
  "a second holder waits, and is refused as `locked` with the holder's pid",
  async (path) => {
    const first = await holdStateDirectory(path, 1_000);
    const begun = performance.now();
    await assert.rejects(
      holdStateDirectory(path, 300),
      reason("locked", new RegExp(`held by another edgekeyd \\(pid ${Deno.pid}\\).* 0\\.3 s`)),
    );
    assert.ok(performance.now() - begun >= 295);
    const waiting = holdStateDirectory(path, 10_000);
    first.release();
    (await waiting).release();
    await givenBack(path);
  },
);

directoryTest(
  "who holds it says where to ask, and is told as one who did not answer",
  async (path) => {
    const first = await holdStateDirectory(path, 1_000, "/run/a b.sock");
    const held = await heldDirectory(path);
    assert.deepEqual(held?.holder(), { pid: Deno.pid, socket: "/run/a b.sock" });
    const said = (asked: boolean) => lockedError(path, 2_000, asked).message;
    assert.match(said(false), /\(pid \d+, unix:\/run\/a b\.sock\) for more than 2 s; wait for it/);
    assert.match(said(true), /2 s, which does not answer; .* give --listen if its socket/);
    // What stands in the file is believed as far as it is what we write.
    for (const text of ["", "12\n", "x\nunix:y\n", "12\n/run/x\n"]) {
      Deno.writeTextFileSync(`${path}/lock`, text);
      assert.deepEqual(held?.holder(), text.startsWith("12") ? { pid: 12 } : {});
      assert.doesNotMatch(said(true), /unix:|--listen/);
    }
    first.release();
    await held?.released;
    assert.equal(await heldDirectory(path), undefined);
    assert.equal(await heldDirectory(`${path}/none`), undefined);
  },
);

directoryTest("a holder that is killed with SIGKILL holds nothing any more", async (path) => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fromFileUrl(import.meta.resolve("./fixtures/hold.ts")), path],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), "held\n");
  await assert.rejects(
    holdStateDirectory(path, 50),
    reason("locked", new RegExp(`pid ${child.pid}`)),
  );
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  (await holdStateDirectory(path, 5_000)).release();
  await givenBack(path);
});

directoryTest("a state directory that can't be one is `io`, and says where", async (path) => {
  Deno.writeTextFileSync(path, "a file");
  await assert.rejects(
    holdStateDirectory(path, 100),
    reason("io", /cannot use --state-dir .*\/state: /),
  );
  await assert.rejects(holdStateDirectory(`${path}/below`, 100), reason("io"));
});

directoryTest(
  "openCache() moves a file that is no database aside whole, and peekCache() does not",
  async (path) => {
    await fill(path);
    const junk = new Uint8Array(5_000).fill(7);
    Deno.writeFileSync(`${path}/cache.kv`, junk);
    Deno.writeTextFileSync(`${path}/cache.kv-wal`, "wal");
    const directory = await holdStateDirectory(path, 1_000);
    await assert.rejects(directory.peekCache(cacheOptions()), reason("damaged"));
    assert.deepEqual(Deno.readFileSync(`${path}/cache.kv`), junk);
    const nowMs = () => Date.UTC(2026, 0, 2, 3, 4, 5);
    const { cache, movedAside } = await directory.openCache(cacheOptions({ nowMs }));
    assert.equal(movedAside, `${path}/cache.kv.damaged-2026-01-02T030405.000Z`);
    assert.deepEqual(Deno.readFileSync(movedAside), junk);
    assert.equal(cache.rows.size, 0);
    assert.equal(
      names(path).some((name) => name === "cache.kv-wal.damaged-2026-01-02T030405.000Z"),
      true,
    );
    cache.close();
    directory.release();
  },
);

directoryTest(
  "openCache() never moves aside what is another's, newer, or can't be read",
  async (path) => {
    const view = await fill(path);
    const directory = await holdStateDirectory(path, 1_000);
    await assert.rejects(
      directory.openCache(cacheOptions({ nodeName: "other" })),
      reason("mismatch"),
    );
    assert.deepEqual(names(path).filter((name) => name.includes("damaged")), []);
    const { cache } = await directory.openCache(cacheOptions());
    assert.deepEqual(viewOf(cache), view);
    cache.close();
    directory.release();
  },
);

/** Copies a closed cache, damages the copy, and opens that. */
async function openDamaged(from: string, damage: (bytes: Uint8Array) => Uint8Array) {
  const path = Deno.makeTempDirSync({ prefix: "edgekeyd-state-" });
  try {
    const damaged = damage(Deno.readFileSync(`${from}/cache.kv`));
    Deno.writeFileSync(`${path}/cache.kv`, damaged);
    const directory = await holdStateDirectory(path, 1_000);
    const { cache, movedAside } = await directory.openCache(cacheOptions());
    const view = viewOf(cache);
    if (movedAside !== undefined) assert.deepEqual(Deno.readFileSync(movedAside), damaged);
    cache.close();
    directory.release();
    return { view, movedAside };
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

directoryTest(
  "a database that claims a later format, and so can't be written to, is moved aside",
  async (path) => {
    await fill(path);
    for (let bit = 2; bit < 8; bit++) {
      const { movedAside } = await openDamaged(path, (bytes) => {
        bytes[18] = (bytes[18] ?? 0) ^ (1 << bit);
        return bytes;
      });
      assert.ok(movedAside, `bit ${bit}`);
    }
  },
);

directoryTest(
  "no flipped bit of a database is taken for truth: as it was, or moved aside",
  async (path) => {
    const view = await fill(path);
    const { size } = Deno.statSync(`${path}/cache.kv`);
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(7), async (at, bit) => {
        const opened = await openDamaged(path, (bytes) => {
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          return bytes;
        });
        if (opened.movedAside !== undefined) found++;
        else assert.deepEqual(opened.view, view);
      }),
      { numRuns: 60 },
    );
    assert.ok(found > 10, `${found} of 60`);
  },
);

directoryTest("a database that was cut short is moved aside, wherever it was cut", async (path) => {
  const view = await fill(path);
  const { size } = Deno.statSync(`${path}/cache.kv`);
  for (const length of [50, 100, 4_095, 4_096, 8_192, size >> 1, size - 4_096, size - 1]) {
    const opened = await openDamaged(path, (bytes) => bytes.slice(0, length));
    assert.notEqual(opened.movedAside, undefined, `cut to ${length}`);
    assert.notDeepEqual(opened.view.rows, view.rows);
  }
});

Deno.test("memoryCache() lives in memory alone", async () => {
  const cache = await memoryCache(cacheOptions());
  await cache.begin(ENTRIES, () => "r");
  await cache.settle(ENTRIES.map(() => true), "5");
  assert.equal(cache.rows.size, 400);
  cache.close();
  const other = await memoryCache(cacheOptions());
  assert.equal(other.rows.size, 0);
  other.close();
});
