import { generateKeyPairSync } from "node:crypto";
// @ts-types="@types/node-forge"
import forge from "node-forge";

/** A certificate and its key on disk, for etcd's and edgekeyd's flags. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What a certificate is to say. */
export interface CertificateOptions {
  /** Common name; etcd takes a client's for its user name. */
  readonly name: string;
  /** Organizations; an apiserver takes a client's for its groups. */
  readonly organizations?: readonly string[];
  /** DNS names and IP addresses that the certificate is valid for. */
  readonly hosts?: readonly string[];
  /** Issue it with a validity that ended an hour ago. */
  readonly expired?: boolean;
  /** Issue it with a validity that begins in an hour. */
  readonly early?: boolean;
  /** Of its RSA key; by default 2,048. */
  readonly bits?: number;
  /** What it is signed with; by default SHA-256. */
  readonly digest?: "md5" | "sha1";
  /** The only end of a connection that it may serve; by default both. */
  readonly purpose?: "server" | "client";
  /** It is a CA's. */
  readonly ca?: boolean;
  /** Sign it by itself. */
  readonly selfSigned?: boolean;
}

const HOUR_MS = 3_600_000;

/** A certificate authority for one test; its files live in `directory`, which the test removes. */
export class TestAuthority {
  readonly #directory: string;
  readonly #name: string;
  readonly #keys: forge.pki.rsa.KeyPair;

  /** The authority's own certificate. */
  readonly caFile: string;

  /**
   * @param directory an existing directory for all files
   * @param name common name and file name of the authority
   * @param bits of its RSA key
   */
  constructor(directory: string, name: string, bits = 2_048) {
    this.#directory = directory;
    this.#name = name;
    this.#keys = keyPair(bits);
    const certificate = blank({ name }, this.#keys.publicKey);
    certificate.setIssuer(commonName(name));
    certificate.setExtensions([
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
      { name: "subjectKeyIdentifier" },
    ]);
    certificate.sign(this.#keys.privateKey, forge.md.sha256.create());
    this.caFile = this.#write(`${name}.crt`, forge.pki.certificateToPem(certificate));
  }

  /**
   * etcd's flags to serve by a certificate, and to take only clients that this authority knows.
   *
   * @param own the server's certificate
   */
  etcdFlags({ certFile, keyFile }: CertificateFiles): string[] {
    return [
      `--cert-file=${certFile}`,
      `--key-file=${keyFile}`,
      "--client-cert-auth",
      `--trusted-ca-file=${this.caFile}`,
    ];
  }

  /**
   * Issues a certificate that serves both ends of a connection.
   *
   * @param options what it is to say
   * @returns its files, named after `options.name`, a `_` for each `:`
   */
  issue(options: CertificateOptions): CertificateFiles {
    const keys = keyPair(options.bits);
    const { ca = false, purpose, digest = "sha256", selfSigned } = options;
    const certificate = blank(options, keys.publicKey);
    certificate.setIssuer(commonName(selfSigned ? options.name : this.#name));
    certificate.setExtensions([
      { name: "basicConstraints", cA: ca },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
      { name: "extKeyUsage", serverAuth: purpose !== "client", clientAuth: purpose !== "server" },
      ...(options.hosts ? [{ name: "subjectAltName", altNames: options.hosts.map(altName) }] : []),
    ]);
    certificate.sign((selfSigned ? keys : this.#keys).privateKey, forge.md[digest].create());
    const fileName = options.name.replaceAll(":", "_");
    return {
      certFile: this.#write(`${fileName}.crt`, forge.pki.certificateToPem(certificate)),
      keyFile: this.#write(`${fileName}.key`, forge.pki.privateKeyToPem(keys.privateKey)),
    };
  }

  #write(name: string, pem: string): string {
    const path = `${this.#directory}/${name}`;
    Deno.writeTextFileSync(path, pem, { mode: 0o600 });
    return path;
  }
}

/** Keys come from node:crypto: forge's own prime search takes seconds. */
function keyPair(modulusLength = 2_048): forge.pki.rsa.KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", {
    modulusLength,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return {
    publicKey: forge.pki.publicKeyFromPem(publicKey),
    privateKey: forge.pki.privateKeyFromPem(privateKey),
  };
}

function blank(options: CertificateOptions, key: forge.pki.rsa.PublicKey): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  const now = Date.now();
  certificate.publicKey = key;
  // The first byte keeps the serial number positive, and as short as DER wants it: Go refuses a
  // certificate whose number begins with zeros.
  certificate.serialNumber = `40${forge.util.bytesToHex(forge.random.getBytesSync(8))}`;
  certificate.validity.notBefore = new Date(now + (options.early ? 1 : -48) * HOUR_MS);
  certificate.validity.notAfter = new Date(now + (options.expired ? -HOUR_MS : 48 * HOUR_MS));
  certificate.setSubject([
    ...(options.organizations ?? []).map((value) => ({ name: "organizationName", value })),
    ...commonName(options.name),
  ]);
  return certificate;
}

function commonName(value: string): forge.pki.CertificateField[] {
  return [{ name: "commonName", value }];
}

function altName(host: string): { type: number; value?: string; ip?: string } {
  const isIp = /^[0-9.]+$|:/.test(host);
  return isIp ? { type: 7, ip: host } : { type: 2, value: host };
}
