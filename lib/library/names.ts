import { EdgekeydError } from "../errors.ts";
import { formatGvr, type Gvr, isName, parseGvr } from "../k8s/mod.ts";
import { isEtcdPrefix, isNodeName } from "../keycache/mod.ts";
import { isPlace } from "../store/mod.ts";
import type { StoreSettings } from "./settings.ts";

/** A name that was given can't be one: keys are made of them. */
export class InvalidNameError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "InvalidNameError";

  /**
   * Makes it; its code is `BadRequest`. Nothing was begun.
   *
   * @param reason which, and what it should be
   */
  constructor(reason: string) {
    super("BadRequest", reason);
  }
}

/** What a write is about, as far as that is named. */
export interface Named {
  /** Whose objects. */
  readonly component: string;
  /** Which resource; absent: all. */
  readonly gvr?: Gvr;
  /** Which namespace; undefined: all, or none. */
  readonly namespace?: string | undefined;
}

/**
 * Refuses names that would stand in keys and can't: the same as the API's and the flags' are.
 *
 * @param settings of a store
 * @throws {InvalidNameError} if node or prefix can't be called so
 */
export function checkSettings({ nodeName, etcdPrefix }: StoreSettings): void {
  if (!isNodeName(nodeName)) {
    throw new InvalidNameError(
      "nodeName takes a node's name as Kubernetes has it: lower-case letters, digits, - and .; " +
        "claims is edgekeyd's own",
    );
  }
  if (etcdPrefix !== undefined && !isEtcdPrefix(etcdPrefix)) {
    throw new InvalidNameError(
      "etcdPrefix takes a path such as /registry, without a slash at its end; /edgekeyd is ours",
    );
  }
}

/**
 * Refuses to write for what can't be called so: a component that no command could name again, or a
 * key that is no resource's.
 *
 * @param place what a write is about
 * @throws {InvalidNameError} if component, resource or namespace can't be called so
 */
export function checkNames({ component, gvr, namespace }: Named): void {
  if (!isName(component)) throw new InvalidNameError("no component can be called as was given");
  if (gvr && !isGvr(gvr)) throw new InvalidNameError("no resource can be called as was given");
  if (namespace === undefined) return;
  if (!isName(namespace)) throw new InvalidNameError("no namespace can be called as was given");
  if (gvr && !isPlace(gvr, namespace)) {
    throw new InvalidNameError(`${formatGvr(gvr)} are in no namespace`);
  }
}

function isGvr({ group, version, resource }: Gvr): boolean {
  const read = parseGvr(formatGvr({ group, version, resource }));
  return read?.group === group && read.version === version && read.resource === resource;
}
