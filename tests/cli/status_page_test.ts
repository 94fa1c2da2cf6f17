import { match, strictEqual } from "node:assert/strict";
import { type ComponentStatus, judgementOf, type NodeStatus } from "../../lib/agent/mod.ts";
import { statusPage } from "../../lib/cli/status_page.ts";
import { QUIET } from "../support/node_status.ts";

const NOW_MS = 1_000_000;

/** The line of a component, as a daemon's status page has it. */
function lineOf(component: Partial<ComponentStatus>, state: NodeStatus["state"]): string {
  const lines: string[] = [];
  const kubelet = {
    component: "kubelet",
    resources: [{ gvr: "pods.v1.core", keys: 3 }],
    conflicts: 0,
    ...component,
  };
  const status: NodeStatus = { ...QUIET, state, components: [kubelet] };
  statusPage(status, NOW_MS, {
    out: (line) => lines.push(line),
    err: () => {},
    colour: false,
    watched: false,
    redraw: () => {},
  });
  match(lines[0] ?? "", /the daemon is running$/);
  const line = lines.find((line) => line.startsWith("component")) ?? "";
  return line.replace(/^component +kubelet: 3 keys, /, "");
}

Deno.test("a component is called in step only if nothing speaks against it", () => {
  const lastSyncMs = NOW_MS - 7_000;
  const cases: [Partial<ComponentStatus>, NodeStatus["state"], string][] = [
    [{}, "starting", "not looked at yet"],
    [{}, "etcd-away", "not looked at yet"],
    [{ lastSyncMs }, "in-step", "in step 7 s ago"],
    // Another component is what is not in step.
    [{ lastSyncMs }, "partial", "in step 7 s ago"],
    [{ lastSyncMs }, "etcd-away", "last in step 7 s ago"],
    [{ lastSyncMs }, "failing", "last in step 7 s ago"],
    [{ lastSyncMs, conflicts: 1 }, "partial", "1 conflict, looked at 7 s ago"],
    [{ lastSyncMs, invalid: 2 }, "partial", "2 invalid paths, looked at 7 s ago"],
    [
      { lastSyncMs, heldBack: 12, conflicts: 2, invalid: 1 },
      "partial",
      "12 deletes held back, 2 conflicts, 1 invalid path, looked at 7 s ago",
    ],
  ];
  for (const [component, state, expected] of cases) {
    strictEqual(lineOf(component, state), expected);
  }
});

Deno.test("a time that is yet to come is not said to be 0 s ago: the clock is wrong, or was", () => {
  const lines: string[] = [];
  const terminal = { err: () => {}, colour: false, watched: false, redraw: () => {} };
  const out = (line: string) => lines.push(line);
  statusPage({ ...QUIET, lastSuccessMs: NOW_MS + 60_000 }, NOW_MS, { ...terminal, out });
  match(
    lines.join("\n"),
    /^ +last full pass at 1970-01-01T00:17:40Z, which is yet to come by this host's clock$/m,
  );
});

Deno.test("what to do about several of one kind stands on the page once", () => {
  const lines: string[] = [];
  const terminal = { err: () => {}, colour: false, watched: false, redraw: () => {} };
  const out = (line: string) => lines.push(line);
  const heldBack = ["kubelet", "kube-proxy"].map((component) => ({ component, deletes: 12 }));
  const status = { ...QUIET, ...judgementOf({ daemon: true, lastSuccessMs: 1, heldBack }) };
  statusPage(status, NOW_MS, { ...terminal, out });
  const page = lines.join("\n");
  strictEqual(page.match(/12 deletes of kube[a-z-]+ are held back$/gm)?.length, 2, page);
  strictEqual(page.split(status.conditions[0]?.advice ?? "").length, 2, page);
});

Deno.test("status at rest names the dry run that looks at the files, unless the node has left the pool", () => {
  for (const [state, isNamed] of [["in-step", true], ["retired", false]] as const) {
    const lines: string[] = [];
    const terminal = { err: () => {}, colour: false, watched: false, redraw: () => {} };
    const out = (line: string) => lines.push(line);
    statusPage({ ...QUIET, daemon: false, state }, NOW_MS, { ...terminal, out });
    strictEqual(lines.some((line) => line.includes("--dry-run")), isNamed, state);
  }
});
