import { ok } from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { SCHEMAS } from "../../lib/agent/schemas.ts";
import type { NodeStatus } from "../../lib/agent/mod.ts";

/**
 * Reads what `edgekeyd status -o json` printed, and holds it to the schema `Status` of the API's
 * document.
 */
export function readStatus(stdout: string): NodeStatus {
  const status: unknown = JSON.parse(stdout);
  const validate = new Ajv2020({ strict: false }).compile<NodeStatus>(SCHEMAS.Status);
  ok(validate(status), `${JSON.stringify(validate.errors)}\n${stdout}`);
  return status;
}
