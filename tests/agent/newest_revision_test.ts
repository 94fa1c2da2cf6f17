import { strictEqual } from "node:assert/strict";
import { NewestRevision } from "../../lib/agent/newest_revision.ts";

Deno.test("NewestRevision: an etcd that is older than what it told of before it was asked went back", () => {
  const newest = new NewestRevision();
  strictEqual(newest.answered({ revision: "10", clusterId: "1" }, newest.value), false);
  newest.told("12");
  strictEqual(newest.answered({ revision: "11", clusterId: "1" }, newest.value), true);
  // Of which it is told once.
  strictEqual(newest.answered({ revision: "11", clusterId: "1" }, newest.value), false);
});

Deno.test("NewestRevision: an answer that a newer event overtook is not of an older etcd", () => {
  const newest = new NewestRevision();
  const before = newest.value;
  newest.told("12");
  strictEqual(newest.answered({ revision: "11", clusterId: "1" }, before), false);
  // What the event told is not forgotten for it.
  strictEqual(newest.answered({ revision: "11", clusterId: "1" }, newest.value), true);
});

Deno.test("NewestRevision: another cluster counts as one that went back, at whichever revision", () => {
  const newest = new NewestRevision();
  strictEqual(newest.answered({ revision: "10", clusterId: "1" }, newest.value), false);
  strictEqual(newest.answered({ revision: "20", clusterId: "2" }, newest.value), true);
  strictEqual(newest.answered({ revision: "20", clusterId: "2" }, newest.value), false);
});
