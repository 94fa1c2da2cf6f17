/** What one component may have in etcd: more is held back, and others go on. */
export interface ComponentLimits {
  /** Object keys; one counts for each version and group in which the component holds it. */
  readonly maxKeys: number;
  /** Bytes of these objects, in sum. */
  readonly maxBytes: number;
}

/** What a component holds, of what {@linkcode ComponentLimits} limits. */
export interface ComponentHolding {
  /** Object keys, as they are counted there. */
  readonly keys: number;
  /** Bytes, in sum. */
  readonly bytes: number;
}

/** Generous ones: etcd as a whole holds 2 GiB unless told otherwise. */
export const DEFAULT_COMPONENT_LIMITS: ComponentLimits = {
  maxKeys: 100_000,
  maxBytes: 256 * 1024 * 1024,
};

/**
 * How many files and directories a scan looks at for one component: each object may have a backup
 * beside it, and a small component has directories.
 *
 * @param limits what it may have in etcd
 * @returns how many at most
 */
export function maxEntries({ maxKeys }: ComponentLimits): number {
  return 2 * maxKeys + 1_000;
}

/**
 * Says that a component would hold too much.
 *
 * @param component its name
 * @param limit which limit
 * @param limits what it may have
 * @returns half a sentence
 */
export function overLimit(
  component: string,
  limit: keyof ComponentLimits,
  limits: ComponentLimits,
): string {
  return limit === "maxKeys"
    ? `${component} would hold more than ${limits.maxKeys} keys (--max-component-keys)`
    : `${component} would hold more than ${limits.maxBytes} bytes (--max-component-bytes)`;
}
