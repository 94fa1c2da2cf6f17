import { KeyCacheFileError, parseOpenyurtKeyCache } from "../../keycache/mod.ts";
import { fileValues, takeOverKeys } from "../../reconcile/mod.ts";
import { deleteUnclaimedKeys } from "../../store/mod.ts";
import type { Node } from "../node.ts";
import { ApiError } from "./api_error.ts";
import { jsonRoute } from "./route.ts";
import { ref } from "../schemas.ts";
import { written } from "./written.ts";

/**
 * What an operator asks for once, when a node takes the place of another importer or of a lost
 * state directory.
 *
 * @param node the one writer
 */
export function takeoverRoutes(node: Node) {
  const { source } = node.reconcileOptions;
  return [
    jsonRoute({
      method: "POST",
      path: "/v1/delete-unclaimed",
      id: "deleteUnclaimed",
      summary: "Delete keys that importers wrote and no component here owns: all of them, or none.",
      body: { description: "Object keys as etcd has them.", schema: ref("Keys") },
      schema: ref("Written"),
      description: "What was done.",
      errors: ["NotReady", "Unknown", "InvalidContent", "NotUnclaimed"],
      long: true,
      async answer({ id, body, signal }) {
        const keys = readKeys(body);
        const applied = await node.write(
          { operation: id },
          (context) =>
            deleteUnclaimedKeys(context, keys, {
              bytesOf: fileValues(source.root, source.fs, context.cache, undefined),
            }),
          signal,
        );
        return written(applied);
      },
    }),
    jsonRoute({
      method: "POST",
      path: "/v1/import-key-cache",
      id: "importKeyCache",
      summary:
        "Take over the keys that OpenYurt's own etcd storage recorded; write nothing to etcd.",
      body: {
        description: "OpenYurt's file `component-key-cache`.",
        type: "text/plain",
        schema: { type: "string" },
        example: "kubelet#_v1_pods:/registry/pods/shop/web-0\n",
      },
      schema: ref("TakeOver"),
      description: "What became of them.",
      errors: ["NotReady", "Unknown", "InvalidContent"],
      long: true,
      async answer({ id, body, signal }) {
        const recorded = readKeyCache(body);
        return await node.takeOver(
          { operation: id },
          (context) => takeOverKeys(context, recorded),
          signal,
        );
      },
    }),
  ];
}

function readKeys(body: Uint8Array): string[] {
  let keys: unknown;
  try {
    keys = JSON.parse(textOf(body));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (Array.isArray(keys) && keys.every((key) => typeof key === "string")) return keys;
  throw new ApiError("InvalidContent", "the body is no JSON array of object keys");
}

function readKeyCache(body: Uint8Array): ReturnType<typeof parseOpenyurtKeyCache> {
  try {
    return parseOpenyurtKeyCache(textOf(body));
  } catch (error) {
    if (!(error instanceof KeyCacheFileError)) throw error;
    throw new ApiError("InvalidContent", error.message, { cause: error });
  }
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (error) {
    throw new ApiError("InvalidContent", "the body is not UTF-8", { cause: error });
  }
}
