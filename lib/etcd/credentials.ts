import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { readRegularFile, whyUnread } from "../regular_file.ts";
import { MIN_RSA_BITS, shortKeyOf } from "./certificates.ts";
import { whyClosed } from "./closed_place.ts";
import { EtcdConfigError } from "./config_error.ts";
import { isHttps } from "./endpoints.ts";

/** The files that TLS to etcd needs, by the flags that name them. */
export interface TlsFiles {
  /** `--etcd-cafile`: PEM, the CA that signed etcd's certificate. */
  readonly caFile?: string;
  /** `--etcd-certfile`: PEM, this client's certificate, for etcd's `--client-cert-auth`. */
  readonly certFile?: string;
  /** `--etcd-keyfile`: PEM, the key of that certificate. */
  readonly keyFile?: string;
}

/** The user to log in as, by the flags that say so. */
export interface UserFiles {
  /** `--etcd-username` */
  readonly username?: string;
  /** `--etcd-password-file` */
  readonly passwordFile?: string;
}

/** Who to log in as: what was read from the flags of {@linkcode UserFiles}. */
export interface User {
  readonly name: string;
  readonly password: string;
}

/** What was read from the files for TLS, checked. */
export interface TlsCredentials {
  readonly caFile: string;
  readonly ca: string;
  /** This client's own, if etcd is to see one. */
  readonly client?: ClientCertificate;
}

/** A certificate and the key that belongs to it, as PEM. */
export interface ClientCertificate {
  readonly certFile: string;
  readonly cert: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const MAX_PEM_BYTES = 1024 * 1024;
const MAX_PASSWORD_BYTES = 4096;

/** Down to the patch: earlier ones of 2.9 were never tried. */
const MIN_DENO = [2, 9, 6] as const;

/**
 * Checks whether the flags for TLS go together; nothing is read.
 *
 * @param endpoints all http or all https
 * @param files the flags
 * @throws {EtcdConfigError} if https has no CA, http is given files, or key or certificate is
 *   missing
 */
export function checkTlsFlags(
  endpoints: readonly string[],
  { caFile, certFile, keyFile }: TlsFiles,
): void {
  if (!endpoints.some(isHttps)) {
    if (!(caFile ?? certFile ?? keyFile)) return;
    throw new EtcdConfigError(
      "--etcd-cafile, --etcd-certfile and --etcd-keyfile need https:// endpoints in --etcd-servers",
    );
  }
  if (!caFile) {
    throw new EtcdConfigError(
      "https:// endpoints need --etcd-cafile, the CA that signed etcd's certificate",
    );
  }
  if (!certFile !== !keyFile) {
    throw new EtcdConfigError("--etcd-certfile and --etcd-keyfile go together: one is missing");
  }
}

/**
 * Reads and checks what TLS to the endpoints needs.
 *
 * @param endpoints all http or all https
 * @param files the flags
 * @returns undefined for http
 * @throws {EtcdConfigError} if a file is missing, unreadable, or not what its flag says, if key
 *   and certificate don't belong together or are too short, if this Deno can't do TLS to etcd, or what
 *   {@linkcode checkTlsFlags} throws
 */
export function readTlsCredentials(
  endpoints: readonly string[],
  files: TlsFiles,
): TlsCredentials | undefined {
  checkTlsFlags(endpoints, files);
  const { caFile, certFile, keyFile } = files;
  if (!caFile) return undefined;
  requireTlsSupport(Deno.version.deno);
  const ca = readPem("--etcd-cafile", caFile);
  parseCertificate("--etcd-cafile", caFile, ca);
  if (!certFile || !keyFile) return { caFile, ca };

  const cert = readPem("--etcd-certfile", certFile);
  const key = readPem("--etcd-keyfile", keyFile);
  const certificate = parseCertificate("--etcd-certfile", certFile, cert);
  const bits = shortKeyOf(certificate);
  if (bits !== undefined) {
    throw new EtcdConfigError(
      `--etcd-certfile: ${certFile} has an RSA key of ${bits} bits, and ${MIN_RSA_BITS} are needed: issue it anew`,
    );
  }
  if (!samePublicKey(certificate.publicKey, parseKey(keyFile, key))) {
    throw new EtcdConfigError(
      `the key in ${keyFile} (--etcd-keyfile) is not the one of the certificate in ${certFile} (--etcd-certfile)`,
    );
  }
  return {
    caFile,
    ca,
    client: {
      certFile,
      cert,
      key,
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
    },
  };
}

/**
 * Reads the password; one newline at the end of its file is not part of it.
 *
 * @param files the flags
 * @returns undefined if there is no user
 * @throws {EtcdConfigError} if one flag lacks the other, or if the file is unreadable, empty, over
 *   4 KiB, or not UTF-8
 */
export function readUser({ username, passwordFile }: UserFiles): User | undefined {
  if (username === undefined && passwordFile === undefined) return undefined;
  if (!username || !passwordFile) {
    throw new EtcdConfigError(
      "--etcd-username and --etcd-password-file go together: one is missing",
    );
  }
  const flag = "--etcd-password-file";
  const bytes = readLimited(flag, passwordFile, MAX_PASSWORD_BYTES);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new EtcdConfigError(`${flag}: ${passwordFile} is not UTF-8 text`, { cause });
  }
  const password = text.replace(/\r?\n$/, "");
  if (password === "") throw new EtcdConfigError(`${flag}: ${passwordFile} is empty`);
  return { name: username, password };
}

/**
 * Older Deno drops the client certificate without a word, so that etcd's refusal would mislead.
 *
 * @param version of Deno, as `2.9.8`
 * @throws {EtcdConfigError} if it is too old for TLS to etcd
 */
export function requireTlsSupport(version: string): void {
  const parts = version.split(/[.+-]/, 3).map(Number);
  for (const [index, least] of MIN_DENO.entries()) {
    const part = parts[index] ?? 0;
    if (part > least) return;
    if (part < least) {
      throw new EtcdConfigError(
        `TLS to etcd needs Deno ${MIN_DENO.join(".")} or later; this is ${version}: ` +
          `build edgekeyd with a newer Deno, or use http:// endpoints`,
      );
    }
  }
}

function readPem(flag: string, path: string): string {
  const text = new TextDecoder().decode(readLimited(flag, path, MAX_PEM_BYTES));
  if (!text.includes("-----BEGIN ")) throw new EtcdConfigError(`${flag}: ${path} is not PEM`);
  return text;
}

function readLimited(flag: string, path: string, maxBytes: number): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readRegularFile(path, maxBytes);
  } catch (cause) {
    const why = `${whyUnread(cause)}${whyClosed(path)}`;
    throw new EtcdConfigError(`${flag}: can't read ${path}: ${why}`, { cause });
  }
  if (bytes.length > 0) return bytes;
  throw new EtcdConfigError(`${flag}: ${path} is empty${whyClosed(path)}`);
}

function parseCertificate(flag: string, path: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(pem));
  } catch (cause) {
    throw new EtcdConfigError(`${flag}: ${path} holds no certificate`, { cause });
  }
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    return createPublicKey(createPrivateKey(pem));
  } catch (cause) {
    throw new EtcdConfigError(
      `--etcd-keyfile: ${path} holds no private key that can be read without a passphrase`,
      { cause },
    );
  }
}

function samePublicKey(one: KeyObject, other: KeyObject): boolean {
  const [a, b] = [one, other].map((key) => key.export({ type: "spki", format: "pem" }));
  return a === b;
}
