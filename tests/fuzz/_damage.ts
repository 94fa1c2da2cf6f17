import type { Prng } from "../sim/prng.ts";

/** A file's name and what it holds. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Files of one database at several moments, each a state that it really was in. */
export interface Subject {
  readonly label: string;
  readonly moments: readonly Files[];
}

/** What was done to a subject, for messages. */
export interface Damage {
  readonly what: string;
  readonly files: Files;
  /** Files of different moments stand together. */
  readonly isMixed: boolean;
}

const PAGE_BYTES = 4_096;
/** Headers of pages and cells, where a flipped bit does the most, are hit as often as content. */
const HEADER_BYTES = 128;

type Kind = "flip" | "burst" | "truncate" | "zero" | "swap" | "drop" | "overwrite" | "copyPage";

const WEIGHTS: Readonly<Record<Kind, number>> = {
  flip: 12,
  burst: 4,
  truncate: 3,
  zero: 3,
  swap: 2,
  drop: 1,
  overwrite: 3,
  copyPage: 3,
};

/** Damages a database as disks, crashes and careless restores do. */
export function damage(subject: Subject, prng: Prng): Damage {
  const kind = prng.weighted(WEIGHTS);
  return { ...damaged(subject, kind, prng), isMixed: kind === "swap" };
}

/** Every page of a file in every other's place, as a disk that mixes up addresses leaves it. */
export function misplacedPages(files: Files, name: string): Damage[] {
  const original = files.get(name) ?? new Uint8Array();
  const pages = Math.floor(original.length / PAGE_BYTES);
  const all: Damage[] = [];
  for (let from = 0; from < pages; from++) {
    for (let to = 0; to < pages; to++) {
      if (from === to) continue;
      const bytes = copyPage(original, from, to);
      const what = `page ${from} over page ${to} of ${name}`;
      all.push({ what, files: new Map([...files, [name, bytes]]), isMixed: false });
    }
  }
  return all;
}

/**
 * One bit flipped in each byte of a database's schema, which stands at the end of its first page.
 * SQLite checks none of it: a column may have another name, or a default another value.
 */
export function flippedSchema(files: Files, name: string): Damage[] {
  const original = files.get(name) ?? new Uint8Array();
  const all: Damage[] = [];
  const page = new TextDecoder("latin1").decode(original.subarray(0, PAGE_BYTES));
  for (let at = page.search(/(table|index)kv/); at < PAGE_BYTES; at++) {
    const bytes = Uint8Array.from(original);
    const bit = at % 8;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    const what = `bit ${bit} of byte ${at} of ${name}`;
    all.push({ what, files: new Map([...files, [name, bytes]]), isMixed: false });
  }
  return all;
}

function copyPage(original: Uint8Array, from: number, to: number): Uint8Array {
  const bytes = Uint8Array.from(original);
  bytes.copyWithin(to * PAGE_BYTES, from * PAGE_BYTES, (from + 1) * PAGE_BYTES);
  return bytes;
}

function damaged(subject: Subject, kind: Kind, prng: Prng): Omit<Damage, "isMixed"> {
  const at = prng.below(subject.moments.length);
  const files = new Map(subject.moments[at]);
  const name = prng.pick([...files.keys()]);
  const bytes = Uint8Array.from(files.get(name) ?? []);
  const what = `${subject.label}[${at}] ${kind} ${name}`;
  const place = () => placeIn(bytes, prng);
  const end = Math.max(1, bytes.length);
  switch (kind) {
    case "flip": {
      const offset = place();
      const bit = prng.below(8);
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
      files.set(name, bytes);
      return { what: `${what} byte ${offset} bit ${bit}`, files };
    }
    case "burst": {
      const offset = place();
      const length = prng.between(1, 64);
      for (let i = offset; i < Math.min(end, offset + length); i++) bytes[i] = prng.below(256);
      files.set(name, bytes);
      return { what: `${what} ${length} bytes from ${offset}`, files };
    }
    case "truncate": {
      const length = prng.chance(0.5)
        ? Math.floor(prng.below(end) / PAGE_BYTES) * PAGE_BYTES
        : prng.below(end);
      files.set(name, bytes.slice(0, length));
      return { what: `${what} to ${length}`, files };
    }
    case "zero": {
      const whole = prng.chance(0.5);
      const offset = whole ? Math.floor(place() / PAGE_BYTES) * PAGE_BYTES : place();
      const length = whole ? PAGE_BYTES : prng.between(1, 512);
      bytes.fill(0, offset, offset + length);
      files.set(name, bytes);
      return { what: `${what} ${length} bytes from ${offset}`, files };
    }
    case "swap": {
      const other = prng.below(subject.moments.length);
      const moment = subject.moments[other] ?? new Map<string, Uint8Array>();
      const theirs = moment.get(name);
      if (theirs) files.set(name, theirs);
      else files.delete(name);
      return { what: `${what} with that of [${other}]`, files };
    }
    case "drop":
      files.delete(name);
      return { what, files };
    case "overwrite": {
      const others = [...files.keys()].filter((other) => other !== name);
      const from = others.length > 0 ? prng.pick(others) : name;
      files.set(name, files.get(from) ?? bytes);
      return { what: `${what} with ${from}`, files };
    }
    case "copyPage": {
      const pages = Math.max(1, Math.floor(bytes.length / PAGE_BYTES));
      const [from, to] = [prng.below(pages), prng.below(pages)];
      files.set(name, copyPage(bytes, from, to));
      return { what: `${what} page ${from} over page ${to}`, files };
    }
  }
}

function placeIn(bytes: Uint8Array, prng: Prng): number {
  const anywhere = prng.below(Math.max(1, bytes.length));
  if (prng.chance(0.5)) return anywhere;
  const page = Math.floor(anywhere / PAGE_BYTES) * PAGE_BYTES;
  return Math.min(page + prng.below(HEADER_BYTES), Math.max(0, bytes.length - 1));
}
