import { objectKey, parseGvr, parseObjectMeta } from "../../lib/k8s/mod.ts";
import {
  apply,
  type ApplyResult,
  deleteComponentResources,
  type OwnershipChange,
  replaceComponentList,
} from "../../lib/store/mod.ts";
import { objectBytes, type ObjectOptions } from "../support/objects.ts";
import type { TestNode } from "../support/test_node.ts";

const OPTIONS = {
  rules: { policy: "fresher" as const, adopting: false },
  requireSingleTxn: false,
  bytesOf: (): Uint8Array | undefined => undefined,
};

/** A list of a component, as its objects' names or more of each. */
export interface TestList {
  readonly component?: string;
  readonly gvr?: string;
  readonly namespace?: string;
  readonly objects: readonly (string | ObjectOptions)[];
  readonly requireSingleTxn?: boolean;
  /** What other owners hold. */
  readonly bytesOf?: (key: string) => Uint8Array | undefined;
}

/** The bytes that {@linkcode replace} puts for an object. */
export function bytesOf(object: string | ObjectOptions, gvr = "pods.v1.core"): Uint8Array {
  return objectBytes({ gvr, ...(typeof object === "string" ? { name: object } : object) });
}

/** Replaces a component's list: kubelet's pods, by default. */
export async function replace(node: TestNode, list: TestList): Promise<ApplyResult> {
  const gvr = parseGvr(list.gvr ?? "pods.v1.core");
  if (!gvr) throw new Error(`${list.gvr} is no gvr`);
  return await replaceComponentList(node.context, {
    component: list.component ?? "kubelet",
    gvr,
    namespace: list.namespace,
    objects: list.objects.map((object) => bytesOf(object, list.gvr)),
  }, {
    ...OPTIONS,
    requireSingleTxn: list.requireSingleTxn ?? false,
    ...(list.bytesOf && { bytesOf: list.bytesOf }),
  });
}

/** Looks at every row, as a full pass does that finds all files as they were. */
export async function lookAtAll(node: TestNode): Promise<ApplyResult> {
  return await apply(node.context, {
    ...OPTIONS,
    changes: new Map(),
    full: true,
    asOne: false,
  });
}

/** Takes up several lists of kubelet's at once, as a first import does. */
export async function put(node: TestNode, lists: readonly TestList[]): Promise<ApplyResult> {
  const values = new Map<string, Uint8Array>();
  const changes = new Map<string, OwnershipChange>();
  for (const { gvr = "pods.v1.core", objects } of lists) {
    const parsed = parseGvr(gvr);
    if (!parsed) throw new Error(`${gvr} is no gvr`);
    for (const object of objects) {
      const bytes = bytesOf(object, gvr);
      const meta = parseObjectMeta(bytes);
      const key = objectKey(node.prefix, parsed, meta);
      values.set(key, bytes);
      const { uid, resourceVersion } = meta;
      const stamp = { size: bytes.length, mtimeMs: 0, ctimeMs: 0, ino: 0 };
      changes.set(key, {
        key,
        released: [],
        acquired: [{
          component: "kubelet",
          gvr,
          source: "current",
          uid,
          resourceVersion,
          stamp,
          readAtMs: 0,
        }],
      });
    }
  }
  return await apply(node.context, {
    ...OPTIONS,
    changes,
    full: false,
    asOne: false,
    bytesOf: (key) => values.get(key),
  });
}

/** Lets a component go. */
export async function remove(node: TestNode, component: string): Promise<ApplyResult> {
  return await deleteComponentResources(node.context, component, OPTIONS);
}

/** What an operation did, in numbers. */
export function counts(result: ApplyResult) {
  if (result.failure) throw result.failure;
  const { created, updated, deleted, released, txns } = result;
  return { created, updated, deleted, released, txns };
}
