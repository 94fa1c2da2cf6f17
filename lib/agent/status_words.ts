import type { AgentStatus } from "./status.ts";

/**
 * What an agent is doing, in one line for a person: systemd shows it in `systemctl status`.
 *
 * @param status what it is doing
 */
export function statusWords(status: AgentStatus): string {
  const [why = ""] = status.notReady;
  switch (status.state) {
    case "starting":
      return "Starting: the first full pass is under way";
    case "etcd-away":
      return `etcd is away: ${why}`;
    case "failing":
      return `Failing: ${why}`;
    case "retired":
      return "Retired: nothing is written any more";
    case "partial":
      return `In step but for ${exceptions(status).join(", ")}`;
    case "in-step":
      return `In step: ${count(status.keys, "key")}`;
  }
}

function exceptions({ conflicts, invalid, heldBack, halfRewritten = [] }: AgentStatus): string[] {
  const held = heldBack.reduce((sum, { deletes }) => sum + deletes, 0);
  // A component that is gone and shares all its keys has none to delete, and is held back too.
  const sharing = heldBack.filter(({ deletes }) => deletes === 0).length;
  return [
    ...(sharing > 0 ? [`${count(sharing, "component")} held back`] : []),
    ...(held > 0 ? [`${count(held, "delete")} held back`] : []),
    ...(conflicts.length > 0 ? [count(conflicts.length, "conflict")] : []),
    ...(invalid.length > 0 ? [count(invalid.length, "invalid file")] : []),
    ...(halfRewritten.length > 0 ? [`${count(halfRewritten.length, "group")} half rewritten`] : []),
  ];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
