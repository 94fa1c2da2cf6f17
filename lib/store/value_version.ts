import { contentHash, InvalidObjectError, isResourceVersion, parseObjectMeta } from "../k8s/mod.ts";
import type { FoundVersion } from "./decide.ts";

/** Stands for whatever an importer wrote as a resourceVersion that is none: above all there are. */
const BEYOND_ANY = String(2n ** 63n);
const UID_MAX_CHARS = 128;

/**
 * Finds the version of a value that was read from etcd.
 *
 * An importer's value is JSON with a resourceVersion, even if nothing else of it is as it should be;
 * everything else is an apiserver's, which stores none (and protobuf or encrypted values are not
 * JSON at all).
 *
 * @param mod its mod revision
 * @param value the value
 * @returns its version, with an empty resourceVersion if an apiserver wrote it, and one above 2^63-1
 * if an importer gave it one that can't be ordered
 */
export function versionOf(mod: string, value: Uint8Array): FoundVersion {
  const hash = contentHash(value);
  try {
    const { uid, resourceVersion } = parseObjectMeta(value);
    return { mod, uid, resourceVersion, hash };
  } catch (error) {
    if (!(error instanceof InvalidObjectError)) throw error;
    return { mod, ...importedVersion(value), hash };
  }
}

function importedVersion(value: Uint8Array): { uid: string; resourceVersion: string } {
  const { uid, resourceVersion } = metadataOf(value);
  if (typeof resourceVersion !== "string" || resourceVersion === "") {
    return { uid: "", resourceVersion: "" };
  }
  return {
    uid: typeof uid === "string" && uid.length <= UID_MAX_CHARS ? uid : "",
    resourceVersion: isResourceVersion(resourceVersion) ? resourceVersion : BEYOND_ANY,
  };
}

function metadataOf(value: Uint8Array): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value));
  } catch {
    return {};
  }
  const metadata = isRecord(parsed) ? parsed.metadata : undefined;
  return isRecord(metadata) ? metadata : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
