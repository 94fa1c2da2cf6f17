import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { EtcdConfigError } from "../../lib/etcd/config_error.ts";
import { hostAndPort, parseEndpoints } from "../../lib/etcd/endpoints.ts";

const ACCEPTED: [text: string, tls: boolean, endpoints: string[]][] = [
  ["127.0.0.1", false, ["http://127.0.0.1:2379"]],
  ["127.0.0.1", true, ["https://127.0.0.1:2379"]],
  ["http://etcd-0.pool:80", true, ["http://etcd-0.pool:80"]],
  ["https://etcd:443/", false, ["https://etcd:443"]],
  ["HTTPS://ETCD_0:2379", false, ["https://etcd_0:2379"]],
  [" a:1 , b:2 ", false, ["http://a:1", "http://b:2"]],
  ["[::1]:2380", false, ["http://[::1]:2380"]],
  ["https://[FD00:0:0:0:0:0:0:1]", false, ["https://[fd00::1]:2379"]],
  ["http://a:1,b:2", false, ["http://a:1", "http://b:2"]],
];

const REFUSED: [text: string, message: RegExp][] = [
  ["", /is empty/],
  ["a,,b", /is empty/],
  ["a,", /is empty/],
  ["http://", /not of the form/],
  ["http://a/v3", /without a path/],
  ["a?x=1", /not of the form/],
  ["unix:///run/etcd.sock", /neither http:\/\/ nor https:\/\//],
  ["unix:/run/etcd.sock", /neither/],
  ["unixs://a", /neither/],
  ["grpc://a:1", /neither/],
  ["::1", /IPv6 address in brackets/],
  ["[::1", /not of the form/],
  ["[fe80::1%eth0]:1", /neither a host name nor an IP address/],
  ["[nonsense]:1", /neither a host name/],
  ["256.0.0.1", /neither a host name/],
  ["2379", /neither a host name/],
  ["-a:1", /neither a host name/],
  ["a..b", /neither a host name/],
  ["a:0", /port outside/],
  ["a:65536", /port outside/],
  ["a:b", /not of the form/],
  ["a,A:2379", /http:\/\/a:2379 twice/],
  ["[::1],[0:0::1]", /twice/],
  ["http://a,https://b", /mixes http and https/],
  [Array.from({ length: 17 }, (_, i) => `h${i}`).join(","), /17 endpoints, at most 16/],
];

for (const [text, tls, endpoints] of ACCEPTED) {
  Deno.test(`endpoints: "${text}"${tls ? " with TLS files" : ""} is taken`, () => {
    deepStrictEqual(parseEndpoints(text, { tls }), endpoints);
  });
}

for (const [text, message] of REFUSED) {
  Deno.test(`endpoints: "${text.slice(0, 30)}" is refused, and the flag named`, () => {
    const error = refusal(text);
    strictEqual(error.code, "EtcdConfig");
    match(error.message, /--etcd-servers/);
    match(error.message, message);
  });
}

Deno.test("endpoints: a password in an endpoint is refused and not repeated", () => {
  const { message } = refusal("https://root:hunter2@a:1");
  match(message, /--etcd-password-file/);
  strictEqual(message.includes("hunter2"), false);
});

Deno.test("endpoints: what to connect to, without brackets", () => {
  deepStrictEqual(hostAndPort("https://[::1]:2380"), { hostname: "::1", port: 2380 });
  deepStrictEqual(hostAndPort("http://a:1"), { hostname: "a", port: 1 });
});

function refusal(text: string): EtcdConfigError {
  try {
    parseEndpoints(text, { tls: false });
  } catch (error) {
    if (error instanceof EtcdConfigError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}
