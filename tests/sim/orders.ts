import type { Place, Resource } from "./cloud.ts";
import type { Operation } from "./world.ts";

/** What somebody wants of a state directory's agent. */
export type Order = Omit<Operation, "startTick" | "lineage" | "flags" | "recoversFirst"> & {
  /** A daemon is asked for it; else a command does it, and no daemon may run meanwhile. */
  readonly ofDaemon: boolean;
  readonly confirmDeletes: boolean;
  readonly requireSingleTxn: boolean;
  /** For a replace: what the list holds then. */
  readonly list?: ListOrder;
  /** For one object: which. */
  readonly place?: Place;
};

/** A list that a tool puts through the API. */
export interface ListOrder {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly names: readonly string[];
}

/** The objects of a list. */
export function placesOf({ resource, namespace, names }: ListOrder): Place[] {
  const where = resource.namespaced ? namespace ?? "default" : "";
  return names.map((name) => ({ resource, namespace: where, name }));
}
