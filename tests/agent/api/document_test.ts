import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { EdgeNode } from "../../e2e/_node.ts";
import { startEtcd } from "../../support/etcd_server.ts";
import { closed } from "../_closed.ts";
import { ready, startDaemon } from "../_daemon.ts";
import { type Content, type OpenApi, readOpenApi } from "./_openapi.ts";

/** All objects in a document, each with the way to it. */
function* within(value: unknown, path = ""): Iterable<[string, Readonly<Record<string, unknown>>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [path, value as Readonly<Record<string, unknown>>];
  for (const [name, part] of Object.entries(value)) yield* within(part, `${path}/${name}`);
}

/** The schemas in a document, but not its examples. */
function* schemasOf(document: OpenApi): Iterable<[string, Readonly<Record<string, unknown>>]> {
  for (const found of within({ paths: document.paths, schemas: document.components.schemas })) {
    const [path] = found;
    if (/\/schemas?\//.test(`${path}/`) && !/\/(examples?|properties)$/.test(path)) {
      if (!/\/examples?\//.test(path)) yield found;
    }
  }
}

function examplesIn(
  document: OpenApi,
  { examples = {} }: Content,
): (string | object | undefined)[] {
  return Object.values(examples).map(({ value, $ref }) =>
    $ref === undefined ? value : document.components.examples[$ref.split("/").at(-1) ?? ""]?.value
  );
}

Deno.test("openapi.json is what a generator makes true types of, and a client stays in step with", async (t) => {
  await using server = await startEtcd();
  using node = new EdgeNode(server);
  await using daemon = await startDaemon(node);
  const document = await readOpenApi(daemon);
  const { operations } = document;
  await ready(daemon);

  await t.step("each schema says its type, and how many bits a number takes", () => {
    let enums = 0;
    let integers = 0;
    for (const [path, schema] of schemasOf(document)) {
      if ("enum" in schema) {
        enums++;
        strictEqual(schema.type, "string", path);
      }
      const types = [schema.type].flat();
      if (types.includes("integer")) {
        integers++;
        strictEqual(schema.format, "int64", path);
      }
      if (types.includes("number")) strictEqual(schema.format, "double", path);
    }
    ok(enums >= 6 && integers > 20, `${enums} enums, ${integers} integers`);
  });

  await t.step("answers are open, and objects of Kubernetes take anything", () => {
    for (const [path, schema] of schemasOf(document)) {
      notStrictEqual(schema.additionalProperties, false, path);
      // What has neither members nor values is an empty struct to a generator.
      if (schema.type === "object" && !("properties" in schema)) {
        ok(schema.additionalProperties, path);
      }
    }
    const { Object: object, ObjectList: objects } = document.components.schemas;
    deepStrictEqual([object?.additionalProperties, objects?.additionalProperties], [true, true]);
  });

  await t.step("there is a server, tags, and for each operation an answer by default", () => {
    ok(document.servers.length > 0);
    const tags = document.tags.map(({ name }) => name);
    strictEqual(new Set(tags).size, tags.length);
    const used = new Set(operations.flatMap((operation) => operation.tags));
    deepStrictEqual([...used].sort(), [...tags].sort());
    for (const { operationId, tags, responses } of operations) {
      strictEqual(tags.length, 1, operationId);
      const { schema } = responses["default"]?.content["application/json"] ?? {};
      deepStrictEqual(schema, { $ref: "#/components/schemas/Error" }, operationId);
    }
  });

  await t.step("each parameter and body has examples, and these are what the schema says", () => {
    const ajv = new Ajv2020({ strict: false, formats: { int64: true, double: true } });
    ajv.addSchema(closed(document.whole), "openapi");
    for (const { operationId, parameters = [], requestBody, responses } of operations) {
      for (const { name, example, schema } of parameters) {
        ok(example !== undefined || schema.default !== undefined, `${operationId} ${name}`);
      }
      const bodies = [...requestBody ? [requestBody] : [], ...Object.values(responses)];
      for (const [type, content] of bodies.flatMap(({ content }) => Object.entries(content))) {
        if (type === "application/vnd.kubernetes.protobuf") continue;
        const examples = examplesIn(document, content);
        ok(examples.length > 0, `${operationId} ${type}`);
        const { $ref } = content.schema;
        const validate = ajv.compile(
          typeof $ref === "string" ? { $ref: `openapi${$ref}` } : content.schema,
        );
        for (const example of examples) {
          ok(validate(example), `${operationId}: ${JSON.stringify(validate.errors)}`);
        }
      }
    }
  });

  await t.step("its requests can be sent as they are printed", async () => {
    const send = async (id: string) => {
      const operation = operations.find(({ operationId }) => operationId === id);
      ok(operation, id);
      const { method, path, parameters = [], requestBody } = operation;
      const given = parameters.filter(({ example }) => example !== undefined);
      const target = given.filter((one) => one.in === "path").reduce(
        (before, { name, example }) =>
          before.replace(`{${name}}`, encodeURIComponent(`${example}`)),
        path,
      );
      const query = given.filter((one) => one.in === "query")
        .map(({ name, example }) => [name, `${example}`]);
      const [content] = Object.values(requestBody?.content ?? {});
      const [body] = content ? examplesIn(document, content) : [];
      const text = typeof body === "string" || !body ? body : JSON.stringify(body);
      const search = new URLSearchParams(query);
      const { status } = await daemon.ask(method, `${target}?${search}`, text);
      return [id, status];
    };
    const expected: readonly [string, number][] = [
      ["createNamespacedObject", 201],
      ["getNamespacedObject", 200],
      ["updateNamespacedObject", 200],
      ["createObject", 201],
      ["getObject", 200],
      ["updateObject", 200],
      ["deleteObject", 200],
      ["replaceList", 200],
      ["listObjects", 200],
      ["listResourceKeys", 200],
      ["listResources", 200],
      ["listComponents", 200],
      ["listKeys", 200],
      ["getNamespacedKey", 200],
      ["getKey", 200],
      ["listOwners", 200],
      // The key of the example is below another prefix than this node's.
      ["deleteUnclaimed", 409],
      ["deleteNamespacedObject", 200],
      ["importKeyCache", 200],
      ["verify", 200],
      ["reconcile", 200],
      ["getStatus", 200],
      ["getReadiness", 200],
      ["getHealth", 200],
      ["getMetrics", 200],
      ["getOpenApi", 200],
      ["deleteComponent", 200],
      ["retire", 200],
    ];
    deepStrictEqual(
      expected.map(([id]) => id).sort(),
      operations.map(({ operationId }) => operationId).sort(),
    );
    const answered: unknown[] = [];
    for (const [id] of expected) answered.push(await send(id));
    deepStrictEqual(answered, expected);
  });
});
