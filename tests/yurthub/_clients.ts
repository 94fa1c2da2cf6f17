import { type Hub, type HubRequest, NODE } from "./_hub.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf,application/json";
const METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const AGENTS = {
  "kubelet": "kubelet/v1.34.0 (linux/amd64) kubernetes/0000000",
  "kube-proxy": "kube-proxy/v1.34.0 (linux/amd64) kubernetes/0000000",
  "flanneld": "flanneld/v0.0.0 (linux/amd64) kubernetes/$Format",
  "coredns": "coredns/v0.0.0 (linux/amd64) kubernetes/$Format",
  "raven-agent-ds": "raven-agent-ds/v0.4.1 (linux/amd64)",
} as const;
type Client = keyof typeof AGENTS;

/** What one client lists and watches. */
interface Informer {
  readonly client: Client;
  readonly path: string;
  /** A selector, as it stands in the query. */
  readonly selector?: string;
  readonly accept?: string;
}

const ONE_NODE = `fieldSelector=metadata.name%3D${NODE}`;
const INFORMERS: readonly Informer[] = [
  {
    client: "kubelet",
    path: "/api/v1/pods",
    selector: `fieldSelector=spec.nodeName%3D${NODE}`,
    accept: PROTOBUF,
  },
  { client: "kubelet", path: "/api/v1/nodes", selector: ONE_NODE, accept: PROTOBUF },
  { client: "kubelet", path: "/api/v1/services", accept: PROTOBUF },
  { client: "kubelet", path: "/apis/storage.k8s.io/v1/csidrivers", accept: PROTOBUF },
  { client: "kubelet", path: "/apis/node.k8s.io/v1/runtimeclasses", accept: PROTOBUF },
  {
    client: "kubelet",
    path: "/api/v1/namespaces/shop/configmaps",
    selector: "fieldSelector=metadata.name%3Dweb-config",
    accept: PROTOBUF,
  },
  {
    client: "kube-proxy",
    path: "/api/v1/services",
    selector: "labelSelector=%21service.kubernetes.io%2Fheadless",
  },
  { client: "kube-proxy", path: "/apis/discovery.k8s.io/v1/endpointslices" },
  { client: "flanneld", path: "/api/v1/nodes" },
  { client: "coredns", path: "/api/v1/services" },
  { client: "coredns", path: "/apis/discovery.k8s.io/v1/endpointslices" },
  { client: "coredns", path: "/api/v1/namespaces" },
  { client: "raven-agent-ds", path: "/apis/devices.example.com/v1/sensors" },
  { client: "raven-agent-ds", path: "/apis/apps/v1/deployments", accept: METADATA },
];
const SHORTEST_WATCH_S = 15;
const LONGEST_WATCH_S = 40;
const PAUSE_MS = 200;
const RETRY_MS = 1_000;
const BEAT_MS = 2_000;
const EVENT_MS = 3_000;

/** Counts of what the clients did, to tell that they were at work. */
export interface ClientCounts {
  lists: number;
  statuses: number;
  events: number;
}

/** The clients of one node, at work through its yurthub until they are stopped. */
export class Clients {
  readonly counts: ClientCounts = { lists: 0, statuses: 0, events: 0 };
  readonly #hub: Hub;
  readonly #stop = new AbortController();
  readonly #work: Promise<void>[];

  /** @param hub what they ask */
  constructor(hub: Hub) {
    this.#hub = hub;
    this.#work = [
      ...INFORMERS.map((informer) => this.#inform(informer)),
      this.#every(BEAT_MS, () => this.#beat()),
      this.#every(EVENT_MS, () => this.#event()),
    ];
  }

  /**
   * Lists a resource again, whole, as a client does that starts anew: yurthub rewrites its
   * directory.
   */
  async relist(client: Client, path: string): Promise<void> {
    const answer = await this.#ask(client, `${path}?limit=500&resourceVersion=0`, {});
    await answer.body?.cancel();
  }

