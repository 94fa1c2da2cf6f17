import { match, rejects, strictEqual } from "node:assert/strict";
import { connect } from "../../lib/etcd/mod.ts";
import type { TlsFiles } from "../../lib/etcd/credentials.ts";
import { type CertificateOptions, TestAuthority } from "../support/certificates.ts";
import { startEtcd } from "../support/etcd_server.ts";
import { CONNECTING_MS, failure, withClient } from "./client.ts";

const HOSTS = ["127.0.0.1"];

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-certificates-" });
  try {
    await work(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

/** What is said where a server shows this certificate. */
async function saidOf(
  issuer: TestAuthority,
  options: Omit<CertificateOptions, "name">,
  files: TlsFiles,
): Promise<string> {
  const { certFile, keyFile } = issuer.issue({ name: "server", hosts: HOSTS, ...options });
  await using server = await startEtcd({
    scheme: "https",
    args: [`--cert-file=${certFile}`, `--key-file=${keyFile}`],
  });
  let message = "";
  await withClient({ endpoints: [server.endpoint], ...files }, async (etcd) => {
    const error = await failure(etcd.txn({}));
    strictEqual(error.reason, "tls", error.message);
    message = error.message;
  }, CONNECTING_MS);
  return message;
}

Deno.test("explainConnectFailure says of each fault of etcd's certificate what it is, and of no other that the CA did not sign it", async () => {
  await inDirectory(async (directory) => {
    const ca = new TestAuthority(directory, "ca");
    const other = new TestAuthority(directory, "other");
    const weak = new TestAuthority(directory, "weak", 1_024);
    Deno.mkdirSync(`${directory}/twin`);
    const twin = new TestAuthority(`${directory}/twin`, "ca");
    const { caFile } = ca;
    const cases: [TestAuthority, Omit<CertificateOptions, "name">, RegExp, TlsFiles?][] = [
      [ca, { bits: 1_024 }, /has a key that is not accepted: of RSA it takes 2048 bits or more/],
      [ca, { digest: "sha1" }, /is signed with SHA-1, which is not accepted any more/],
      [ca, { digest: "md5" }, /is signed with MD5, which is not accepted any more/],
      [ca, { early: true }, /is not valid yet: check this node's clock/],
      [ca, { expired: true }, /has expired \(or this node's clock is wrong\)/],
      [ca, { hosts: ["10.9.9.9"] }, /is not valid for 127\.0\.0\.1, only for .*10\.9\.9\.9/],
      [ca, { purpose: "client" }, /is not meant for servers/],
      [ca, { ca: true }, /is a CA's own, which is not accepted of a server/],
      [ca, { selfSigned: true }, /is signed by itself, not by the CA in .*ca\.crt/],
      [weak, {}, /the CA in .*weak\.crt .* has an RSA key of 1024 bits/, { caFile: weak.caFile }],
      [twin, {}, /by another CA than the one in .*, though both are called CN=ca/],
      [other, {}, /is not signed by the CA in .*ca\.crt \(--etcd-cafile\) but by CN=other;/],
    ];
    for (const [issuer, options, said, files = { caFile }] of cases) {
      const message = await saidOf(issuer, options, files);
      match(message, said);
      strictEqual(/not signed by the CA in/.test(message), issuer === other, message);
    }
  });
});

Deno.test("explainConnectFailure says of each fault of our own certificate what it is", async () => {
  await inDirectory(async (directory) => {
    const ca = new TestAuthority(directory, "ca");
    const other = new TestAuthority(directory, "other");
    const { certFile, keyFile } = ca.issue({ name: "server", hosts: HOSTS });
    await using server = await startEtcd({
      scheme: "https",
      args: [
        `--cert-file=${certFile}`,
        `--key-file=${keyFile}`,
        "--client-cert-auth",
        `--trusted-ca-file=${ca.caFile}`,
      ],
    });
    const endpoints = [server.endpoint];
    const { caFile } = ca;
    const cases: [TestAuthority, Omit<CertificateOptions, "name">, RegExp][] = [
      [ca, { purpose: "server" }, /it is not meant for clients/],
      [ca, { expired: true }, /it expired at /],
      [ca, { early: true }, /it is not valid yet/],
      [ca, { selfSigned: true }, /it is signed by itself/],
      [other, {}, /it is signed by CN=other, and that is no CA that etcd trusts/],
    ];
    for (const [issuer, options, said] of cases) {
      const client = issuer.issue({ name: "me", ...options });
      await withClient({ endpoints, caFile, ...client }, async (etcd) => {
        match((await failure(etcd.txn({}))).message, said);
      }, CONNECTING_MS);
    }
    const short = ca.issue({ name: "short", bits: 1_024 });
    await rejects(connect({ endpoints, caFile, ...short, timeoutMs: 1_000 }), {
      code: "EtcdConfig",
      message: /short\.crt has an RSA key of 1024 bits, and 2048 are needed/,
    });
  });
});
