import { CallFailure, GrpcCode } from "./call_failure.ts";
import { isTokenRefused } from "./classify.ts";
import type { Connection } from "./connection.ts";
import type { User } from "./credentials.ts";
import { deadlineIn } from "./deadline.ts";

/**
 * One login, shared by all calls to the cluster (a token is good for every member), and renewed
 * when etcd refuses its token: expired, etcd restarted, roles changed.
 */
export class Login {
  readonly #user: User;
  readonly #timeoutMs: number;
  #token: Promise<string | undefined> | undefined;

  /**
   * @param user name and password
   * @param timeoutMs the longest that a login may take
   */
  constructor(user: User, timeoutMs: number) {
    this.#user = user;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Makes a call with a token. A refused token is a definite no, so the call is made once more
   * with a fresh one, and not again.
   *
   * @param connection where to log in, if need be
   * @param deadline of all of it, as {@linkcode deadlineIn} counts
   * @param call gets the token, or undefined if etcd has authentication turned off
   * @throws {CallFailure} of the login or of the call
   */
  async withToken<T>(
    connection: Connection,
    deadline: number,
    call: (token: string | undefined) => Promise<T>,
  ): Promise<T> {
    const first = this.#current(connection, deadline);
    const token = await first;
    try {
      return await call(token);
    } catch (error) {
      if (!(error instanceof CallFailure && isTokenRefused(error))) throw error;
      // Unless another call, refused for the same token, has already begun a new login.
      if (this.#token === first) this.#token = undefined;
      return await call(await this.#current(connection, deadline));
    }
  }

  #current(connection: Connection, deadline: number): Promise<string | undefined> {
    if (this.#token) return this.#token;
    const token = this.#authenticate(connection, deadline);
    this.#token = token;
    // A failed login is not kept. Whoever awaits `token` gets its error; here it is dealt with.
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    return token;
  }

  async #authenticate(connection: Connection, deadline: number): Promise<string | undefined> {
    try {
      return await connection.authenticate(this.#user.name, this.#user.password, {
        deadline: Math.min(deadline, deadlineIn(this.#timeoutMs)),
      });
    } catch (error) {
      if (isAuthTurnedOff(error)) return undefined;
      throw error;
    }
  }
}

function isAuthTurnedOff(error: unknown): boolean {
  return error instanceof CallFailure && error.code === GrpcCode.FAILED_PRECONDITION &&
    error.details.includes("authentication is not enabled");
}
