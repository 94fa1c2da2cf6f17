import { EdgekeydError } from "../errors.ts";
import { FITS_NO_TXN, type TxnLimit } from "./txn_limits.ts";

/** A group needs more than one Txn and the caller asked for one. */
export class SingleTxnError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "SingleTxnError";
  /** The group that does not fit, as `component/gvr`. */
  readonly group: string;
  /** The flag whose limit it exceeds. */
  readonly limit: TxnLimit;

  /**
   * Makes it; its code is `TooLarge`.
   *
   * @param group the group that does not fit, as `component/gvr`
   * @param limit the flag whose limit it exceeds
   */
  constructor(group: string, limit: TxnLimit) {
    super(
      "TooLarge",
      `${group} does not fit one Txn and --require-single-txn is set; nothing was written. Raise ` +
        `${limit} here and in etcd, or drop the flag`,
    );
    this.group = group;
    this.limit = limit;
  }
}

/** A list that is to be replaced needs more than one Txn. */
export class SingleTxnListError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "SingleTxnListError";

  /**
   * Makes it; its code is `TooLarge`.
   *
   * @param cause says which, and why
   */
  constructor(cause: SingleTxnError) {
    const { group, limit } = cause;
    super(
      "TooLarge",
      `${group} does not fit one Txn, and a list is replaced in one or not at all; nothing was ` +
        `written. Raise ${limit} here and in etcd, or replace it namespace by namespace`,
      { cause },
    );
  }
}

/** etcd or the cache kept changing under an operation until it gave up. */
export class ContentionError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "ContentionError";

  /**
   * Makes it; its code is `Contention`.
   *
   * @param what what was given up
   */
  constructor(what: string) {
    super("Contention", `${what}: etcd kept changing meanwhile; run it again`);
  }
}

/** An object is to be created where one is already. */
export class KeyExistsError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "KeyExistsError";

  /**
   * Makes it; its code is `KeyExists`.
   *
   * @param key its key
   * @param what what stands there, and what to do
   */
  constructor(key: string, what?: string) {
    const why = what === undefined ? "; update it, or delete it first" : `: ${what}`;
    super("KeyExists", `${key} exists already${why}`);
  }
}

/** An object is to be updated by one that is not fresher than what is there. */
export class UpdateConflictError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "UpdateConflictError";
  /** The object that etcd holds, as JSON; undefined if it is none, or could not be read. */
  readonly held: Uint8Array | undefined;

  /**
   * Makes it; its code is `UpdateConflict`.
   *
   * @param key its key
   * @param what what stands there
   * @param held the object that etcd holds, as JSON
   */
  constructor(key: string, what: string, held?: Uint8Array) {
    super("UpdateConflict", `${key} was not updated: ${what}`);
    this.held = held;
  }
}

/** There is no such object. */
export class NotFoundError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "NotFoundError";

  /**
   * Makes it; its code is `NotFound`.
   *
   * @param what what there is not
   */
  constructor(what: string) {
    super("NotFound", what);
  }
}

/** No request to etcd holds it. */
export class TooLargeError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "TooLargeError";

  /**
   * Makes it; its code is `TooLarge`.
   *
   * @param key of the object
   */
  constructor(key: string) {
    super("TooLarge", `${key} ${FITS_NO_TXN}`);
  }
}

/** A Txn was sent and nobody can tell yet whether it was applied; it is not sent again. */
export class UnknownOutcomeError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "UnknownOutcomeError";

  /**
   * Makes it; its code is `Unknown`.
   *
   * @param cause why nobody can tell
   */
  constructor(cause: EdgekeydError) {
    super(
      "Unknown",
      `it is not known whether this was done, and it is not done again by itself; read it back ` +
        `once etcd answers (${cause.message})`,
      { cause },
    );
  }
}

/** A list is too large for one answer. */
export class ListTooLargeError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "ListTooLargeError";

  /**
   * Makes it; its code is `TooLarge`.
   *
   * @param maxBytes what an answer may hold
   */
  constructor(maxBytes: number) {
    super("TooLarge", `the list holds more than ${maxBytes} bytes; list it namespace by namespace`);
  }
}

/** A component would hold more than it may. */
export class ComponentFullError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "ComponentFullError";

  /**
   * Makes it; its code is `TooLarge`.
   *
   * @param reason what it would hold too much of
   */
  constructor(reason: string) {
    super(
      "TooLarge",
      `${reason}; nothing was written. Delete what is no longer needed, or raise it`,
    );
  }
}
