/** @returns a request or an answer on one line, bytes as text, to be read by people */
export function show(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (!isBufferJson(field)) return field;
    const text = Buffer.from(field.data).toString("latin1");
    return text.length > 40 ? `${text.slice(0, 10)}… ${text.length} B` : text;
  });
}

/** A Buffer, as its own `toJSON` has already made it. */
function isBufferJson(value: unknown): value is { type: "Buffer"; data: number[] } {
  return typeof value === "object" && value !== null && "type" in value &&
    value.type === "Buffer" && "data" in value && Array.isArray(value.data);
}
