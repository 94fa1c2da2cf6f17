import { EdgekeydError, isOutOfDescriptors, OUT_OF_DESCRIPTORS } from "../errors.ts";

/** A failure that nobody foresaw: a defect of edgekeyd, told in one line all the same. */
export class InternalError extends EdgekeydError {
  override name = "InternalError";
  /** @param cause what was thrown */
  constructor(cause: unknown) {
    super("Internal", `internal error: ${describe(cause)}; please report it`, { cause });
  }
}

/** What was thrown, as an error whose message is fit to print. */
export function presentable(error: unknown): EdgekeydError {
  if (error instanceof EdgekeydError) return error;
  // Whatever was to be opened, down to a part of the program: it is no defect.
  return isOutOfDescriptors(error)
    ? new EdgekeydError("Descriptors", OUT_OF_DESCRIPTORS, { cause: error })
    : new InternalError(error);
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause;
  // A parser's message quotes what it read, which may be a Secret's.
  const what = cause instanceof SyntaxError ? cause.name : `${cause.name}: ${cause.message}`;
  const where = /\b((?:main|lib\/[\w/]+)\.ts:\d+)/.exec(cause.stack ?? "")?.[1];
  return `${what.replace(/\s+/g, " ")}${where === undefined ? "" : ` (${where})`}`;
}
