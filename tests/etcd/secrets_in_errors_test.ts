import { doesNotMatch, ok, strictEqual } from "node:assert/strict";
import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { failure, withClient } from "./client.ts";

const PASSWORD = "pass-w0rd of the node";

type Handler = grpc.handleUnaryCall<Buffer, Buffer>;

function unary(path: string): grpc.MethodDefinition<Buffer, Buffer> {
  const asIs = (bytes: Buffer) => bytes;
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** An etcd that gives out a token, or repeats in its refusal what it was sent. */
async function talkative(
  handlers: { authenticate: Handler; range: Handler },
  work: (endpoint: string) => Promise<void>,
): Promise<void> {
  const server = new grpc.Server();
  server.addService({ a: unary("/etcdserverpb.Auth/Authenticate") }, { a: handlers.authenticate });
  server.addService({ r: unary("/etcdserverpb.KV/Range") }, { r: handlers.range });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) reject(error);
    else resolve(port);
  });
  try {
    await work(`http://127.0.0.1:${await promise}`);
  } finally {
    server.forceShutdown();
  }
}

/** An AuthenticateResponse: field 2 is the token. */
function answerWith(token: string): Handler {
  const text = Buffer.from(token);
  return (_call, answer) => answer(null, Buffer.concat([Buffer.from([0x12, text.length]), text]));
}

const CODES = [grpc.status.UNAUTHENTICATED, grpc.status.INTERNAL, grpc.status.UNKNOWN];

Deno.test("an error of etcd never holds the token or the password, whatever the server says or gives out", async () => {
  const passwordFile = Deno.makeTempFileSync();
  Deno.writeTextFileSync(passwordFile, PASSWORD);
  const secrets = ["t0ken.1234", "t0ken\n1234", "t0ken-\u00fc\u202e-1234", "t0ken\x7f"];
  try {
    for (const token of secrets) {
      for (const code of CODES) {
        const range: Handler = ({ metadata }, answer) =>
          answer({ code, details: `no such token: ${metadata.get("token")} etcdserver` });
        await talkative({ authenticate: answerWith(token), range }, async (endpoint) => {
          const options = { endpoints: [endpoint], username: "node", passwordFile };
          await withClient(options, async (etcd) => {
            const error = await failure(etcd.range({ key: Buffer.from("k") }));
            for (let at: unknown = error; at instanceof Error; at = at.cause) {
              doesNotMatch(`${at.message} ${JSON.stringify(at)} ${at.stack}`, /t0ken/);
            }
          });
        });
      }
    }
    for (const code of CODES) {
      const authenticate: Handler = ({ request }, answer) =>
        answer({ code, details: `can't use ${request.toString("latin1")}` });
      await talkative({ authenticate, range: authenticate }, async (endpoint) => {
        await withClient(
          { endpoints: [endpoint], username: "node", passwordFile },
          async (etcd) => {
            const { message, cause } = await failure(etcd.range({ key: Buffer.from("k") }));
            doesNotMatch(message + String(cause), /w0rd/);
            ok(message.includes("can't use") || code === grpc.status.INTERNAL, message);
          },
        );
      });
    }
    strictEqual(Deno.readTextFileSync(passwordFile), PASSWORD);
  } finally {
    Deno.removeSync(passwordFile);
  }
});
