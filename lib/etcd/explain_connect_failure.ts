import { X509Certificate } from "node:crypto";
import { isMeantFor, isSelfSigned, nameOf, weakDigestOf } from "./certificates.ts";
import type { ClientCertificate, TlsCredentials } from "./credentials.ts";
import { isHttps } from "./endpoints.ts";
import { explainCertificate } from "./explain_certificate.ts";
import type { EtcdErrorReason } from "./errors.ts";
import { greet } from "./greeting.ts";
import { isPeerPort, peerPortWords } from "./peer_port.ts";

/** What a look at an endpoint tells. */
export interface Finding {
  readonly reason: EtcdErrorReason;
  /** What is wrong, and what to do; one line. */
  readonly text: string;
}

const CLIENT_PORT = "name etcd's client port, 2379 as a rule, in --etcd-servers";

/**
 * Finds out why no connection comes about, where gRPC's own words don't tell: looks at what answers
 * through Deno's eyes. For use after a failure only; it opens connections of its own.
 *
 * @param endpoint `scheme://host:port`
 * @param tls what the failed connection used
 * @param deadline as {@linkcode deadlineIn} counts
 * @returns what is wrong and what to do; undefined if nothing is to be seen that gRPC's words don't
 * say
 */
export async function explainConnectFailure(
  endpoint: string,
  tls: TlsCredentials | undefined,
  deadline: number,
): Promise<Finding | undefined> {
  const hello = await greet(endpoint, undefined, deadline);
  if (hello.outcome === "silent") return undefined;
  if (await isPeerPort(endpoint, tls, deadline)) {
    return { reason: "not-etcd", text: peerPortWords(endpoint) };
  }
  if (hello.outcome === "mute") return { reason: "unreachable", text: saysNothing(endpoint) };
  if (!isHttps(endpoint)) {
    if (hello.outcome === "http2") return undefined;
    return await speaksTls(endpoint, deadline)
      ? ofTls(`${endpoint} speaks TLS: use https:// in --etcd-servers, and --etcd-cafile`)
      : notEtcd(endpoint, hello.outcome);
  }
  if (hello.outcome === "http2") {
    return ofTls(
      `${endpoint} speaks plain http, without TLS: use http:// in --etcd-servers, or turn on TLS in etcd`,
    );
  }
  if (!tls) return undefined;
  const overTls = await greet(endpoint, {
    caCerts: [tls.ca],
    ...(tls.client && { cert: tls.client.cert, key: tls.client.key }),
  }, deadline);
  if (overTls.outcome === "http1") return notEtcd(endpoint, "http1");
  // It hangs up as soon as it refuses our certificate, maybe while we still write; its alert is lost
  // then. That is what happened if it came as far as showing its own.
  if (overTls.outcome === "hung-up" && await speaksTls(endpoint, deadline)) {
    return ofTls(explainRefusal(endpoint, tls.client));
  }
  // Over TLS it says nothing of a certificate, and without it speaks of something else.
  if (hello.outcome === "http1" && !isOfCertificates(overTls.error)) {
    return notEtcd(endpoint, "http1");
  }
  if (overTls.error === "") return undefined;
  return ofTls(
    overTls.error.includes("invalid peer certificate")
      ? await explainCertificate(endpoint, tls, overTls.error, deadline)
      : explainHandshake(endpoint, tls, overTls.error),
  );
}

function ofTls(text: string): Finding {
  return { reason: "tls", text };
}

function saysNothing(endpoint: string): string {
  return `etcd at ${endpoint} did not answer in time: a connection is taken there, and then nothing comes; it is stopped or overloaded, or something else than etcd listens there`;
}

/** Nothing was sent to it but a hello. */
function notEtcd(endpoint: string, outcome: "http1" | "hung-up" | "failed"): Finding {
  switch (outcome) {
    case "http1":
      return {
        reason: "not-etcd",
        text:
          `what answers at ${endpoint} speaks HTTP/1 alone, which etcd's v3 API does not: it is a web server, etcd's metrics port, or an etcd before 3; ${CLIENT_PORT}`,
      };
    case "hung-up":
      return {
        reason: "unreachable",
        text:
          `what listens at ${endpoint} ends each connection at once: it is no etcd, or a proxy or load balancer that can't reach its etcd; ${CLIENT_PORT}, and check that etcd runs`,
      };
    case "failed":
      return {
        reason: "not-etcd",
        text: `what answers at ${endpoint} speaks no HTTP/2: it is no etcd; ${CLIENT_PORT}`,
      };
  }
}

/** The words are rustls's, as below. */
function isOfCertificates(error: string): boolean {
  return /certificate|alert/i.test(error);
}

/** Any CA will do: that the handshake gets as far as its certificate tells enough. */
async function speaksTls(endpoint: string, deadline: number): Promise<boolean> {
  const { outcome, error } = await greet(endpoint, { caCerts: [] }, deadline);
  return outcome === "http2" || isOfCertificates(error);
}

/**
 * The words are rustls's: `received fatal alert: …` is etcd's judgement of our certificate. etcd
 * before 3.6 says BadCertificate for all that can be wrong with it, so look at what it was shown.
 */
function explainHandshake(endpoint: string, tls: TlsCredentials, error: string): string {
  return /alert: (\w*Certificate\w*|UnknownCA)/.test(error)
    ? explainRefusal(endpoint, tls.client)
    : `the TLS handshake with ${endpoint} failed: ${error}; ${CLIENT_PORT}`;
}

function explainRefusal(endpoint: string, client: ClientCertificate | undefined): string {
  if (!client) {
    return `${endpoint} asks for a client certificate: give --etcd-certfile and --etcd-keyfile`;
  }
  return `${endpoint} refused the client certificate in ${client.certFile} (--etcd-certfile): ` +
    whyRefused(client);
}

function whyRefused({ notBefore, notAfter, cert }: ClientCertificate): string {
  const now = Date.now();
  if (now > notAfter) return `it expired at ${new Date(notAfter).toISOString()}`;
  if (now < notBefore) return "it is not valid yet: check this node's clock";
  const certificate = new X509Certificate(cert);
  if (!isMeantFor("clients", certificate)) {
    return "it is not meant for clients (its extended key usage lacks clientAuth): issue it anew";
  }
  const digest = weakDigestOf(certificate);
  if (digest !== undefined) {
    return `it is signed with ${digest}, which newer etcds don't accept: issue it anew`;
  }
  if (isSelfSigned(certificate)) {
    return "it is signed by itself, and not one that etcd trusts (its --trusted-ca-file)";
  }
  return `it is signed by ${
    nameOf(certificate.issuer)
  }, and that is no CA that etcd trusts (its --trusted-ca-file)`;
}