  /** Ends them all. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#work);
  }

  /** Lists, watches for a while, and again, as an informer does whose watch times out. */
  async #inform({ client, path, selector = "", accept }: Informer): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const list = await this.#ask(client, `${path}?limit=500&resourceVersion=0&${selector}`, {
          ...(accept !== undefined && { accept }),
        });
        const text = await list.text();
        if (!list.ok) throw new Error(`${path}: ${list.status}`);
        this.counts.lists++;
        const version = accept === PROTOBUF ? "0" : versionOf(text);
        const span = LONGEST_WATCH_S - SHORTEST_WATCH_S;
        const seconds = SHORTEST_WATCH_S + Math.floor(Math.random() * span);
        const query = `watch=true&allowWatchBookmarks=true&resourceVersion=${version}` +
          `&timeoutSeconds=${seconds}&${selector}`;
        const timeout = AbortSignal.timeout((seconds + 5) * 1_000);
        const watch = await this.#ask(client, `${path}?${query}`, {
          accept: watchFormat(accept),
          signal: AbortSignal.any([timeout, this.#stop.signal]),
        });
        for await (const _ of watch.body ?? []);
        await this.#pause(PAUSE_MS);
      } catch {
        // yurthub or the cloud is away: that is what the test is about.
        await this.#pause(RETRY_MS);
      }
    }
  }

  /** What a kubelet keeps saying: its node's status, and its lease. */
  async #beat(): Promise<void> {
    const now = new Date().toISOString();
    const time = now.replace(/\.\d+Z/, "Z");
    const condition = {
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: `at ${now}`,
      lastHeartbeatTime: time,
      lastTransitionTime: time,
    };
    const status = await this.#ask("kubelet", `/api/v1/nodes/${NODE}/status`, {
      method: "PATCH",
      body: { status: { conditions: [condition] } },
      type: "application/strategic-merge-patch+json",
      accept: PROTOBUF,
    });
    await status.body?.cancel();
    this.counts.statuses++;
    const node = await this.#ask("kubelet", `/api/v1/nodes/${NODE}?resourceVersion=0`, {
      accept: PROTOBUF,
    });
    await node.body?.cancel();
    await this.#renewLease(now.replace("Z", "000Z"));
  }

  async #renewLease(renewTime: string): Promise<void> {
    const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    const spec = { holderIdentity: NODE, leaseDurationSeconds: 40, renewTime };
    const found = await this.#ask("kubelet", `${leases}/${NODE}`, {});
    const text = await found.text();
    const lease = found.status === 404
      ? { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: NODE }, spec }
      : { ...JSON.parse(text) as object, spec };
    const renewed = await this.#ask(
      "kubelet",
      found.status === 404 ? leases : `${leases}/${NODE}`,
      {
        method: found.status === 404 ? "POST" : "PUT",
        body: lease,
      },
    );
    await renewed.body?.cancel();
  }

  async #event(): Promise<void> {
    const time = new Date().toISOString().replace(/\.\d+Z/, "Z");
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `web-0.${Date.now().toString(16)}`, namespace: "shop" },
      involvedObject: { kind: "Pod", namespace: "shop", name: "web-0" },
      reason: "Pulled",
      message: "pulled",
      type: "Normal",
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      source: { component: "kubelet", host: NODE },
    };
    const sent = await this.#ask("kubelet", "/api/v1/namespaces/shop/events", {
      method: "POST",
      body: event,
      accept: PROTOBUF,
    });
    await sent.body?.cancel();
    this.counts.events++;
  }

  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // As above: what it asks may be away.
      await work().catch(() => {});
      await this.#pause(ms);
    }
  }

  #ask(client: Client, path: string, request: Omit<HubRequest, "agent">): Promise<Response> {
    return this.#hub.ask(path, { ...request, agent: AGENTS[client] });
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }
}

function watchFormat(accept: string | undefined): string {
  if (accept === PROTOBUF) {
    return "application/vnd.kubernetes.protobuf;stream=watch,application/json";
  }
  return accept === METADATA
    ? "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    : "application/json";
}

function versionOf(list: string): string {
  const { metadata } = JSON.parse(list) as { metadata?: { resourceVersion?: string } };
  return metadata?.resourceVersion ?? "0";
}
