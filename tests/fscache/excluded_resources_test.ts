import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { ExcludedResources } from "../../lib/fscache/mod.ts";
import { parseGvr } from "../../lib/k8s/mod.ts";

/** Which of some directories are left out. */
function left(text: string, directories: readonly string[]): string[] {
  const excluded = new ExcludedResources([text]);
  return directories.filter((directory) => {
    const gvr = parseGvr(directory);
    if (gvr) strictEqual(excluded.has(gvr), excluded.hasDirectory(directory));
    return excluded.hasDirectory(directory);
  });
}

Deno.test("ExcludedResources leaves out whatever shares a key, and nothing else", () => {
  const hpas = ["v1", "v2", "v9"].map((version) =>
    `horizontalpodautoscalers.${version}.autoscaling`
  );
  for (const text of [...hpas, "horizontalpodautoscalers.autoscaling"]) {
    deepStrictEqual(left(text, [...hpas, "horizontalpodautoscalers", "jobs.v1.batch"]), hpas);
  }
  const events = ["events.v1.core", "events.v1.events.k8s.io", "events.v1beta1.events.k8s.io"];
  for (
    const text of [
      "events.v1.core",
      "events.core",
      "events.events.k8s.io",
      "events.v1.events.k8s.io",
    ]
  ) {
    deepStrictEqual(left(text, [...events, "events.v1.example.com", "events"]), events);
  }
  const all = [...events, "events.v1.example.com", "events"];
  deepStrictEqual(left("events", all), all);
});

Deno.test("ExcludedResources tells the groups of custom resources apart", () => {
  const sensors = [
    "sensors.v1.devices.example.com",
    "sensors.v2.devices.example.com",
    "sensors.v1.example.com",
    // Of a directory, the second part always is the version.
    "sensors.devices.example.com",
  ];
  deepStrictEqual(left("sensors.devices.example.com", sensors), sensors.slice(0, 2));
  deepStrictEqual(left("sensors.v1.devices.example.com", sensors), sensors.slice(0, 2));
  deepStrictEqual(left("sensors.v1.example.com", sensors), sensors.slice(2));
});

Deno.test("ExcludedResources leaves out nothing for what is no resource", () => {
  const directories = ["pods.v1.core", "pods", "leases.v1.coordination.k8s.io", "version", "a.b"];
  for (
    const text of [
      "Pods",
      "v1/pods",
      "pods.",
      ".core",
      "pod",
      "lease",
      "",
      "pods.v1",
      "pods.v1.apps",
      "a..b",
    ]
  ) {
    deepStrictEqual(left(text, directories), [], text);
  }
});
