import { STATUS_OF } from "./api_error.ts";

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

const TEXT: Schema = { type: "string" };
const COUNT: Schema = { type: "integer", minimum: 0 };
const YES_NO: Schema = { type: "boolean" };
const MS: Schema = { type: "integer", minimum: 0, description: "ms since the epoch" };

/** An object with exactly these members; a name that ends with `?` is one that may be missing. */
function record(members: Readonly<Record<string, Schema>>): Schema {
  const named = Object.entries(members).map(([name, schema]) => ({
    name: name.replace(/\?$/, ""),
    required: !name.endsWith("?"),
    schema,
  }));
  return {
    type: "object",
    properties: Object.fromEntries(named.map(({ name, schema }) => [name, schema])),
    required: named.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  };
}

function listOf(items: Schema): Schema {
  return { type: "array", items };
}

/** Points to one of {@linkcode SCHEMAS}. */
export function ref(name: keyof typeof SCHEMAS): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const conflicts = listOf(record({ key: TEXT, reason: TEXT }));
const invalid = listOf(record({ path: TEXT, reason: TEXT }));
const heldBack = listOf(record({ component: TEXT, deletes: COUNT }));
const resources = listOf(record({ gvr: TEXT, keys: COUNT }));
const failure = record({ code: TEXT, message: TEXT });

const report = record({
  status: { enum: ["in-step", "partial", "failed"] },
  created: COUNT,
  updated: COUNT,
  deleted: COUNT,
  released: COUNT,
  unchanged: COUNT,
  conflicts,
  invalid,
  heldBack,
  "unclaimed?": listOf(TEXT),
  txns: COUNT,
  staged: YES_NO,
  recovered: COUNT,
  revision: TEXT,
  clusterId: TEXT,
  durationMs: COUNT,
  phasesMs: record({ recover: COUNT, scan: COUNT, plan: COUNT, commit: COUNT }),
  "plan?": listOf(record({
    key: TEXT,
    action: { enum: ["put", "delete", "release"] },
    owner: TEXT,
    reason: TEXT,
  })),
});

/** What requests are answered with. */
export const SCHEMAS = {
  Error: record({
    code: { enum: Object.keys(STATUS_OF) },
    message: { type: "string", description: "What failed, where, and what to do; one line." },
  }),
  Health: record({ alive: YES_NO }),
  Readiness: record({
    ready: YES_NO,
    reasons: { ...listOf(TEXT), description: "Why it is not ready; empty if it is." },
    warnings: { ...listOf(TEXT), description: "What is left out while all else goes on." },
    "code?": TEXT,
    "message?": TEXT,
  }),
  Status: record({
    daemon: {
      type: "boolean",
      description: "`edgekeyd status -o json` says false where no daemon runs; settings, " +
        "dirtyGroups, invalid, heldBack, halfRewritten, watchFailure, lastSuccessMs, and of a " +
        "component invalid, heldBack and lastSyncMs are absent then.",
    },
    state: { enum: ["starting", "in-step", "partial", "etcd-away", "failing", "retired"] },
    nodeName: TEXT,
    prefix: TEXT,
    stateDir: TEXT,
    "settings?": { type: "object", additionalProperties: TEXT },
    notReady: listOf(TEXT),
    etcd: record({
      state: { enum: ["unknown", "reachable", "away"] },
      endpoints: listOf(TEXT),
      revision: TEXT,
      clusterId: TEXT,
      "latencyMs?": { type: "number", minimum: 0 },
    }),
    keys: COUNT,
    components: listOf(record({
      component: TEXT,
      resources,
      conflicts: COUNT,
      "invalid?": COUNT,
      "heldBack?": COUNT,
      "lastSyncMs?": MS,
    })),
    "dirtyGroups?": { type: ["integer", "null"], description: "null: all of them" },
    pendingKeys: COUNT,
    othersKeys: COUNT,
    conflicts,
    "invalid?": invalid,
    "heldBack?": heldBack,
    "halfRewritten?": { ...listOf(TEXT), description: "Resource groups, for too long." },
    "watchFailure?": TEXT,
    "lastSuccessMs?": MS,
  }),
  Reconciled: record({
    report,
    notes: listOf(TEXT),
    busy: listOf(TEXT),
    "failure?": failure,
  }),
  Verification: record({ keys: COUNT, drift: conflicts, "fence?": TEXT, revision: TEXT }),
  Owners: listOf(record({
    component: TEXT,
    gvr: TEXT,
    uid: TEXT,
    resourceVersion: TEXT,
    source: { enum: ["current", "older", "api"] },
  })),
  Keys: { ...listOf(TEXT), description: "Object keys as etcd has them, in order." },
  Components: listOf(record({ component: TEXT, resources })),
  Resources: resources,
  Written: record({
    created: COUNT,
    updated: COUNT,
    deleted: COUNT,
    released: COUNT,
    conflicts,
    txns: COUNT,
    staged: YES_NO,
    "revision?": TEXT,
  }),
  TakeOver: record({ taken: COUNT, held: COUNT, absent: COUNT, left: conflicts }),
  Object: {
    type: "object",
    description: "A Kubernetes object with apiVersion, kind, metadata.name and " +
      "metadata.resourceVersion.",
    required: ["apiVersion", "kind", "metadata"],
  },
  ObjectList: {
    type: "object",
    description: "A Kubernetes List; what its items lack of apiVersion and kind follows from its " +
      "own.",
    properties: {
      apiVersion: TEXT,
      kind: { type: "string", pattern: "List$" },
      items: { type: ["array", "null"], items: { type: "object" } },
    },
    required: ["apiVersion", "kind", "items"],
  },
} as const satisfies Record<string, Schema>;
