import { match, ok, rejects, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "../../lib/etcd/connect.ts";
import { requireTlsSupport, type TlsFiles } from "../../lib/etcd/credentials.ts";
import { parseEndpoints } from "../../lib/etcd/endpoints.ts";
import { type CertificateFiles, TestAuthority } from "../support/certificates.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { BACKOFF_MS, elapsed, failure, withClient } from "./client.ts";

/** Certificates of one test; the directory goes with it. */
class Certificates implements Disposable {
  readonly directory = Deno.makeTempDirSync({ prefix: "edgekeyd-tls-" });
  readonly ca = new TestAuthority(this.directory, "ca");

  server(expired = false, hosts = ["localhost", "127.0.0.1"]): CertificateFiles {
    return this.ca.issue({ name: "server", hosts, expired });
  }

  /** Flags of a client with a certificate of this CA. */
  client(files: CertificateFiles = this.ca.issue({ name: "client" })): TlsFiles {
    return { caFile: this.ca.caFile, ...files };
  }

  file(name: string, text: string): string {
    const path = `${this.directory}/${name}`;
    Deno.writeTextFileSync(path, text);
    return path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.directory, { recursive: true });
  }
}

function startTls(server: CertificateFiles, clientCaFile?: string): Promise<EtcdServer> {
  return startEtcd({
    scheme: "https",
    args: [
      `--cert-file=${server.certFile}`,
      `--key-file=${server.keyFile}`,
      ...(clientCaFile ? ["--client-cert-auth", `--trusted-ca-file=${clientCaFile}`] : []),
    ],
  });
}

function byName(server: EtcdServer): string {
  return `https://localhost:${server.port}`;
}

/** Both a read and a Txn must fail, soon, as `tls`, with the one reason. */
async function expectTlsFailure(endpoint: string, files: TlsFiles, message: RegExp): Promise<void> {
  await withClient({ endpoints: [endpoint], ...files }, async (etcd) => {
    for (const call of [() => etcd.range({ key: Buffer.from("k") }), () => etcd.txn({})]) {
      const failed = failure(call());
      const took = await elapsed(failed);
      const error = await failed;
      match(error.message, message);
      strictEqual(error.reason, "tls", error.message);
      strictEqual(error.outcome, "not-applied");
      strictEqual(error.message.includes("\n"), false);
      ok(took < 4_000, `${took} ms`);
    }
  }, BACKOFF_MS);
}

Deno.test("tls: by name and by address, server certificate only", async () => {
  using certificates = new Certificates();
  await using server = await startTls(certificates.server());
  const { caFile } = certificates.ca;
  for (const endpoint of [byName(server), server.endpoint]) {
    await withClient({ endpoints: [endpoint], caFile }, async (etcd) => {
      await etcd.txn({ success: [{ request_put: { key: Buffer.from("k") } }] });
      strictEqual((await etcd.range({ key: Buffer.from("k") })).count, "1");
    });
  }
});

Deno.test("tls: client certificates", async (t) => {
  using certificates = new Certificates();
  const { ca } = certificates;
  const other = new TestAuthority(certificates.directory, "other");
  await using server = await startTls(certificates.server(), ca.caFile);
  const client = certificates.client();

  for (const endpoint of [byName(server), server.endpoint]) {
    await t.step(`accepted at ${endpoint.replace(/\d+$/, "PORT")}`, async () => {
      await withClient({ endpoints: [endpoint], ...client }, async (etcd) => {
        await etcd.range({ key: Buffer.from("k") });
      });
    });
    await t.step(`failures at ${endpoint.replace(/\d+$/, "PORT")}`, async () => {
      await expectTlsFailure(
        endpoint,
        { caFile: ca.caFile },
        /asks for a client certificate: give --etcd-certfile and --etcd-keyfile/,
      );
      await expectTlsFailure(
        endpoint,
        certificates.client(ca.issue({ name: "expired", expired: true })),
        /expired\.crt \(--etcd-certfile\): it expired at \d{4}-/,
      );
      await expectTlsFailure(
        endpoint,
        certificates.client(other.issue({ name: "foreign" })),
        /foreign\.crt \(--etcd-certfile\): it is signed by CN=other, and that is no CA that etcd trusts/,
      );
      await expectTlsFailure(
        endpoint,
        { ...client, caFile: other.caFile },
        /is not signed by the CA in .*other\.crt \(--etcd-cafile\)/,
      );
    });
  }

  await t.step("http:// to an https server", async () => {
    await expectTlsFailure(
      server.endpoint.replace("https", "http"),
      {},
      /speaks TLS: use https:\/\/ in --etcd-servers/,
    );
  });

  await t.step("a server that is down is no matter of TLS", async () => {
    await server.kill();
    await withClient({ endpoints: [server.endpoint], ...client }, async (etcd) => {
      const error = await failure(etcd.txn({}));
      strictEqual(error.reason, "unreachable");
      match(error.message, /ECONNREFUSED/);
    }, BACKOFF_MS);
  });
});

