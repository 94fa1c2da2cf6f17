/**
 * The same schemas, in which no object may have more members than are listed: so that a test finds
 * what is answered and not described. Those that say themselves that they take any stay open.
 *
 * @param schema a schema, or a document that has some
 */
export function closed(schema: object): object {
  const entries = Object.entries(schema).map(([name, value]) => [name, closedValue(value)]);
  const copy = Object.fromEntries(entries);
  const isRecord = copy.type === "object" && Object.hasOwn(copy, "properties");
  return isRecord ? { additionalProperties: false, ...copy } : copy;
}

function closedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closedValue);
  return typeof value === "object" && value !== null ? closed(value) : value;
}
