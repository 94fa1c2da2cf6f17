import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import type { TlsCredentials, User } from "./credentials.ts";
import { EtcdError } from "./errors.ts";
import type { RangeRequest } from "./messages.ts";
import { saidLine } from "./said.ts";

/** What a user may not do. */
export interface Denial {
  readonly access: "read" | "write";
  /** A key, or the first and the last of a range. */
  readonly first: string;
  readonly last?: string;
}

/** Who etcd takes us for. */
export interface Identity {
  readonly name: string;
  /** What says so, for messages. */
  readonly source: string;
}

/**
 * Who etcd takes us for, if it has authentication turned on: the user that logs in, else the
 * common name of the client certificate.
 *
 * @param user of the flags
 * @param tls of the flags
 * @returns undefined if we are nobody
 */
export function identityOf(
  user: User | undefined,
  tls: TlsCredentials | undefined,
): Identity | undefined {
  if (user) return { name: user.name, source: "--etcd-username" };
  if (!tls?.client) return undefined;
  const { subject } = new X509Certificate(Buffer.from(tls.client.cert));
  const name = /^CN=(.*)$/m.exec(subject)?.[1];
  return name === undefined
    ? undefined
    : { name, source: `the common name in ${tls.client.certFile}` };
}

/** The range that a read asks for, which was denied. */
export function deniedRead({ key, range_end: end }: RangeRequest): Denial {
  const first = String(key ?? "");
  // Ranges here end right behind their last key.
  const last = String(end ?? "").replace(/\0$/, "");
  return { access: "read", first, ...(last !== "" && last !== first && { last }) };
}

/**
 * The error that tells of a denial.
 *
 * @param endpoint who said so
 * @param denial what was denied
 * @param identity to whom
 * @param roles that the user has; undefined if that could not be found out
 * @param cause etcd's own words
 */
export function permissionDenied(
  endpoint: string,
  denial: Denial,
  identity: Identity,
  roles: readonly string[] | undefined,
  cause?: unknown,
): EtcdError {
  const { access, first, last } = denial;
  const what = last === undefined ? first : `${first} to ${last}`;
  const [role] = roles ?? [];
  const has = roles === undefined
    ? ""
    : role === undefined
    ? ", no role"
    : `, role ${saidLine(roles.join(", "))}`;
  const todo = roles !== undefined && role === undefined
    ? `give it a role with etcdctl user grant-role ${identity.name}`
    : `see etcdctl role grant-permission ${saidLine(role ?? "ROLE")}`;
  return new EtcdError(
    "permission-denied",
    `etcd at ${endpoint} denied permission to ${access} ${what} to user "${identity.name}" ` +
      `(${identity.source}${has}); ${todo}`,
    { cause },
  );
}