Deno.test("tls: a server certificate for another name", async () => {
  using certificates = new Certificates();
  await using server = await startTls(certificates.server(false, ["etcd.example"]));
  const { caFile } = certificates.ca;
  await expectTlsFailure(
    byName(server),
    { caFile },
    /not valid for localhost, only for .*etcd\.example/,
  );
  await expectTlsFailure(server.endpoint, { caFile }, /not valid for 127\.0\.0\.1, only for/);
});

Deno.test("tls: an expired server certificate", async () => {
  using certificates = new Certificates();
  await using server = await startTls(certificates.server(true));
  const { caFile } = certificates.ca;
  await expectTlsFailure(byName(server), { caFile }, /the certificate of .* has expired .*clock/);
  await expectTlsFailure(server.endpoint, { caFile }, /the certificate of .* has expired/);
});

Deno.test("tls: https:// to a plain http server", async () => {
  using certificates = new Certificates();
  await using server = await startEtcd();
  await expectTlsFailure(
    server.endpoint.replace("http", "https"),
    { caFile: certificates.ca.caFile },
    /speaks plain http, without TLS: use http:\/\//,
  );
});

Deno.test("tls: files that can't work are refused before any call", async () => {
  using certificates = new Certificates();
  const { ca, directory } = certificates;
  const good = certificates.client();
  const another = ca.issue({ name: "another" });
  const refuse = async (files: TlsFiles, message: RegExp, endpoint = "https://127.0.0.1:1") => {
    await rejects(connect({ endpoints: [endpoint], timeoutMs: 1000, ...files }), {
      code: "EtcdConfig",
      message,
    });
  };
  const missing = `${directory}/missing`;
  const text = certificates.file("text", "not a certificate");
  const broken = certificates.file("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n");
  const large = certificates.file("large", "x".repeat(1024 * 1024 + 1));

  await refuse({}, /need --etcd-cafile/);
  await refuse(good, /need https:\/\//, "http://127.0.0.1:1");
  await refuse({ caFile: missing }, /--etcd-cafile: can't read .*missing: there is no such file/);
  await refuse({ caFile: directory }, /--etcd-cafile: .*: not a regular file/);
  await refuse({ caFile: text }, /--etcd-cafile: .*text is not PEM/);
  await refuse({ caFile: broken }, /--etcd-cafile: .*broken holds no certificate/);
  await refuse({ caFile: large }, /--etcd-cafile: .*large: larger than 1048576 bytes/);
  await refuse({ ...good, certFile: text }, /--etcd-certfile: .*text is not PEM/);
  await refuse({ ...good, certFile: broken }, /--etcd-certfile: .*broken holds no certificate/);
  await refuse({ ...good, keyFile: missing }, /--etcd-keyfile: can't read/);
  await refuse({ ...good, keyFile: ca.caFile }, /--etcd-keyfile: .* holds no private key/);
  await refuse(
    { ...good, keyFile: another.keyFile },
    /another\.key \(--etcd-keyfile\) is not the one of the certificate in .*client\.crt/,
  );
  await refuse({ caFile: ca.caFile, certFile: another.certFile }, /go together: one is missing/);
  await refuse({ caFile: ca.caFile, keyFile: another.keyFile }, /go together: one is missing/);
});

Deno.test("tls: a Deno that can't is named", () => {
  for (const version of ["2.6.10", "2.9.5", "1.46.3"]) {
    let message = "";
    try {
      requireTlsSupport(version);
    } catch (error) {
      message = String(error);
    }
    match(message, new RegExp(`needs Deno 2\\.9\\.6 or later; this is ${version}`));
  }
  for (const version of ["2.9.6", "2.9.8", "2.10.0", "3.0.0-rc.1", "2.9.8+abc"]) {
    requireTlsSupport(version);
  }
});

Deno.test("tls: an endpoint without a scheme is https if there are files", () => {
  strictEqual(parseEndpoints("etcd", { tls: true })[0], "https://etcd:2379");
});
