import type { Etcd } from "../../lib/etcd/mod.ts";
import { EtcdModel } from "../sim/etcd_model.ts";
import type { Prng } from "../sim/prng.ts";
import { kindOf } from "../support/kinds.ts";
import { brokenObject, mutatedObject, type ObjectText, validObject } from "./_contents.ts";
import { keysWritten, textOf } from "./_etcd_contents.ts";
import { MemoryFs } from "./_memory_fs.ts";
import { HOSTILE_NAMES } from "./_names.ts";
import { ANY_NAMES, COMPONENTS, NAMES, NAMESPACES, PLACES } from "./_object_places.ts";

export const PREFIX = "/registry";
export const FENCE_KEY = "/edgekeyd/n1/fence";
/** Nothing of chance but garbage beside its files happens to this component. */
export const CONTROL = "control";

/** Keys that others wrote; the first two lie where objects of the cache go, too. */
const FOREIGN = [
  `${PREFIX}/pods/default/web-0`,
  `${PREFIX}/minions/web-0`,
  `${PREFIX}/pods/default/foreign`,
  `${PREFIX}x/pods/default/web-0`,
  PREFIX,
  "/other",
  "/edgekeyd/n10/fence",
];

/** A valid object that was written to a file. */
export interface Standing {
  readonly key: string;
  readonly object: ObjectText;
}

/** etcd, an fs cache, and what is known of both. */
export class World {
  readonly fs = new MemoryFs();
  readonly model = new EtcdModel();
  readonly etcd: Etcd;
  /** By path: the valid object that was written there last, and nothing else since. */
  readonly valid = new Map<string, Standing>();
  /** By key: paths whose file the key was once taken from and that were never removed since. */
  readonly stands = new Map<string, Set<string>>();
  /** By key: every text that a file which stands for it has held. */
  readonly texts = new Map<string, Set<string>>();
  /** What was done, for messages. */
  readonly log: string[] = [];
  readonly foreign = new Map<string, string>();
  /** Keys that were written or deleted outside of what is ours. */
  readonly strayWrites: string[] = [];
  readonly #prng: Prng;
  #version = 100;

  constructor(prng: Prng) {
    this.#prng = prng;
    for (const key of FOREIGN) {
      if (!prng.chance(0.4)) continue;
      const value = prng.pick(["k8s\0\n\u000c", '{"kind":"Pod","metadata":{"name":"a"}}', ""]);
      this.model.put(key, value);
      this.foreign.set(key, value);
    }
    this.etcd = {
      range: (request) => this.model.range(request),
      rangeAll: (requests) => this.model.rangeAll(requests),
      txn: (request) => {
        for (const key of keysWritten(request)) {
          const ours = key === FENCE_KEY || key.startsWith(`${PREFIX}/`);
          if (!ours) this.strayWrites.push(key);
        }
        return this.model.txn(request);
      },
      hasNoSpaceAlarm: () => this.model.hasNoSpaceAlarm(),
      watch: (request, told) => this.model.watch(request, told),
      close: () => {},
    };
    for (const component of [...COMPONENTS, CONTROL]) {
      this.fs.set(component, { kind: "directory", entries: new Map() });
      for (let i = prng.between(1, 8); i > 0; i--) this.add(component);
    }
  }

  /** Writes a valid object somewhere below a component. */
  add(component: string): void {
    const prng = this.#prng;
    const place = prng.pick(PLACES);
    const namespace = place.namespaced ? prng.pick(NAMESPACES) : "";
    const [resource = ""] = place.directory.split(".");
    const isNamed = resource === "namespaces" || resource === "services";
    const names = place.anyName ? ANY_NAMES : isNamed ? NAMESPACES : NAMES;
    const name = prng.pick(names);
    const below = namespace === "" ? name : `${namespace}/${name}`;
    const path = `${component}/${place.directory}/${below}`;
    const segments = path.split("/");
    const isBlocked = segments.some((_, end) => {
      const above = end > 0 ? this.fs.get(segments.slice(0, end).join("/")) : undefined;
      return above !== undefined && above.kind !== "directory";
    });
    if (isBlocked) return;
    const key = `${PREFIX}/${place.keys}/${below}`;
    const { apiVersion } = place;
    // One object has one uid, whoever holds it.
    const uid = `uid-${key.length}`;
    const kind = kindOf(resource, apiVersion);
    const object = { kind, apiVersion, namespace, name, uid, resourceVersion: "" };
    this.#write(path, key, object);
  }

