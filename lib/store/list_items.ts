import { EdgekeydError } from "../errors.ts";
import {
  formatGvr,
  type Gvr,
  InvalidObjectError,
  isObjectName,
  isRecord,
  objectKey,
  type ObjectName,
  parseJsonObject,
} from "../k8s/mod.ts";
import type { Owner } from "../keycache/mod.ts";
import { isPlace, type ObjectOptions, readOwned } from "./component_object.ts";
import type { StoreContext } from "./context.ts";

/** The new list of one resource of a component. */
export interface ComponentList {
  /** Whose it is. */
  readonly component: string;
  /** Its resource. */
  readonly gvr: Gvr;
  /** Only this namespace is replaced; undefined: all of them. */
  readonly namespace: string | undefined;
  /** Each object as JSON. */
  readonly objects: readonly Uint8Array[];
}

/** The list names the same object twice, or one of another namespace. */
export class InvalidListError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "InvalidListError";
  /**
   * Makes it; its code is `InvalidContent`.
   *
   * @param reason what is wrong with it, without any content
   */
  constructor(reason: string) {
    super("InvalidContent", reason);
  }
}

/** What a list says. */
export interface ListItems {
  /** The new owner of each key, and the object as JSON. */
  readonly owned: ReadonlyMap<string, { readonly owner: Owner; readonly bytes: Uint8Array }>;
  /** Keys of items that can't be put since they have no version, each with the reason. */
  readonly passedOver: ReadonlyMap<string, string>;
}

/**
 * Reads the items of a list.
 *
 * @param context where they are to go
 * @param list the list
 * @param options tells of custom resources
 * @throws {InvalidListError} if one is not an object of this list, or stands in it twice; says which
 * @throws {TooLargeError} if one fits no request
 */
export function readItems(
  context: StoreContext,
  list: ComponentList,
  options: Pick<ObjectOptions, "customOf">,
): ListItems {
  const { component, gvr, namespace } = list;
  const owned = new Map<string, { owner: Owner; bytes: Uint8Array }>();
  const passedOver = new Map<string, string>();
  let kind: string | undefined;
  for (const [index, bytes] of list.objects.entries()) {
    const { where, name, isVersioned } = itemOf(index, bytes);
    const fail = (reason: string) => new InvalidListError(`${where}: ${reason}`);
    if (name && namespace !== undefined && name.namespace !== namespace) {
      throw fail(`is not in namespace ${namespace}`);
    }
    if (name && !isVersioned && isPlace(gvr, name.namespace)) {
      const key = objectKey(context.cache.identity.prefix, gvr, name);
      passedOver.set(key, `${where}: has no metadata.resourceVersion, and was left out`);
      continue;
    }
    try {
      const { key, owner, ...object } = readOwned(context, component, gvr, bytes, options);
      kind ??= object.kind;
      if (object.kind !== kind) throw fail(`is not a ${formatGvr(gvr)} of the first one's kind`);
      if (owned.has(key)) throw fail(`${key} stands in the list twice`);
      owned.set(key, { owner, bytes });
    } catch (error) {
      throw error instanceof InvalidObjectError ? fail(error.message) : error;
    }
  }
  return { owned, passedOver };
}

/** What can be said of an item, be it what it should or not. */
interface Item {
  /** As in `items[2] shop/web`. */
  readonly where: string;
  /** Its name, if that can stand in a key. */
  readonly name: ObjectName | undefined;
  readonly isVersioned: boolean;
}

function itemOf(index: number, bytes: Uint8Array): Item {
  const { metadata } = parseJsonObject(bytes);
  const { name, namespace = "", resourceVersion = "" } = isRecord(metadata) ? metadata : {};
  const isVersioned = resourceVersion !== "";
  const place = `items[${index}]`;
  if (typeof name !== "string" || typeof namespace !== "string") {
    return { where: place, name: undefined, isVersioned };
  }
  if (!isObjectName({ namespace, name })) return { where: place, name: undefined, isVersioned };
  const full = namespace === "" ? name : `${namespace}/${name}`;
  return { where: `${place} ${full}`, name: { namespace, name }, isVersioned };
}
