import {
  certificatesIn,
  isSelfSigned,
  MIN_RSA_BITS,
  nameOf,
  shortKeyOf,
  weakDigestOf,
} from "./certificates.ts";
import type { TlsCredentials } from "./credentials.ts";
import { hostAndPort } from "./endpoints.ts";
import { peerCertificate } from "./peer_certificate.ts";

/**
 * Says what is wrong with the certificate that an endpoint showed. Where rustls has one word for
 * several faults, the certificate itself is looked at.
 *
 * @param endpoint `scheme://host:port`
 * @param tls what it was held against
 * @param error rustls's words, with `invalid peer certificate: ` in them
 * @param deadline as {@linkcode deadlineIn} counts
 */
export async function explainCertificate(
  endpoint: string,
  tls: TlsCredentials,
  error: string,
  deadline: number,
): Promise<string> {
  const its = `the certificate of ${endpoint}`;
  if (/not valid for name|NotValidForName/.test(error)) {
    const { hostname } = hostAndPort(endpoint);
    const names = /only valid for (.*)/.exec(error)?.[1] ?? "other names";
    return `${its} is not valid for ${hostname}, only for ${names}: use one of these in --etcd-servers, or issue it anew`;
  }
  if (/not valid yet|NotValidYet/i.test(error)) {
    return `${its} is not valid yet: check this node's clock`;
  }
  if (/expired/i.test(error)) {
    return `${its} has expired (or this node's clock is wrong): renew etcd's certificate`;
  }
  if (/key usage|InvalidPurpose/i.test(error)) {
    return `${its} is not meant for servers (its extended key usage lacks serverAuth): issue it anew`;
  }
  if (error.includes("CaUsedAsEndEntity")) {
    return `${its} is a CA's own, which is not accepted of a server: issue one for etcd`;
  }
  if (!/UnknownIssuer|BadSignature|SignatureAlgorithm/.test(error)) {
    return `${its} is not accepted: ${error}`;
  }
  const certificate = await peerCertificate(endpoint, deadline);
  if (!certificate) {
    // Whoever signed it does not count here; what is left is the key that it proves itself with.
    return error.includes("BadSignature")
      ? `${its} has a key that is not accepted: of RSA it takes ${MIN_RSA_BITS} bits or more; issue it anew`
      : `${its} is not signed by the CA in ${tls.caFile} (--etcd-cafile)`;
  }
  const digest = weakDigestOf(certificate);
  if (digest !== undefined) {
    return `${its} is signed with ${digest}, which is not accepted any more: issue it anew`;
  }
  const [bits] = certificatesIn(tls.ca).flatMap((ca) => shortKeyOf(ca) ?? []);
  if (bits !== undefined && error.includes("BadSignature")) {
    return `the CA in ${tls.caFile} (--etcd-cafile) has an RSA key of ${bits} bits, and ${MIN_RSA_BITS} are needed: make a new CA`;
  }
  if (isSelfSigned(certificate)) {
    return `${its} is signed by itself, not by the CA in ${tls.caFile} (--etcd-cafile): issue one with that CA`;
  }
  const issuer = nameOf(certificate.issuer);
  return error.includes("BadSignature")
    ? `${its} is signed by another CA than the one in ${tls.caFile} (--etcd-cafile), though both are called ${issuer}`
    : `${its} is not signed by the CA in ${tls.caFile} (--etcd-cafile) but by ${issuer}; an intermediate CA's certificate has to stand in etcd's --cert-file`;
}
