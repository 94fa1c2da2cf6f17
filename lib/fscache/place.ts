import type { GroupDirectory } from "./layout.ts";

/** A directory that may hold objects. */
export interface Place {
  /** The component that it belongs to. */
  readonly component: string;
  /** Canonical name of its group's directory: `pods.v1.core`, or `pods` (older layout). */
  readonly directory: string;
  /** What that directory stands for. */
  readonly group: GroupDirectory;
  /** Empty above the namespaces, and for cluster-scoped objects. */
  readonly namespace: string;
  /** Canonical path. */
  readonly path: string;
  /** Path as it is on disk. */
  readonly source: string;
}
