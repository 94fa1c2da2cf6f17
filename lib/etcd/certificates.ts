import { X509Certificate } from "node:crypto";

/** The shortest RSA key that TLS takes here, in bits: rustls takes no shorter one. */
export const MIN_RSA_BITS = 2_048;

/** What of a name is printed. */
const MAX_NAME_CHARS = 200;
/** The DER of the object identifiers of RFC 5280, 4.2.1.12. */
const EXTENDED_KEY_USAGE = "0603551d25";
const PURPOSES = { servers: "06082b06010505070301", clients: "06082b06010505070302" };
const ANY_PURPOSE = "0604551d2500";

/**
 * The certificates of a PEM file.
 *
 * @param pem its text
 * @throws {Error} if one is none
 */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/**
 * The length of a certificate's key, if it is too short for TLS.
 *
 * @param certificate the certificate
 * @returns in bits; undefined if the key will do
 */
export function shortKeyOf({ publicKey }: X509Certificate): number | undefined {
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < MIN_RSA_BITS ? bits : undefined;
}

/**
 * The digest that a certificate is signed with, if it is one that nobody trusts any more.
 *
 * @param certificate the certificate
 */
export function weakDigestOf({ signatureAlgorithm }: X509Certificate): string | undefined {
  const name = /md5|sha-?1(?!\d)/i.exec(signatureAlgorithm ?? "")?.[0].toLowerCase();
  return name === undefined ? undefined : name === "md5" ? "MD5" : "SHA-1";
}

/**
 * Tells whether a certificate may serve a purpose; one that names none may serve any.
 *
 * @param purpose which end of a connection
 * @param certificate the certificate
 */
export function isMeantFor(purpose: keyof typeof PURPOSES, { raw }: X509Certificate): boolean {
  const [, purposes] = raw.toString("hex").split(EXTENDED_KEY_USAGE);
  return purposes === undefined || purposes.includes(PURPOSES[purpose]) ||
    purposes.includes(ANY_PURPOSE);
}

/**
 * Tells whether a certificate has no CA but itself.
 *
 * @param certificate the certificate
 */
export function isSelfSigned({ subject, issuer }: X509Certificate): boolean {
  return subject === issuer;
}

/**
 * A subject or issuer in one line; it comes from the other end, and may be anything.
 *
 * @param name as node:crypto has it, a part a line
 */
export function nameOf(name: string | undefined): string {
  return (name ?? "").replace(/\s+/g, " ").trim().slice(0, MAX_NAME_CHARS) || "a CA without a name";
}
