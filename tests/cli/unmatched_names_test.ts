import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { nearestName } from "../../lib/nearest_name.ts";
import { unmatchedNames } from "../../lib/cli/unmatched_names.ts";

Deno.test("unmatchedNames() tells each name that is nowhere, with what was most likely meant", () => {
  const cacheDir = Deno.makeTempDirSync();
  try {
    for (const path of ["kubelet/sensors.v1.devices.example.com", "kube-proxy/gateways"]) {
      Deno.mkdirSync(`${cacheDir}/${path}`, { recursive: true });
    }
    Deno.writeTextFileSync(`${cacheDir}/version`, "");
    const told = (components: string[], excludeResources: string[]) =>
      unmatchedNames({
        cacheDir,
        components: new Set(components),
        excludeResources: new Set(excludeResources),
      }).map((line) => line.replaceAll(cacheDir, "ROOT"));
    deepStrictEqual(told(["kubelet", "kublet", "nobody", "version"], []), [
      "--components kublet: ROOT has no such component; did you mean kubelet?",
      "--components nobody: ROOT has no such component",
      "--components version: ROOT has no such component",
    ]);
    const no = "neither Kubernetes nor ROOT has such a resource";
    const slips: [text: string, meant?: string][] = [
      ["lease", "leases"],
      ["Pods", "pods"],
      ["v1/pods", "pods"],
      ["apps/v1/Deployments", "deployments"],
      ["leases.coordination.k8.io", "leases.coordination.k8s.io"],
      ["sensor.devices.example.com", "sensors.devices.example.com"],
      ["minions"],
      ["secrets.v1.apps"],
      ["gateway", "gateways"],
    ];
    for (const [text, meant] of slips) {
      const rest = meant === undefined ? "" : `; did you mean ${meant}?`;
      deepStrictEqual(told([], [text]), [`--exclude-resources ${text}: ${no}${rest}`]);
    }
    deepStrictEqual(
      told([], [
        "leases",
        "leases.coordination.k8s.io",
        "leases.v1.coordination.k8s.io",
        "pods.v1.core",
        "events.events.k8s.io",
        "sensors",
        "sensors.devices.example.com",
        "gateways",
      ]),
      [],
    );
  } finally {
    Deno.removeSync(cacheDir, { recursive: true });
  }
  // Without a root, nothing can be said of components.
  deepStrictEqual(
    unmatchedNames({
      cacheDir,
      components: new Set(["kublet"]),
      excludeResources: new Set(["leases", "lease"]),
    }),
    [`--exclude-resources lease: neither Kubernetes nor ${cacheDir} has such a resource; did you mean leases?`],
  );
  const none = { cacheDir, components: undefined, excludeResources: undefined };
  deepStrictEqual(unmatchedNames(none), []);
});

Deno.test("nearestName() finds the least distant name, and none that is far", () => {
  const names = ["pods", "nodes", "services", "leases"];
  for (
    const [text, nearest] of [
      ["pod", "pods"],
      ["node", "nodes"],
      ["serviecs", "services"],
      ["leases", "leases"],
      ["", undefined],
      ["horizontalpodautoscalers", undefined],
      ["xxds", "pods"],
      ["a", undefined],
    ] as const
  ) strictEqual(nearestName(text, names), nearest, text);
});
