import type { Etcd3 } from "etcd3";

/**
 * All that is called of etcd, as service and method of etcd3's rpc.proto. `scripts/build` leaves out
 * of the program what these calls do not need.
 */
export const CALLS = [
  "KV.Range",
  "KV.Txn",
  "Watch.Watch",
  "Lease.LeaseGrant",
  "Lease.LeaseKeepAlive",
  "Maintenance.Alarm",
  "Maintenance.Status",
  "Auth.Authenticate",
  "Auth.UserGet",
] as const;

type Call = typeof CALLS[number];
type ServiceOf<C> = C extends `${infer S}.${string}` ? S : never;
type MethodOf<S extends string, C = Call> = C extends `${S}.${infer M}` ? Uncapitalize<M> : never;
type ClientOf<S> = S extends "KV" ? "kv"
  : S extends "Watch" ? "watchClient"
  : S extends "Lease" ? "leaseClient"
  : S extends string ? Uncapitalize<S>
  : never;
type Narrowed<Client, Method> = Pick<Client, Extract<keyof Client, Method>>;

/** etcd3's client, of which nothing but {@linkcode CALLS} can be called. */
export type CallingClient =
  & {
    readonly [S in ServiceOf<Call> as ClientOf<S>]: Narrowed<Etcd3[ClientOf<S>], MethodOf<S>>;
  }
  & Pick<Etcd3, "close">;
