import { CONDITION_SCHEMAS, NODE_STATES } from "./conditions/mod.ts";
import { ERROR_CODES } from "./error_codes.ts";
import {
  AMOUNT,
  ANY_OBJECT,
  COUNT,
  described,
  listOf,
  mapOf,
  MS,
  oneOf,
  orNull,
  record,
  type Schema,
  TEXT,
  type TypeOf,
  YES_NO,
} from "./schema.ts";

const conflicts = listOf(record({ key: TEXT, reason: TEXT }));
const invalid = listOf(record({ path: TEXT, reason: TEXT }));
const heldBack = listOf(record({
  component: TEXT,
  deletes: COUNT,
  "secrets?": described(
    "Core Secrets among them, which are let go since they are left out.",
    COUNT,
  ),
}));
const secretsLeftOut = described(
  "Core Secrets of the fs cache that are not imported, without --include-secrets; absent if none.",
  COUNT,
);
const resources = listOf(record({ gvr: TEXT, keys: COUNT }));
const failure = record({ code: TEXT, message: TEXT });

const report = record({
  status: described(
    "partial: in step but for what is held back, in conflict, or invalid.",
    oneOf(["in-step", "partial", "failed"]),
  ),
  created: described("Keys.", COUNT),
  updated: described("Keys.", COUNT),
  deleted: described("Keys.", COUNT),
  released: described("Owners that let go of a key which others still hold.", COUNT),
  unchanged: described("Keys.", COUNT),
  conflicts,
  invalid,
  heldBack,
  "secretsLeftOut?": secretsLeftOut,
  "busy?": described(
    "Resource groups that are being rewritten or moved: what is missing in them was kept.",
    listOf(TEXT),
  ),
  "unclaimed?": described(
    "Only when a lost cache was rebuilt: keys of its resources that an importer wrote and that " +
      "nobody here owns.",
    listOf(TEXT),
  ),
  "notPut?": described(
    "Keys that are to be put, and whose file can't be imported.",
    listOf(record({ key: TEXT, path: TEXT, reason: TEXT })),
  ),
  txns: COUNT,
  staged: described("A group was split over several Txns.", YES_NO),
  recovered: described("Pending Txns of an earlier run that were resolved.", COUNT),
  revision: TEXT,
  clusterId: TEXT,
  durationMs: COUNT,
  phasesMs: record({ recover: COUNT, scan: COUNT, plan: COUNT, commit: COUNT }),
  "plan?": described(
    "Only of a dry run.",
    listOf(record({
      key: TEXT,
      action: oneOf(["put", "delete", "release"]),
      owner: described("component/gvr that takes up or lets go of the key.", TEXT),
      reason: TEXT,
    })),
  ),
});

const component = record({
  component: TEXT,
  resources,
  conflicts: described("Its keys that are left to others.", COUNT),
  "invalid?": described("Its paths that are not imported.", COUNT),
  "heldBack?": described("Its deletes that are held back.", COUNT),
  "lastSyncMs?": described("When it was last looked at, ms since the epoch.", MS),
});

const status = record({
  daemon: described(
    "`edgekeyd status -o json` says false where no daemon runs; settings, dirtyGroups, " +
      "halfRewritten and watchFailure are absent then, and invalid, heldBack, lastSuccessMs and " +
      "lastSyncMs say what the last pass found. heldBack also has components whose directory is " +
      "gone now.",
    YES_NO,
  ),
  state: oneOf(NODE_STATES),
  nodeName: TEXT,
  prefix: TEXT,
  stateDir: TEXT,
  "settings?": described(
    "How the daemon was set up: flags, without their hyphens, as they are now.",
    mapOf(TEXT),
  ),
  notReady: described("Why it is not ready, and what to do; empty if it is.", listOf(TEXT)),
  conditions: described(
    "All that is not as it should be, the gravest first; conflicts, invalid, heldBack, " +
      "halfRewritten and watchFailure are parts of it under older names.",
    listOf(CONDITION_SCHEMAS.Condition),
  ),
  etcd: record({
    state: oneOf(["unknown", "reachable", "away"]),
    endpoints: listOf(TEXT),
    revision: described(
      "As the daemon's last pass saw it, or as of now; empty if nobody did.",
      TEXT,
    ),
    clusterId: TEXT,
    "latencyMs?": described(
      "How long one read takes now; absent if nobody measured, or etcd did not answer.",
      AMOUNT,
    ),
  }),
  keys: COUNT,
  components: listOf(component),
  "dirtyGroups?": described(
    "Resource groups that wait to be looked at; null: all of them.",
    orNull(COUNT),
  ),
  pendingKeys: described("Keys of a Txn whose outcome is not known yet.", COUNT),
  othersKeys: described("Keys whose value in etcd this node did not write.", COUNT),
  conflicts: described("Keys that are left to others, in order.", conflicts),
  "invalid?": invalid,
  "heldBack?": heldBack,
  "secretsLeftOut?": secretsLeftOut,
  "halfRewritten?": described("Resource groups, for too long.", listOf(TEXT)),
  "watchFailure?": described("Why the fs cache is not watched; absent if it is.", TEXT),
  "lastSuccessMs?": described("End of the last full pass, ms since the epoch.", MS),
});

