import assert from "node:assert/strict";
import {
  hasCache,
  heldDirectory,
  holdStateDirectory,
  KeyCacheError,
  readDaemonMark,
  readSettings,
} from "../../lib/keycache/mod.ts";
import { cacheOptions } from "./_cache.ts";

const IS_ROOT = Deno.uid() === 0;
const OWNER = 12_345;
const SETTINGS = { "etcd-servers": "http://127.0.0.1:1" };
const FILES = ["lock", "cache.kv", "cache.kv-wal", "cache.kv-shm", "cache.kv-journal"];
const SECRET = "root's alone\n".repeat(1_000);

/** A state directory with a cache in it, and a file of root's beside it. */
interface Place extends Disposable {
  readonly state: string;
  readonly secret: string;
}

async function place(owner: number | undefined): Promise<Place> {
  const root = Deno.makeTempDirSync({ prefix: "edgekeyd-trust-" });
  Deno.chmodSync(root, 0o755);
  const state = `${root}/state`;
  const secret = `${root}/secret`;
  Deno.writeTextFileSync(secret, SECRET, { mode: 0o600 });
  Deno.mkdirSync(state, { mode: 0o700 });
  if (owner !== undefined) Deno.chownSync(state, owner, owner);
  await use(state);
  return { state, secret, [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }) };
}

/** What every command does with it, from the first look to the last. */
async function use(state: string): Promise<void> {
  readSettings(state);
  readDaemonMark(state);
  hasCache(state);
  assert.equal(await heldDirectory(state), undefined);
  const directory = await holdStateDirectory(state, 1_000);
  try {
    const { cache } = await directory.openCache(cacheOptions());
    cache.close();
    (await directory.peekCache(cacheOptions()))?.close();
    directory.remember(SETTINGS);
    directory.daemonStarted(new Date(0).toISOString());
    directory.daemonStopped();
  } finally {
    directory.release();
  }
}

async function isUnsafe(state: string, message: RegExp): Promise<void> {
  await assert.rejects(use(state), (error: unknown) => {
    assert.ok(error instanceof KeyCacheError, String(error));
    assert.equal(error.reason, "unsafe", error.message);
    assert.match(error.message, message);
    return true;
  });
}

/** What the owner of the directory can put in a file's place. */
const TRICKS: Readonly<Record<string, { put(path: string, secret: string): void; told: RegExp }>> =
  {
    "a link to root's file": {
      put: (path, secret) => Deno.symlinkSync(secret, path),
      told: /is a symbolic link; .* have to be plain ones .* remove it/,
    },
    "a dangling link": {
      put: (path) => Deno.symlinkSync("/nowhere/at/all", path),
      told: /is a symbolic link/,
    },
    "a hard link": {
      put: (path, secret) => Deno.linkSync(secret, path),
      told: /has 2 names \(hard links\)/,
    },
    "a FIFO": { put: (path) => mkfifo(path), told: /is no plain file/ },
    "a directory": { put: (path) => Deno.mkdirSync(path), told: /is no plain file/ },
  };

