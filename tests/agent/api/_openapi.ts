import type { DaemonProcess } from "../_daemon.ts";

type Json = Readonly<Record<string, unknown>>;

/** What may stand in a body of one media type. */
export interface Content {
  readonly schema: Json;
  readonly examples?: Readonly<
    Record<string, { readonly value?: string | object; readonly $ref?: string }>
  >;
}

/** A body. */
interface Body {
  readonly content: Readonly<Record<string, Content>>;
}

/** One operation of the document. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: Json;
    readonly example?: unknown;
  }[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
}

/** The parts of the document that tests look at. */
export interface OpenApi {
  readonly servers: readonly unknown[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: unknown;
  readonly components: {
    readonly schemas: Readonly<Record<string, Json>>;
    readonly examples: Readonly<Record<string, { readonly value: string | object }>>;
  };
  /** All of them. */
  readonly operations: readonly Operation[];
  /** As it was answered. */
  readonly whole: object;
}

/** Reads the document of a daemon. */
export async function readOpenApi(daemon: DaemonProcess): Promise<OpenApi> {
  const whole = (await daemon.ask("GET", "/openapi.json")).json as Omit<OpenApi, "operations"> & {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const operations = Object.entries(whole.paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    }))
  );
  return { ...whole, operations, whole };
}
