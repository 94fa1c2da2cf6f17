/**
 * What `scripts/monitoring` holds, with a real Prometheus:
 *
 *     EDGEKEYD_TEST_PROMETHEUS=FOLDER deno test -A tests/monitoring/monitoring.ts
 *
 * The folder holds `prometheus` and `promtool`.
 *
 * @module
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";
import { type DaemonProcess, ready, startDaemon, until } from "../agent/_daemon.ts";
import { EdgeNode } from "../e2e/_node.ts";
import { startEtcd } from "../support/etcd_server.ts";

const PROGRAMS = Deno.env.get("EDGEKEYD_TEST_PROMETHEUS");
const ignore = PROGRAMS === undefined;
const fileOf = (path: string) => fromFileUrl(new URL(path, import.meta.url));
const RULES = fileOf("../../scripts/monitoring/alerts.yaml");
const RULES_TEST = fileOf("alerts.yaml");
const DASHBOARD = fileOf("../../scripts/monitoring/dashboard.json");

/** Runs promtool, which has to find all in order. */
async function promtool(args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command(`${PROGRAMS}/promtool`, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  strictEqual(code, 0, said);
  return said;
}

/** A node whose daemon has put keys, met a file that it can't import, and lost an etcd's answer. */
async function eventfulDaemon(node: EdgeNode): Promise<DaemonProcess> {
  node.write("kubelet/pods.v1.core/shop/a");
  const file = `${node.cacheDir}/kubelet/pods.v1.core/shop/b`;
  Deno.writeTextFileSync(file, "no object");
  const daemon = await startDaemon(node);
  await ready(daemon);
  return daemon;
}

/** The metrics of a daemon over TCP, where Prometheus can ask for them. */
function bridge(daemon: DaemonProcess): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async () => {
    const { status, text, headers } = await daemon.ask("GET", "/metrics");
    const type = headers.get("content-type") ?? "";
    return new Response(text, { status, headers: { "content-type": type } });
  });
}

Deno.test({ name: "promtool finds nothing to say of the alert rules", ignore }, async () => {
  await promtool(["check", "rules", "--lint=all", "--lint-fatal", RULES]);
});

Deno.test(
  { name: "each alert fires for what it is about, none for a node that is well", ignore },
  async () => {
    await promtool(["test", "rules", RULES_TEST]);
    const names = [...Deno.readTextFileSync(RULES).matchAll(/- alert: (\w+)/g)].map(([, name]) =>
      name
    );
    const tested = Deno.readTextFileSync(RULES_TEST);
    deepStrictEqual(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(tested)), []);
  },
);

Deno.test({
  name: "promtool finds nothing to say of a daemon's metrics; none is named as another program's",
  ignore,
}, async () => {
  await using etcd = await startEtcd();
  using node = new EdgeNode(etcd);
  await using daemon = await eventfulDaemon(node);
  const { text } = await daemon.ask("GET", "/metrics");
  await promtool(["check", "metrics"], text);
  for (const [, name = ""] of text.matchAll(/^# TYPE (\S+)/gm)) match(name, /^edgekeyd_/);
});

/** A Prometheus that asks one target each second. */
class Prometheus implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "edgekeyd-prometheus-" });
  readonly #process: Deno.ChildProcess;
  readonly #port: number;

  constructor(target: string) {
    const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#port = probe.addr.port;
    probe.close();
    const config = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [RULES],
      scrape_configs: [{ job_name: "edgekeyd", static_configs: [{ targets: [target] }] }],
    };
    Deno.writeTextFileSync(`${this.#folder}/prometheus.yml`, JSON.stringify(config));
    this.#process = new Deno.Command(`${PROGRAMS}/prometheus`, {
      args: [
        `--config.file=${this.#folder}/prometheus.yml`,
        `--storage.tsdb.path=${this.#folder}/data`,
        `--web.listen-address=127.0.0.1:${this.#port}`,
        "--log.level=error",
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** How many series a query has now. */
  async series(query: string): Promise<number> {
    const url = `http://127.0.0.1:${this.#port}/api/v1/query?query=${encodeURIComponent(query)}`;
    const answer = await (await fetch(url)).json();
    ok(answer.status === "success", `${query}: ${answer.error}`);
    return answer.data.result.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

Deno.test(
  { name: "every panel of the dashboard shows what a running daemon says", ignore },
  async () => {
    await using etcd = await startEtcd();
    using node = new EdgeNode(etcd);
    await using daemon = await eventfulDaemon(node);
    await using server = bridge(daemon);
    await using prometheus = new Prometheus(`127.0.0.1:${server.addr.port}`);
    const scraped = async () => await prometheus.series("count_over_time(up[30s]) > 3") > 0;
    await until("Prometheus has asked a few times", scraped, 60_000);
    const { panels } = JSON.parse(Deno.readTextFileSync(DASHBOARD));
    const empty: string[] = [];
    let queries = 0;
    for (const { title, targets = [] } of panels) {
      for (const { expr } of targets) {
        const query = expr.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "30s");
        if (await prometheus.series(query) === 0) empty.push(`${title}: ${query}`);
        queries++;
      }
    }
    ok(queries > 20);
    deepStrictEqual(empty, []);
  },
);
