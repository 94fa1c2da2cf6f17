/** Where a schema carries the type of what it describes; nothing is there at run time. */
export declare const TYPE: unique symbol;

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it, of values of type `T`. */
export interface Schema<T = unknown> {
  /** A keyword of JSON Schema, and what it says. */
  readonly [keyword: string]: unknown;
  /** Never there. */
  readonly [TYPE]?: T;
}

/** The type of the values that a schema describes. */
export type TypeOf<S> = S extends Schema<infer T> ? T : never;

/** The members of an object by name; one whose name ends with `?` may be missing. */
type Members = Readonly<Record<string, Schema>>;

type RequiredOf<M extends Members> = {
  readonly [Name in keyof M as Name extends `${string}?` ? never : Name]: TypeOf<M[Name]>;
};
type OptionalOf<M extends Members> = {
  readonly [Name in keyof M as Name extends `${infer Bare}?` ? Bare : never]?: TypeOf<M[Name]>;
};
/** Written out as one type, so that a message of the compiler's can be read. */
type RecordOf<M extends Members> = RequiredOf<M> & OptionalOf<M> extends infer All
  ? { readonly [Name in keyof All]: All[Name] }
  : never;

/** A text. */
export const TEXT: Schema<string> = { type: "string" };
/** A whole number from 0. Without the format a generated client may take 32 bits for it. */
export const COUNT: Schema<number> = { type: "integer", format: "int64", minimum: 0 };
/** A number from 0. */
export const AMOUNT: Schema<number> = { type: "number", format: "double", minimum: 0 };
/** True or false. */
export const YES_NO: Schema<boolean> = { type: "boolean" };
/** Any object, whatever its members are. */
export const ANY_OBJECT: Schema<object> = { type: "object", additionalProperties: true };
/** A moment. */
export const MS: Schema<number> = described("ms since the epoch", COUNT);

/**
 * The same schema with words for a reader of the document.
 *
 * @param description the words
 * @param schema what is described
 */
export function described<T>(description: string, schema: Schema<T>): Schema<T> {
  return { ...schema, description };
}

/**
 * One of a few texts.
 *
 * @param choices the texts
 */
export function oneOf<const T extends string>(choices: readonly T[]): Schema<T> {
  return { type: "string", enum: choices };
}

/**
 * A list of any length.
 *
 * @param items what is in it
 */
export function listOf<T>(items: Schema<T>): Schema<readonly T[]> {
  return { type: "array", items };
}

/**
 * Values by names that are not known beforehand.
 *
 * @param values what stands behind each name
 */
export function mapOf<T>(values: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return { type: "object", additionalProperties: values };
}

/**
 * What a schema describes, or null.
 *
 * @param schema one with a `type`
 */
export function orNull<T>(schema: Schema<T>): Schema<T | null> {
  return { ...schema, type: [schema.type, "null"] } as Schema<T | null>;
}

/**
 * An object with these members. It may have others: what is answered grows from version to version,
 * and a client that was made of an older document goes on.
 *
 * @param members their schemas by name; one whose name ends with `?` may be missing
 */
export function record<const M extends Members>(members: M): Schema<RecordOf<M>> {
  const named = Object.entries(members).map(([name, schema]) => ({
    name: name.replace(/\?$/, ""),
    required: !name.endsWith("?"),
    schema,
  }));
  return {
    type: "object",
    properties: Object.fromEntries(named.map(({ name, schema }) => [name, schema])),
    required: named.filter(({ required }) => required).map(({ name }) => name),
  };
}
