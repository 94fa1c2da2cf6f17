import { isHttps } from "./endpoints.ts";

/** Something that lets others have what etcd knows us by. */
export interface Exposure {
  /** A file or an endpoint. */
  readonly about: string;
  /** What lets them. */
  readonly reason: string;
}

/** Where secrets are, and where they go. */
export interface SecretPlaces {
  /** As `parseEndpoints` returns them. */
  readonly endpoints: readonly string[];
  /** `--etcd-keyfile` */
  readonly keyFile?: string | undefined;
  /** `--etcd-password-file` */
  readonly passwordFile?: string | undefined;
}

/** Of a file's mode, what those have who are neither its owner nor in its group. */
const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;

/**
 * Looks who else could have the password or the key.
 *
 * @param places where they are, and where they go
 * @returns each way; none for a file that can't be looked at, which is told elsewhere
 */
export function exposuresOf({ endpoints, keyFile, passwordFile }: SecretPlaces): Exposure[] {
  const clear = passwordFile === undefined ? [] : endpoints.filter((one) => !isHttps(one));
  return [
    ...clear.map((about) => ({ about, reason: "the password goes there without TLS" })),
    ...fileExposure(passwordFile, "password"),
    ...fileExposure(keyFile, "private key"),
  ];
}

function fileExposure(path: string | undefined, what: string): Exposure[] {
  if (path === undefined) return [];
  let mode: number;
  try {
    mode = Deno.statSync(path).mode ?? 0;
  } catch {
    return [];
  }
  const acts = [
    ...(mode & OTHERS_READ ? ["read"] : []),
    ...(mode & OTHERS_WRITE ? ["replace"] : []),
  ];
  const reason = `every user of this machine can ${acts.join(" and ")} the ${what} in it`;
  return acts.length === 0 ? [] : [{ about: path, reason }];
}
