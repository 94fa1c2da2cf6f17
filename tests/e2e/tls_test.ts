import { strictEqual } from "node:assert/strict";
import { TestAuthority } from "../support/certificates.ts";
import { type EtcdServer, startEtcd } from "../support/etcd_server.ts";
import { expectExit } from "./_contract.ts";
import { EdgeNode } from "./_node.ts";

Deno.test("tls: by name and by address; what is wrong with a certificate is said", async (t) => {
  const directory = Deno.makeTempDirSync({ prefix: "edgekeyd-e2e-tls-" });
  try {
    const ca = new TestAuthority(directory, "ca");
    const other = new TestAuthority(directory, "other");
    const serve = (name: string, options: { hosts: string[]; expired?: boolean }) => {
      const own = ca.issue({ name, ...options });
      return startEtcd({ scheme: "https", args: ca.etcdFlags(own) });
    };
    await using good = await serve("server", { hosts: ["localhost", "127.0.0.1"] });
    await using misnamed = await serve("misnamed", { hosts: ["etcd.example"] });
    await using stale = await serve("stale", { hosts: ["localhost", "127.0.0.1"], expired: true });
    const issued = {
      client: ca.issue({ name: "client" }),
      another: ca.issue({ name: "another" }),
      expired: ca.issue({ name: "expired", expired: true }),
      foreign: other.issue({ name: "foreign" }),
    };
    const flags = (certificate: keyof typeof issued, caFile = ca.caFile) => [
      `--etcd-cafile=${caFile}`,
      `--etcd-certfile=${issued[certificate].certFile}`,
      `--etcd-keyfile=${issued[certificate].keyFile}`,
    ];
    const mismatched = [
      ...flags("client").slice(0, 2),
      `--etcd-keyfile=${issued.another.keyFile}`,
    ];

    const cases: [string, EtcdServer, string[], RegExp][] = [
      [
        "a CA that did not sign",
        good,
        flags("client", other.caFile),
        /^edgekeyd: the certificate of https:\/\/HOST is not signed by the CA in .*other\.crt \(--etcd-cafile\)/,
      ],
      [
        "a name it is not for",
        misnamed,
        flags("client"),
        /the certificate of https:\/\/HOST is not valid for .*only for .*etcd\.example/,
      ],
      [
        "etcd's certificate has expired",
        stale,
        flags("client"),
        /the certificate of https:\/\/HOST has expired/,
      ],
      [
        "our certificate has expired",
        good,
        flags("expired"),
        /https:\/\/HOST refused the client certificate in .*expired\.crt \(--etcd-certfile\): it expired at/,
      ],
      [
        "our certificate is another CA's",
        good,
        flags("foreign"),
        /https:\/\/HOST refused the client certificate in .*foreign\.crt/,
      ],
      [
        "no client certificate",
        good,
        [`--etcd-cafile=${ca.caFile}`],
        /https:\/\/HOST asks for a client certificate: give --etcd-certfile/,
      ],
      [
        "a key of another certificate",
        good,
        mismatched,
        /the key in .*another\.key \(--etcd-keyfile\) is not the one of the certificate in .*client\.crt/,
      ],
    ];
    for (const [name, server, args, says] of cases) {
      await t.step(name, async () => {
        using node = new EdgeNode("");
        node.write("kubelet/pods.v1.core/default/a");
        const hosts = [`localhost:${server.port}`, `127.0.0.1:${server.port}`];
        const runs = await Promise.all(
          hosts.map((host, index) =>
            node.reconcile(
              ...args,
              `--etcd-servers=https://${host}`,
              `--state-dir=${node.root}/s${index}`,
            )
          ),
        );
        for (const [index, run] of runs.entries()) {
          expectExit(run, 1, new RegExp(says.source.replace("HOST", hosts[index] ?? "")));
          strictEqual(run.report.status, "failed");
          strictEqual(run.durationMs < 30_000, true);
        }
      });
    }

    await t.step("all is well by name and by address; https is the default with a CA", async () => {
      for (const host of [`localhost:${good.port}`, `127.0.0.1:${good.port}`]) {
        using node = new EdgeNode(host, `n-${host.split(":")[0]?.replaceAll(".", "-")}`);
        node.write("kubelet/pods.v1.core/default/a");
        const run = await node.reconcile(...flags("client"));
        expectExit(run, 0);
        strictEqual(run.report.created, 1);
        expectExit(await node.run(["verify", ...flags("client")]), 0);
      }
    });

    await t.step("http and https mixed up", async () => {
      using node = new EdgeNode(`http://127.0.0.1:${good.port}`);
      expectExit(await node.reconcile(), 1, /speaks TLS: use https:\/\/ in --etcd-servers/);
      await using plain = await startEtcd();
      const servers = `--etcd-servers=127.0.0.1:${plain.port}`;
      const run = await node.reconcile(servers, ...flags("client"));
      expectExit(run, 1, /speaks plain http, without TLS: use http:\/\//);
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});
