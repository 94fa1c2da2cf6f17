/** A member of a value, at any depth, that can be changed. */
export interface Place {
  readonly holder: Record<string, unknown>;
  readonly name: string;
  /** Its names from the outside in, for messages. */
  readonly path: string;
}

/** Every member of a value but those of bytes. */
export function placesIn(value: unknown, path = ""): Place[] {
  if (!isHolder(value)) return [];
  return Object.keys(value).flatMap((name) => [
    { holder: value, name, path: `${path}.${name}` },
    ...placesIn(value[name], `${path}.${name}`),
  ]);
}

/** Whether a value has members: an object or an array. */
export function isHolder(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array);
}
