import { ok } from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { SCHEMAS } from "../../lib/agent/schemas.ts";
import type { NodeStatus } from "../../lib/agent/mod.ts";
import { closed } from "../agent/_closed.ts";

/**
 * Reads what `edgekeyd status -o json` printed, and holds it to the schema `Status` of the API's
 * document.
 */
export function readStatus(stdout: string): NodeStatus {
  const status: unknown = JSON.parse(stdout);
  const ajv = new Ajv2020({ strict: false, formats: { int64: true, double: true } });
  const validate = ajv.compile<NodeStatus>(closed(SCHEMAS.Status));
  ok(validate(status), `${JSON.stringify(validate.errors)}\n${stdout}`);
  return status;
}
