import type { CallOptions } from "./call_options.ts";
import type { Connection } from "./connection.ts";
import type { Leases } from "./leases.ts";

/** One attempt at one endpoint. */
type Send<T> = (attempt: CallOptions & { readonly connection: Connection }) => Promise<T>;

/**
 * Leases by calls that go to whichever endpoint answers.
 *
 * @param call makes one call
 */
export function leasesBy(call: <T>(send: Send<T>) => Promise<T>): Leases {
  return {
    grant: (ttlSeconds) =>
      call(({ connection, ...options }) => connection.grantLease(ttlSeconds, options)),
    keep: (id) => call(({ connection, ...options }) => connection.keepLease(id, options)),
  };
}
