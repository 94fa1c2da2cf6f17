import type { EtcdError } from "./errors.ts";
import type { ResponseHeader } from "./messages.ts";

/** What is watched. */
export interface WatchRequest {
  /** Deletes of the keys that begin with this are told; puts of them are not. */
  readonly deletedUnder: string;
  /** Puts and deletes of this one key are told. */
  readonly key: string;
}

/** What happened to a key. */
export interface WatchEvent {
  /** What was done to it. */
  readonly kind: "put" | "delete";
  /** Which key. */
  readonly key: string;
  /** What was put, as text; empty for a delete. */
  readonly value: string;
  /** At which revision, decimal. */
  readonly modRevision: string;
}

/** A watch that has begun. */
export interface KeyWatch {
  /** Which cluster watches; everything after that revision is told. */
  readonly header: ResponseHeader;
  /** Settles when the watch has ended: with why, or with undefined if it was closed. */
  readonly ended: Promise<EtcdError | undefined>;
  /** Ends it. */
  close(): void;
}
