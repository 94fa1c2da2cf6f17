import { EtcdError } from "../etcd/mod.ts";

/**
 * Asks etcd once more if it did not answer: one answer that is lost says nothing of it.
 *
 * @param ask what is asked
 * @param pause waited for between the two, unless the first has waited for its deadline
 * @returns what it answers
 * @throws {EtcdError} if it does not answer the second time
 */
export async function askedAgain<T>(
  ask: () => Promise<T>,
  pause: () => Promise<void> = () => Promise.resolve(),
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    if (error.reason !== "timeout") await pause();
    return await ask();
  }
}