const written = record({
  created: described("Keys that etcd did not have.", COUNT),
  updated: described("Keys whose value was replaced.", COUNT),
  joined: described(
    "Keys that the component holds from now on beside others, or that were in etcd before; they " +
      "count as updated too if its version is fresher.",
    COUNT,
  ),
  deleted: COUNT,
  released: described("Owners that let go of a key which stays.", COUNT),
  conflicts,
  txns: COUNT,
  staged: described("A group was split over several Txns.", YES_NO),
  "revision?": TEXT,
});

/**
 * A Kubernetes object; it is answered byte for byte, so its type says nothing. A Go client keeps its
 * bytes: in a map its numbers beyond 2^53 would change.
 */
const object: Schema = {
  ...ANY_OBJECT,
  description: "A Kubernetes object with apiVersion, kind, metadata.name and " +
    "metadata.resourceVersion. It is stored and answered byte for byte, with members that " +
    "nobody knows and numbers of any size.",
  properties: { apiVersion: TEXT, kind: TEXT, metadata: ANY_OBJECT },
  required: ["apiVersion", "kind", "metadata"],
  "x-go-type": "json.RawMessage",
};

const objectList: Schema = {
  ...ANY_OBJECT,
  description: "A Kubernetes List; what its items lack of apiVersion and kind follows from its " +
    "own.",
  properties: {
    apiVersion: TEXT,
    kind: { type: "string", pattern: "List$" },
    items: { type: ["array", "null"], items: { ...ANY_OBJECT, "x-go-type": "json.RawMessage" } },
  },
  required: ["apiVersion", "kind", "items"],
};

const objectKey = record({
  key: described("As etcd has it.", TEXT),
  namespace: described("Empty for an object that is in none.", TEXT),
  name: TEXT,
});

/** What requests are answered with. */
export const SCHEMAS = {
  Error: record({
    code: oneOf(ERROR_CODES),
    message: described("What failed, where, and what to do; one line.", TEXT),
    "written?": described("What a write did until it failed.", written),
    "held?": described(
      "Of UpdateConflict: the object that etcd holds, byte for byte; absent if it is no JSON.",
      ANY_OBJECT,
    ),
  }),
  Health: record({ alive: YES_NO }),
  Readiness: record({
    ready: YES_NO,
    reasons: described("Why it is not ready; empty if it is.", listOf(TEXT)),
    warnings: described("What is left out while all else goes on.", listOf(TEXT)),
    "code?": TEXT,
    "message?": TEXT,
  }),
  Status: status,
  Reconciled: record({
    report,
    notes: described("What a person should know beside it, one line each.", listOf(TEXT)),
    busy: described("Groups in which a rewrite was still under way.", listOf(TEXT)),
    "keysHeldBack?": described(
      "Of a dry run: keys whose deletes are held back, in order.",
      listOf(TEXT),
    ),
    "conditions?": described(
      "What keeps it from being in step, and what to do.",
      listOf(CONDITION_SCHEMAS.Condition),
    ),
    "failure?": described("Why it did not come to its end.", failure),
  }),
  Verification: record({
    keys: described("Keys that are owned.", COUNT),
    drift: conflicts,
    "secretsLeftOut?": secretsLeftOut,
    "fence?": described("What the fence says, if it is not in step.", TEXT),
    revision: TEXT,
    "conditions?": described(
      "What that makes of the node, and what to do.",
      listOf(CONDITION_SCHEMAS.Condition),
    ),
  }),
  Owners: listOf(record({
    component: TEXT,
    gvr: TEXT,
    uid: TEXT,
    resourceVersion: TEXT,
    source: oneOf(["current", "older", "api"]),
  })),
  ObjectKey: objectKey,
  ObjectKeys: described("In order of the keys.", listOf(objectKey)),
  Keys: described("Object keys as etcd has them, in order.", listOf(TEXT)),
  Components: listOf(record({ component: TEXT, resources })),
  Resources: resources,
  Written: written,
  TakeOver: record({
    taken: described("Keys that are this node's now.", COUNT),
    held: described("Keys that were this node's already.", COUNT),
    absent: described("Keys that are not in etcd.", COUNT),
    left: described("Keys that stay what they are.", conflicts),
  }),
  Object: object,
  ObjectList: objectList,
} as const satisfies Record<string, Schema>;

/** The name of a schema. */
export type SchemaName = keyof typeof SCHEMAS;

/** What requests are answered with, by the name of the schema. */
export type Answers = { readonly [Name in SchemaName]: TypeOf<typeof SCHEMAS[Name]> };

/** Points to one of {@linkcode SCHEMAS}, and is of the same type. */
export function ref<Name extends SchemaName>(name: Name): Schema<Answers[Name]> {
  return { $ref: `#/components/schemas/${name}` };
}
