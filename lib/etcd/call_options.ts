/** What holds for one call. */
export interface CallOptions {
  /** When it has to be over, as {@linkcode deadlineIn} counts. */
  readonly deadline: number;
  /** etcd's auth token, if there is one. */
  readonly token?: string | undefined;
}
