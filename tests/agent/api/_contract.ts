import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { STATUS_OF } from "../../../lib/agent/api/mod.ts";
import { closed } from "../_closed.ts";
import type { Answered, DaemonProcess } from "../_daemon.ts";

interface Operation {
  readonly operationId: string;
  readonly requestBody?: unknown;
  readonly responses: Readonly<
    Record<string, { description: string; content: Record<string, { schema: object }> }>
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** The OpenAPI document of a daemon, to which its answers are held. */
export class Contract {
  readonly #daemon: DaemonProcess;
  readonly #document: Document;
  readonly #ajv = new Ajv2020({ strict: false, formats: { int64: true, double: true } });
  readonly #seen = new Set<string>();

  private constructor(daemon: DaemonProcess, document: Document) {
    this.#daemon = daemon;
    this.#document = document;
    this.#ajv.addSchema(closed(document), "openapi");
  }

  /** Reads the document and validates it. */
  static async of(daemon: DaemonProcess): Promise<Contract> {
    const { json } = await daemon.ask("GET", "/openapi.json");
    ok(typeof json === "object" && json !== null);
    const validator = new Validator();
    const { valid, errors } = await validator.validate({ ...json });
    deepStrictEqual({ valid, errors }, { valid: true, errors: undefined });
    strictEqual(validator.version, "3.1");
    return new Contract(daemon, json as unknown as Document);
  }

  /** Every operation: method and path. */
  get operations(): string[] {
    return Object.entries(this.#document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`)
    );
  }

  /** Operations that gave an answer that is no error. */
  get answered(): ReadonlySet<string> {
    return this.#seen;
  }

  /**
   * One request, whose answer must be one that the document lists.
   *
   * @param method the method
   * @param target path and query
   * @param body the body
   */
  async ask(method: string, target: string, body?: BodyInit): Promise<Answered> {
    const answered = await this.#daemon.ask(method, target, body);
    const path = this.#templateOf(target.split("?", 1)[0] ?? "");
    const operation = path && this.#document.paths[path]?.[method.toLowerCase()];
    if (!path || !operation) {
      ok(answered.status === 404 || answered.status === 405, answered.text);
      return answered;
    }
    const { status, text, json, headers } = answered;
    const response = operation.responses[status];
    ok(response, `${method} ${path} answered ${status}, which is not in the document: ${text}`);
    const type = headers.get("content-type") ?? "";
    const schema = response.content[type]?.schema;
    ok(schema, `${method} ${path} answered ${type}: ${text}`);
    if (type === "application/json") {
      const pointer = ["paths", path, method.toLowerCase(), "responses", status, "content", type];
      const parts = pointer.map((part) =>
        encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"))
      );
      const validate = this.#ajv.compile({ $ref: `openapi#/${parts.join("/")}/schema` });
      ok(validate(json), `${method} ${target}: ${JSON.stringify(validate.errors)}\n${text}`);
    }
    if (status < 400) this.#seen.add(`${method} ${path}`);
    else if (path !== "/readyz") {
      const { code } = json as { code: keyof typeof STATUS_OF };
      strictEqual(STATUS_OF[code], status);
      ok(response.description.includes(code), `${method} ${path} does not list ${code}`);
    }
    return answered;
  }

  #templateOf(path: string): string | undefined {
    const segments = path.split("/");
    return Object.keys(this.#document.paths).find((template) => {
      const parts = template.split("/");
      return parts.length === segments.length &&
        parts.every((part, index) => part.startsWith("{") || part === segments[index]);
    });
  }
}
