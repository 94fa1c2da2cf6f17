import { versionIn } from "./cloud.ts";
import type { KeyChange } from "./etcd_ledger.ts";
import type { DiskRow } from "./kv_disk.ts";
import type { Mark } from "./marks.ts";
import type { Checker, Lineage, Operation, World, Write } from "./world.ts";

/** What each kind of operation is called once it is done. */
const MARK_OF: Partial<Record<Operation["kind"], Mark>> = {
  adopt: "adopted by the operator",
  retire: "retire",
  "group-pass": "a group pass",
  verify: "verify",
  "dry-run": "dry run",
  "create-object": "create an object through the API",
  "update-object": "update an object through the API",
  "delete-object": "delete an object through the API",
  "take-over": "take over recorded keys",
  "delete-unclaimed": "delete unclaimed keys",
  "delete-component": "delete a component by name",
  "replace-list": "replace a list through the API",
};

/** Checks nothing: notes the marks that show in what a run does to etcd and to the caches. */
export class MarkWatcher implements Checker {
  readonly name = "marks";
  readonly #world: () => World;
  readonly #rows = new Map<Lineage, Map<string, DiskRow>>();
  readonly #epochs = new Map<Lineage, number | undefined>();
  readonly #pending = new Map<Lineage, boolean>();
  /** What each agent does now. */
  readonly #operations = new Map<Lineage, Operation>();

  constructor(world: () => World) {
    this.#world = world;
  }

  operationBegins(operation: Operation): void {
    this.#operations.set(operation.lineage, operation);
  }

  kvChanged(lineage: Lineage): void {
    const { marks } = this.#world();
    const epoch = lineage.disk.state?.epoch;
    const kind = this.#operations.get(lineage)?.kind;
    const looksAtPart = kind === "group-pass" || kind === "replace-list" ||
      kind === "update-object";
    const wentBack = this.#epochs.get(lineage) !== epoch && this.#pending.get(lineage);
    if (wentBack && looksAtPart) {
      marks.hit("etcd reset under a group pass or an operation whose answer was lost");
    }
    this.#epochs.set(lineage, epoch);
    this.#pending.set(lineage, lineage.disk.header !== undefined);
    const rows = rowsOf(lineage);
    for (const [key, before] of this.#rows.get(lineage) ?? []) {
      const names = new Set(before.owners.map((owner) => `${owner.component}/${owner.gvr}`));
      const after = new Set(
        rows.get(key)?.owners.map((owner) => `${owner.component}/${owner.gvr}`) ?? [],
      );
      if (names.size > 1 && after.size === 0) marks.hit("both owners let go at once");
      const left = [...names].some((name) => !after.has(name));
      const came = [...after].some((name) => !names.has(name));
      if (left && came) marks.hit("one owner let go while another took up");
    }
    this.#rows.set(lineage, rows);
  }

  kvReplaced(lineage: Lineage): void {
    this.#rows.set(lineage, rowsOf(lineage));
    this.#epochs.set(lineage, lineage.disk.state?.epoch);
    this.#pending.set(lineage, lineage.disk.header !== undefined);
  }

  etcdChanged(changes: readonly KeyChange[], write: Write): void {
    if (write.by !== "agent") return;
    const { lineages, marks } = this.#world();
    for (const { key } of changes) {
      const others = lineages.some((other) =>
        other.node !== write.lineage.node && other.disk.row(key) !== undefined
      );
      if (others) marks.hit("two nodes hold one key");
    }
    for (const change of changes) this.#noteVersions(change);
  }

  #noteVersions({ before, after }: KeyChange): void {
    const { marks } = this.#world();
    const held = before && versionIn(before.value);
    const put = after && versionIn(after.value);
    if (!held || !put || held.uid !== put.uid) return;
    const order = BigInt(put.resourceVersion) - BigInt(held.resourceVersion);
    if (order < 0n) marks.hit("a lower resourceVersion put");
    if (order !== 0n) return;
    marks.hit("other content at the same resourceVersion put");
    const isOf = (value: Uint8Array, apiVersion: string) =>
      new TextDecoder().decode(value).includes(`"${apiVersion}"`);
    if (isOf(before.value, "autoscaling/v1") && isOf(after.value, "autoscaling/v2")) {
      marks.hit("a better API version at the same resourceVersion put");
    }
  }

  operationEnded({ kind, lineage }: Operation, failure: Error | undefined): void {
    const { marks, lineages } = this.#world();
    const twin = lineages.some((other) =>
      other !== lineage && other.live && other.node === lineage.node
    );
    if (failure?.name === "FenceError" && twin) marks.hit("two lives on one fence");
    if (failure) return;
    const mark = MARK_OF[kind];
    if (mark) marks.hit(mark);
    const files = new Set<string>();
    for (const { key, component, gvr } of lineage.node.files()) {
      const owner = `${key} ${component} ${gvr}`;
      if (files.has(owner)) marks.hit("one component has an object in both layouts");
      files.add(owner);
    }
  }
}

function rowsOf({ disk }: Lineage): Map<string, DiskRow> {
  const rows = new Map<string, DiskRow>();
  for (const key of disk.rowKeys) {
    const row = disk.row(key);
    if (row) rows.set(key, row);
  }
  return rows;
}