function mkfifo(path: string): void {
  assert.ok(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
}

for (const owner of [OWNER, undefined]) {
  const whose = owner === undefined ? "our own" : "another user's";
  for (const [trick, { put, told }] of Object.entries(TRICKS)) {
    Deno.test({
      name: `no file of ${whose} state directory is used once ${trick} is in its place`,
      ignore: owner !== undefined && !IS_ROOT,
      async fn() {
        for (
          const name of [...FILES, "settings.json", "settings.json.part", "daemon", "daemon.part"]
        ) {
          using at = await place(owner);
          const path = `${at.state}/${name}`;
          const there = [...Deno.readDirSync(at.state)].map((entry) => entry.name);
          for (const gone of there.filter((file) => [name, "settings.json"].includes(file))) {
            Deno.removeSync(`${at.state}/${gone}`);
          }
          put(path, at.secret);
          await isUnsafe(at.state, told);
          assert.equal(Deno.readTextFileSync(at.secret), SECRET, name);
          const { uid, mode } = Deno.statSync(at.secret);
          assert.deepEqual([uid, (mode ?? 0) & 0o777], [Deno.uid(), 0o600], name);
        }
      },
    });
  }
}

Deno.test("a state directory that others can write to is refused, with what to do", async () => {
  for (const mode of [0o777, 0o1777, 0o770, 0o702]) {
    using at = await place(undefined);
    Deno.chmodSync(at.state, mode);
    await isUnsafe(at.state, /can be written to by others \(mode \d{4}\): .*chmod 700/);
    Deno.chmodSync(at.state, 0o755);
    await use(at.state);
  }
});

Deno.test({
  name: "root refuses a directory that somebody could have swapped on the way to the state",
  ignore: !IS_ROOT,
  async fn() {
    const ways: { readonly [name: string]: { make(state: string): string; told: RegExp } } = {
      "made first in a directory for all": {
        make(state) {
          const shared = `${state}-shared`;
          Deno.mkdirSync(shared);
          Deno.chmodSync(shared, 0o1777);
          Deno.mkdirSync(`${shared}/state`);
          Deno.chownSync(`${shared}/state`, OWNER, OWNER);
          return `${shared}/state`;
        },
        told: /was made by user 12345 in .*-shared, where everybody can make something/,
      },
      "in a directory that all can write to": {
        make(state) {
          Deno.mkdirSync(`${state}-open`);
          Deno.chmodSync(`${state}-open`, 0o777);
          return `${state}-open/deep/state`;
        },
        told: /-open, on the way .*, can be written to by others \(mode 0777\)/,
      },
      "in another user's directory": {
        make(state) {
          Deno.mkdirSync(`${state}-theirs/state`, { recursive: true });
          Deno.chownSync(`${state}-theirs`, OWNER, OWNER);
          return `${state}-theirs/state`;
        },
        told: /-theirs, on the way .*, is user 12345's, who could swap it/,
      },
      "by way of another user's link": {
        make(state) {
          Deno.mkdirSync(`${state}-theirs`);
          Deno.symlinkSync(state, `${state}-theirs/state`);
          Deno.chownSync(`${state}-theirs`, OWNER, OWNER);
          return `${state}-theirs/state`;
        },
        told: /-theirs, on the way .*, is user 12345's, who could swap it/,
      },
      "through links only": {
        make(state) {
          Deno.symlinkSync(`${state}-round`, `${state}-round`);
          return `${state}-round`;
        },
        told: /leads through links only/,
      },
    };
    for (const { make, told } of Object.values(ways)) {
      using at = await place(undefined);
      await isUnsafe(make(at.state), told);
    }
  },
});

Deno.test({
  name: "root reaches a state directory by links of its own, and one below its owner's directory",
  ignore: !IS_ROOT,
  async fn() {
    using at = await place(OWNER);
    Deno.symlinkSync(".//state/../state", `${at.state}-link`);
    await use(`${at.state}-link`);
    const below = `${at.state}/below/state`;
    await use(below);
    for (const path of [`${at.state}/below`, below, `${below}/lock`, `${below}/settings.json`]) {
      assert.equal(Deno.statSync(path).uid, OWNER, path);
    }
  },
});

Deno.test({
  name: "what root makes belongs to the directory's owner, whether or not they can get there",
  ignore: !IS_ROOT,
  async fn() {
    for (const mode of [0o755, 0o700]) {
      using at = await place(undefined);
      Deno.chmodSync(at.state, mode);
      const state = `${at.state}/inner`;
      Deno.mkdirSync(state, { mode: 0o700 });
      Deno.chownSync(state, OWNER, OWNER);
      const directory = await holdStateDirectory(state, 1_000);
      const { cache } = await directory.openCache(cacheOptions());
      directory.remember(SETTINGS);
      const names = [...Deno.readDirSync(state)].map(({ name }) => name).sort();
      assert.deepEqual(names, [
        ...["cache.kv", "cache.kv-shm", "cache.kv-wal", "lock", "settings.json"],
      ]);
      for (const name of names) {
        const { uid, gid } = Deno.statSync(`${state}/${name}`);
        assert.deepEqual([uid, gid], [OWNER, OWNER], `${name}, mode ${mode.toString(8)}`);
      }
      cache.close();
      directory.release();
    }
  },
});

Deno.test({
  name: "root does not take over a file of its own that stands in another user's directory",
  ignore: !IS_ROOT,
  async fn() {
    using at = await place(OWNER);
    Deno.chownSync(`${at.state}/cache.kv`, 0, 0);
    await isUnsafe(
      at.state,
      /cache\.kv is user 0's, and its directory user 12345's: .*chown 12345/,
    );
    assert.equal(Deno.statSync(`${at.state}/cache.kv`).uid, 0);
  },
});

Deno.test("a file system without locks is named, by who takes the lock and by who looks", async () => {
  using at = await place(undefined);
  const { prototype } = Deno.FsFile;
  const { lock } = prototype;
  prototype.lock = () => Promise.reject(new Error("No locks available (os error 37)"));
  try {
    await assert.rejects(holdStateDirectory(at.state, 1_000), (error: unknown) => {
      assert.ok(error instanceof KeyCacheError);
      assert.equal(error.reason, "io");
      assert.match(error.message, /cannot lock .*\/lock: No locks available .* local disk/);
      return true;
    });
    assert.equal(await heldDirectory(at.state), undefined);
  } finally {
    prototype.lock = lock;
  }
});

Deno.test({
  name: "links that come and go while root opens the files lead nowhere",
  ignore: !IS_ROOT,
  async fn() {
    using at = await place(OWNER);
    // As fast as it can: each file is its own, then a link to root's, then gone.
    const script =
      "while [ ! -e ../stop ]; do for f in lock cache.kv cache.kv-shm cache.kv-wal settings.json; " +
      "do mv -f $f $f.own; ln -s ../secret $f; rm -f $f; mv -f $f.own $f; done; done";
    const attacker = new Deno.Command("sh", {
      args: ["-c", script],
      cwd: at.state,
      uid: OWNER,
      gid: OWNER,
      stdout: "null",
      stderr: "null",
    }).spawn();
    let refused = 0;
    try {
      for (let tries = 0; tries < 150; tries++) {
        await use(at.state).catch((error) => {
          assert.ok(error instanceof KeyCacheError, String(error));
          refused++;
        });
      }
    } finally {
      // Killed, it would leave a command under way.
      Deno.writeTextFileSync(`${at.state}/../stop`, "");
      await attacker.status;
    }
    assert.ok(refused > 0, "nothing was in the way");
    assert.equal(Deno.readTextFileSync(at.secret), SECRET);
    const { uid, mode } = Deno.statSync(at.secret);
    assert.deepEqual([uid, (mode ?? 0) & 0o777], [0, 0o600]);
  },
});