  /** A newer version of a valid object. */
  update(path: string): void {
    const standing = this.valid.get(path);
    if (standing) this.#write(path, standing.key, standing.object);
  }

  /** Bytes that should stand in etcd under a key: those of the newest valid file. */
  newest(key: string): string | undefined {
    let best: ObjectText | undefined;
    for (const standing of this.valid.values()) {
      if (standing.key !== key) continue;
      const { object } = standing;
      if (!best || Number(object.resourceVersion) > Number(best.resourceVersion)) best = object;
    }
    return best && textOf(validObject(best));
  }

  /** Does something to the cache that nobody should do. */
  harm(): void {
    const prng = this.#prng;
    const entries = this.fs.walk();
    const { path, node } = entries.length > 0 ? prng.pick(entries) : { path: "x", node: undefined };
    const inControl = path === CONTROL || path.startsWith(`${CONTROL}/`);
    const what = inControl ? "garbage" : prng.weighted({
      broken: 8,
      mutated: 8,
      garbage: 6,
      replaced: 4,
      backup: 5,
      copied: 4,
      unreadable: 3,
      removed: 3,
      updated: 4,
      added: 3,
      regrouped: 3,
    });
    this.log.push(`${what} ${JSON.stringify(path)}`);
    switch (what) {
      case "broken":
      case "mutated": {
        const standing = this.valid.get(path);
        if (!standing) return;
        // In the older layout it could become an object of any other group.
        const isOlder = !path.split("/")[1]?.includes(".");
        const make = what === "broken" || isOlder ? brokenObject : mutatedObject;
        const { bytes, what: how } = make(standing.object, prng);
        this.log.push(how);
        this.fs.set(path, { kind: "file", bytes });
        this.valid.delete(path);
        this.#noteText(standing.key, bytes);
        return;
      }
      case "garbage": {
        const base = node?.kind === "directory" ? path : path.slice(0, path.lastIndexOf("/") + 1);
        let name = prng.pick(HOSTILE_NAMES);
        // A backup would stand for what it backs up: that is another case.
        if (inControl && name.startsWith("tmp_")) name = `%${name}`;
        const at = prng.chance(0.2) && !inControl ? name : `${base}/${name}`.replace(/^\//, "");
        if (this.fs.get(at)) return;
        this.log.push(`at ${JSON.stringify(at.slice(0, 200))}`);
        this.fs.set(at, this.#anything());
        return;
      }
      case "replaced": {
        const something = this.#anything();
        this.#invalidate(path);
        this.fs.set(path, something);
        // Another directory says what it holds; a file in the place of one says nothing, but at the
        // base it is cluster info, and the component is gone.
        const says = something.kind === "directory" ||
          (something.kind === "file" && !path.includes("/"));
        if (says) this.#forgetBelow(`${path}/`);
        return;
      }
      case "backup":
      case "copied": {
        if (!node) return;
        const cut = path.lastIndexOf("/") + 1;
        const backup = `${path.slice(0, cut)}${"tmp_".repeat(prng.between(1, 2))}${
          path.slice(cut)
        }`;
        this.#invalidate(path);
        if (this.fs.get(backup)) return;
        const standsFor = prng.chance(0.3) ? this.#anything() : node;
        this.fs.set(backup, standsFor);
        if (what === "copied") return;
        this.fs.remove(path);
        if (standsFor.kind === "file" && !path.includes("/")) this.#forgetBelow(`${path}/`);
        return;
      }
      case "unreadable": {
        this.#invalidate(path);
        const fault = prng.pick([
          () => new Deno.errors.PermissionDenied("no"),
          () => Object.assign(new Error("input/output error"), { code: "EIO" }),
          () => new Deno.errors.NotADirectory("changed"),
          () => new TypeError("odd"),
        ]);
        this.fs.faults.set(path, fault);
        return;
      }
      case "removed":
        this.#forgetBelow(path);
        this.#invalidate(path);
        this.fs.remove(path);
        return;
      case "updated":
        this.update(path);
        return;
      case "added":
        this.add(prng.pick(COMPONENTS));
        return;
      case "regrouped": {
        // The older layout: yurthub was told to ask for another version or group.
        const standing = this.valid.get(path);
        const [component, directory] = path.split("/");
        if (!standing || directory !== "events") return;
        this.log.push(`${component}`);
        const apiVersion = "events.k8s.io/v1";
        this.#write(path, standing.key, { ...standing.object, apiVersion });
        return;
      }
    }
  }

  /** Takes everything away but the empty directories of the components. */
  empty(): void {
    this.fs.faults.clear();
    for (const [name] of this.fs.root) this.fs.remove(name);
    for (const component of [...COMPONENTS, CONTROL]) {
      this.fs.set(component, { kind: "directory", entries: new Map() });
    }
    this.valid.clear();
    this.stands.clear();
  }

  #write(path: string, key: string, object: ObjectText): void {
    const next = { ...object, resourceVersion: String(++this.#version) };
    const bytes = validObject(next);
    this.fs.set(path, { kind: "file", bytes });
    this.valid.set(path, { key, object: next });
    const paths = this.stands.get(key) ?? new Set();
    this.stands.set(key, paths.add(path));
    this.#noteText(key, bytes);
  }

  #noteText(key: string, bytes: Uint8Array): void {
    const texts = this.texts.get(key) ?? new Set();
    this.texts.set(key, texts.add(textOf(bytes)));
  }

  /** What is valid at a path or below it is not to be relied on any more. */
  #invalidate(path: string): void {
    for (const each of this.valid.keys()) if (isBelow(each, path)) this.valid.delete(each);
  }

  #forget(key: string, path: string): void {
    const paths = this.stands.get(key);
    paths?.delete(path);
    if (paths?.size === 0) this.stands.delete(key);
  }

