import { ApiError } from "./api_error.ts";
import { type BodyDescription, JSON_TYPE } from "./route.ts";

/** A media type, and what may follow it: nothing but that it is UTF-8 (RFC 9110, 8.3.1). */
const PLAIN = /^([^;\s]+)\s*(?:;\s*charset\s*=\s*(?:utf-8|"utf-8")\s*)?;?$/i;

/**
 * Refuses a body of another media type than the route takes. One that says none is taken for that
 * of the route.
 *
 * @param headers of the request
 * @param body what the route takes
 * @throws {ApiError} `UnsupportedMediaType`, which says which type it takes
 */
export function checkMediaType(headers: Headers, { type = JSON_TYPE }: BodyDescription): void {
  const coding = headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (coding !== "identity") throw unsupported(type, "the body must not be compressed");
  const sent = headers.get("content-type");
  if (sent === null || PLAIN.exec(sent.trim())?.[1]?.toLowerCase() === type) return;
  throw unsupported(
    type,
    `the body must be ${type} in UTF-8; send the header Content-Type: ${type}`,
  );
}

function unsupported(accept: string, message: string): ApiError {
  return new ApiError("UnsupportedMediaType", message, { headers: { accept } });
}
