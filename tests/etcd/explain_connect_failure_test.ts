import { match, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { connect as netConnect, createServer, type Socket } from "node:net";
import { readTlsCredentials } from "../../lib/etcd/credentials.ts";
import { deadlineIn } from "../../lib/etcd/deadline.ts";
import { explainConnectFailure } from "../../lib/etcd/explain_connect_failure.ts";
import { TestAuthority } from "../support/certificates.ts";
import { startEtcd } from "../support/etcd_server.ts";

/** Serves each connection on a free loopback port, until disposed of. */
async function listen(
  serve: (client: Socket) => void,
): Promise<AsyncDisposable & { port: number }> {
  const server = createServer((client) => serve(client.on("error", () => {})));
  const closed = once(server, "close");
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: Number(Object(server.address()).port),
    async [Symbol.asyncDispose]() {
      server.close();
      await closed;
    },
  };
}

function resetAtOnce(client: Socket): void {
  client.once("data", () => client.resetAndDestroy());
}

const [CHANGE_CIPHER_SPEC, HANDSHAKE] = [20, 22];
const RECORD_HEADER_BYTES = 5;
const CLIENT_HELLO = 1;

/**
 * Tells whether all that a client says comes before any certificate: a hello, one more if it is
 * asked to try again, and what it says in between for the sake of middleboxes.
 */
function isHello(said: Uint8Array): boolean {
  for (let at = 0; at < said.length;) {
    const record = said.subarray(at);
    const hello = record[0] === HANDSHAKE && record[RECORD_HEADER_BYTES] === CLIENT_HELLO;
    if (!hello && record[0] !== CHANGE_CIPHER_SPEC) return false;
    at += RECORD_HEADER_BYTES + (record[3] ?? 0) * 256 + (record[4] ?? 0);
  }
  return true;
}

/** Hands on the handshake until the client answers the server's certificate. */
function resetAfterHello(client: Socket, port: number): void {
  const server = netConnect(port, "127.0.0.1").on("error", () => {});
  server.pipe(client);
  client.on("close", () => server.destroy());
  client.on("data", (said) => {
    if (typeof said !== "string" && isHello(said)) server.write(said);
    else client.resetAndDestroy();
  });
}

Deno.test("explainConnectFailure: a connection that is reset in the handshake", async (t) => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-explain-" });
  try {
    const ca = new TestAuthority(directory, "ca");
    const { certFile, keyFile } = ca.issue({ name: "server", hosts: ["127.0.0.1"] });
    await using etcd = await startEtcd({
      scheme: "https",
      args: [`--cert-file=${certFile}`, `--key-file=${keyFile}`],
    });
    const explain = async (port: number, client?: { certFile: string; keyFile: string }) => {
      const endpoint = `https://127.0.0.1:${port}`;
      const files = { caFile: ca.caFile, ...client };
      const tls = readTlsCredentials([endpoint], files);
      return (await explainConnectFailure(endpoint, tls, deadlineIn(5_000)))?.text ?? "";
    };

    await t.step("after the server's certificate: it refused ours, its alert is lost", async () => {
      await using proxy = await listen((client) => resetAfterHello(client, etcd.port));
      match(await explain(proxy.port), /asks for a client certificate: give --etcd-certfile/);
      const expired = ca.issue({ name: "expired", expired: true });
      match(await explain(proxy.port, expired), /refused the client certificate in .*: it expired/);
    });

    await t.step("before it: no word of our certificate", async () => {
      await using deaf = await listen(resetAtOnce);
      match(await explain(deaf.port), /the TLS handshake with https:.* failed: .*reset/i);
    });

    await t.step("not at all", async () => strictEqual(await explain(etcd.port), ""));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
