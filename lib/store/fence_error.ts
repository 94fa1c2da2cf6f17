import { EdgekeydError } from "../errors.ts";
import { STOP_FIRST } from "../own_commands.ts";
import { type FenceState, lifeWords } from "../keycache/mod.ts";
import { type LostFence, mayTakeOver } from "./fence_verdict.ts";

/** Whose fence it should be, and whose it is. */
export interface FenceDispute {
  /** This cache's life. */
  readonly life: string;
  /** What the fence says. */
  readonly verdict: LostFence;
  /** Where this cache expects it. */
  readonly state: FenceState;
}

/** The fence says that this cache must not write; see {@linkcode judgeFence}. */
export class FenceError extends EdgekeydError {
  /** Tells the class in a stack trace. */
  override name = "FenceError";
  /** What to do about it. */
  static readonly ADVICE: string =
    "stop the other agent if there is one, or give one of the two another --node-name: stop it, " +
    "move cache.kv* in its state directory aside, and start it with that name. Then, where the name " +
    `stays, ${STOP_FIRST}, run \`edgekeyd --reconcile --adopt\` to take over what the fs cache holds, ` +
    "and start it again. A state directory takes over once: if this one has, move cache.kv* in it " +
    "aside before that";
  /** What the fence says. */
  readonly verdict: LostFence["kind"];
  /** What is wrong, and at which fence. */
  readonly what: string;
  /** Whether it may be taken over by who is told to adopt. */
  readonly mayTakeOver: boolean;

  /**
   * Makes it; its code is `Fence`.
   *
   * @param verdict what the fence says
   * @param fenceKey where the fence is
   * @param dispute both lives, if they were looked at
   */
  constructor(verdict: LostFence["kind"], fenceKey: string, dispute?: FenceDispute) {
    const what = `${whyLost(verdict, dispute)} (fence ${fenceKey})${livesIn(dispute)}`;
    super("Fence", `${what}; ${FenceError.ADVICE}`);
    this.what = what;
    this.mayTakeOver = dispute !== undefined && mayTakeOver(dispute.verdict, dispute.state);
    this.verdict = verdict;
  }
}

function whyLost(verdict: LostFence["kind"], dispute: FenceDispute | undefined): string {
  if (dispute?.state.tookOver) {
    return "two agents use this node name and take its fence from each other: this state " +
      "directory took over once, and does so no more";
  }
  return verdict === "rolled-back"
    ? "the state directory is older than etcd (it was rolled back, or an agent works on a copy of it)"
    : "another state directory wrote to etcd under this node name: it was lost, or another " +
      "agent uses the name";
}

function livesIn(dispute: FenceDispute | undefined): string {
  if (!dispute) return "";
  const { life, verdict: { holder }, state: { tookOver } } = dispute;
  const there = holder === undefined
    ? "what no edgekeyd writes"
    : holder.life === life
    ? `a copy of this one, at its Txn ${holder.seq}`
    : `a life ${lifeWords(holder.life)}, at its Txn ${holder.seq}`;
  const from = tookOver && tookOver.life !== holder?.life && tookOver.life !== ""
    ? `, taken over from one ${lifeWords(tookOver.life)}`
    : "";
  return `: here is a life ${lifeWords(life)}${from}; the fence is of ${there}`;
}
