import { connect, type EtcdOptions } from "../../lib/etcd/connect.ts";
import { EtcdError } from "../../lib/etcd/errors.ts";
import type { Etcd } from "../../lib/etcd/etcd.ts";

/**
 * Timers outlive `close()`: gRPC's backoff after a connection that was refused, and etcd3's wait
 * for one that does not come about. They do no harm, but the sanitizers see them.
 */
export const BACKOFF_MS = 50;
export const CONNECTING_MS = 1200;

/**
 * Makes a client, lets the test use it, and closes it.
 *
 * @param options as for connect; 5 s unless it says otherwise
 * @param use the test
 * @param timersMs how long to wait for timers, if a connection is to fail
 */
export async function withClient(
  options: Omit<EtcdOptions, "timeoutMs"> & { timeoutMs?: number },
  use: (etcd: Etcd) => Promise<void>,
  timersMs = 0,
): Promise<void> {
  const etcd = await connect({ timeoutMs: 5000, ...options });
  try {
    await use(etcd);
  } finally {
    etcd.close();
    if (timersMs > 0) await new Promise((resolve) => setTimeout(resolve, timersMs));
  }
}

/** The error of a call that must fail. */
export async function failure(call: Promise<unknown>): Promise<EtcdError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof EtcdError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

/** How long it takes, in milliseconds. */
export async function elapsed(call: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await call;
  return performance.now() - begun;
}
