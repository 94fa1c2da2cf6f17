import { formatGvr, type Gvr, InvalidObjectError, parseObjectMeta } from "../../k8s/mod.ts";
import type { ObjectList } from "../../store/mod.ts";

const encoder = new TextEncoder();

/**
 * Writes objects as a Kubernetes List, each byte for byte as etcd has it. What is no JSON (an
 * apiserver's protobuf) can't stand in it and is named in `omitted`.
 *
 * @param list the objects
 * @param gvr what they are
 * @returns JSON
 */
export function writeObjectList(list: ObjectList, gvr: Gvr): Uint8Array<ArrayBuffer> {
  const items: Uint8Array[] = [];
  const omitted: { key: string; reason: string }[] = [];
  let kind = "";
  for (const [key, value] of list.values) {
    try {
      kind = parseObjectMeta(value).kind;
      items.push(value);
    } catch (error) {
      if (!(error instanceof InvalidObjectError)) throw error;
      omitted.push({ key, reason: `etcd holds no JSON object (${formatGvr(gvr)})` });
    }
  }
  const head = {
    kind: `${kind}List`,
    apiVersion: gvr.group === "" ? gvr.version : `${gvr.group}/${gvr.version}`,
    metadata: { resourceVersion: list.revision ?? "" },
    ...(omitted.length > 0 && { omitted }),
  };
  return joined([
    encoder.encode(`${JSON.stringify(head).slice(0, -1)},"items":[`),
    ...items.flatMap((item, index) => (index === 0 ? [item] : [COMMA, item])),
    END,
  ]);
}

const COMMA = encoder.encode(",");
const END = encoder.encode("]}\n");

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
