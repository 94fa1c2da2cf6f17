export { isApiserversOwn } from "./apiservers_own.ts";
export {
  type BuiltinResource,
  builtinResource,
  builtinResources,
  isBuiltinGroup,
} from "./builtin_lookup.ts";
export { contentHash, isContentHash } from "./content_hash.ts";
export { formatGvr, type Gvr, gvrOf, isResourceName, parseGvr } from "./gvr.ts";
export { isRecord, parseJsonObject } from "./json.ts";
export { InvalidObjectError } from "./invalid_object_error.ts";
export {
  compareResourceVersions,
  isResourceVersion,
  type ObjectMeta,
  parseObjectMeta,
} from "./object_meta.ts";
export { nameInKey, objectKey, type ObjectName, resourcePrefix } from "./object_key.ts";
export { splitObjectList } from "./object_list.ts";
export { checkObject, type CustomResource, readObject } from "./read_object.ts";
export { hasSecretKeys, isSecretKey } from "./secrets.ts";
export { isName, isObjectName, isSegment } from "./segment.ts";
export { compareVersionPriority } from "./version_priority.ts";