  /** What stood at a path, or what its backup stood for, may be gone now. */
  #forgetBelow(onDisk: string): void {
    const base = onDisk.split("/").map((name) => name.replace(/^(tmp_)+/, "")).join("/");
    for (const [key, paths] of this.stands) {
      for (const path of paths) if (isBelow(path, base)) this.#forget(key, path);
    }
  }

  #anything(): Parameters<MemoryFs["set"]>[1] {
    const prng = this.#prng;
    switch (prng.below(6)) {
      case 0:
        return { kind: "symlink" };
      case 1:
        return { kind: "other" };
      case 2:
        return { kind: "directory", entries: new Map() };
      case 3: {
        const entries = new Map();
        for (let i = prng.between(1, 4); i > 0; i--) {
          entries.set(prng.pick(HOSTILE_NAMES), this.#anything());
        }
        return { kind: "directory", entries };
      }
      default: {
        const object = {
          kind: "Thing",
          apiVersion: prng.pick(["v1", "apps/v1", "example.com/v1"]),
          namespace: prng.pick(["", ...NAMESPACES]),
          name: prng.pick(NAMES),
          uid: "u",
          resourceVersion: "7",
        };
        const { bytes } = brokenObject(object, prng);
        return { kind: "file", bytes };
      }
    }
  }
}

function isBelow(path: string, base: string): boolean {
  return path === base || path.startsWith(base.endsWith("/") ? base : `${base}/`);
}
