import { builtinResource, isBuiltinGroup } from "./builtin_lookup.ts";
import { formatGvr, type Gvr } from "./gvr.ts";
import { InvalidObjectError } from "./invalid_object_error.ts";
import { hasTwice, isRecord, type Member, membersOf, parseJsonObject } from "./json.ts";
import { metaOf, type ObjectMeta } from "./object_meta.ts";
import { refusedName } from "./object_names.ts";

/** What is known of a custom resource; what is undefined is not known. */
export interface CustomResource {
  /** As in `Sensor`. */
  readonly kind: string | undefined;
  /** Whether its objects are in a namespace. */
  readonly namespaced: boolean | undefined;
}

/** The fields that edgekeyd goes by. */
const FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);
const METADATA_FIELDS: ReadonlySet<string> = new Set([
  "name",
  "namespace",
  "uid",
  "resourceVersion",
]);

/** An apiserver finds out with Go's `encoding/json` what it has before it, which folds case. */
const TYPE_FIELD = /^(?:apiVersion|kind)$/iu;

/**
 * The group of answers about objects, as Table, PartialObjectMetadata and Status: none is stored.
 */
const ANSWERS_GROUP = "meta.k8s.io";

/**
 * Reads the metadata of an object that is to go into etcd: as {@linkcode parseObjectMeta} does, but
 * refuses what Go and JavaScript read in two ways. There a kube-apiserver would find another object
 * than was checked here.
 *
 * @param bytes the whole file or request
 * @returns its metadata; `resourceVersion` may be empty
 * @throws {InvalidObjectError} as {@linkcode parseObjectMeta}; also if a key stands twice at the
 * top level or in its metadata, if a field that is read is null, or if it is nested deeper than
 * 10,000
 */
export function readObject(bytes: Uint8Array): ObjectMeta {
  if (bytes.length === 0) throw new InvalidObjectError("empty");
  const value = parseJsonObject(bytes);
  const members = membersOf(bytes, 0, 0);
  checkMembers(members, value, FIELDS, "its top level");
  for (const { name, start } of members) {
    if (TYPE_FIELD.test(name) && !FIELDS.has(name)) {
      throw new InvalidObjectError("has apiVersion or kind in other letters, which Go reads too");
    }
    if (name !== "metadata" || !isRecord(value.metadata)) continue;
    checkMembers(membersOf(bytes, start, 1), value.metadata, METADATA_FIELDS, "its metadata");
  }
  return metaOf(value);
}

/**
 * Checks that a kube-apiserver of some release since 1.28 can read an object where it is to go.
 * A value of another kind, scope or version makes it fail on every list of the resource.
 *
 * @param meta what the object says of itself beside its apiVersion, which is that of the gvr
 * @param gvr what it should be
 * @param custom what is known of the resource, if it is a custom one
 * @throws {InvalidObjectError} if the resource does not exist, if no release serves or stores that version,
 * if kind or scope are not the resource's, or if every apiserver refuses the name
 */
export function checkObject(
  meta: Pick<ObjectMeta, "kind" | "name" | "namespace">,
  gvr: Gvr,
  custom?: CustomResource,
): void {
  const { kind, namespaced } = isBuiltinGroup(gvr.group) ? builtinOf(gvr) : custom ?? UNKNOWN;
  if (gvr.group === ANSWERS_GROUP) {
    throw new InvalidObjectError(`is of ${ANSWERS_GROUP}, whose kinds are never stored`);
  }
  if (kind !== undefined && meta.kind !== kind) {
    throw new InvalidObjectError(`kind is ${named(meta.kind)}not ${kind}`);
  }
  if (namespaced === true && meta.namespace === "") {
    throw new InvalidObjectError(`has no metadata.namespace, which all ${gvr.resource} have`);
  }
  if (namespaced === false && meta.namespace !== "") {
    throw new InvalidObjectError(`has a metadata.namespace, but ${gvr.resource} are in none`);
  }
  const refused = refusedName(gvr, meta);
  if (refused !== undefined) throw new InvalidObjectError(refused);
}

/** A kind as it may be told; anything else that stands there is an object's content. */
function named(kind: string): string {
  return /^[A-Za-z][A-Za-z0-9]{0,62}$/.test(kind) ? `${kind}, ` : "";
}

const UNKNOWN: CustomResource = { kind: undefined, namespaced: undefined };

function builtinOf(gvr: Gvr): CustomResource {
  const found = builtinResource(gvr.group, gvr.resource);
  if (found === undefined) {
    const group = gvr.group === "" ? "the core group" : gvr.group;
    throw new InvalidObjectError(`Kubernetes has no ${gvr.resource} in ${group}`);
  }
  if (found.versions.has(gvr.version)) return found;
  throw new InvalidObjectError(`no Kubernetes since 1.28 serves ${formatGvr(gvr)}`);
}

function checkMembers(
  members: readonly Member[],
  value: Readonly<Record<string, unknown>>,
  fields: ReadonlySet<string>,
  where: string,
): void {
  if (hasTwice(members)) throw new InvalidObjectError(`a key stands twice in ${where}`);
  for (const { name } of members) {
    if (fields.has(name) && value[name] === null) throw new InvalidObjectError(`${name} is null`);
  }
}
