import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type DaemonProcess, ready, startDaemon, SWIFT } from "../agent/_daemon.ts";
import type { Dice } from "../conformance/dice.ts";
import { expectExit, shown } from "../e2e/_contract.ts";
import { type EtcdView, objectBytes } from "../e2e/_node.ts";
import type { EtcdServer } from "../support/etcd_server.ts";
import { checkNoGhost } from "./_after_kill.ts";
import {
  ApiModel,
  COMPONENTS,
  contentOf,
  GVR,
  type Operation,
  OPERATIONS,
  type State,
  type Step,
} from "./_api_model.ts";
import { checkIdle } from "./_daemon_pass.ts";
import { DoomedNode } from "./_doomed_node.ts";
import { killAt, RANDOM } from "./_kill_points.ts";

const KUBELET = "kubelet";
/** Files of the kubelet's, some under names that the API's components take up too. */
const FILES: State = new Map([
  ["default/o0", { rv: 1, owners: [KUBELET] }],
  ["shop/o1", { rv: 2, owners: [KUBELET] }],
  ["shop/file", { rv: 3, owners: [KUBELET] }],
]);
/** Within it, one operation and a part of the next are done. */
const RANDOM_MS = 40;
/** No point is as far away. */
const MAX_STEPS = 100;

/** One node's life: its daemon dies under an operation, the next must know what became of it. */
export class ApiLife implements Disposable {
  readonly #node: DoomedNode;
  readonly #etcd: EtcdView;
  readonly #dice: Dice;
  readonly #model: ApiModel;
  readonly #others: ReadonlyMap<string, Uint8Array>;
  /** What is there. */
  #state = FILES;
  /** What was asked and not answered: what comes of it may be there instead. */
  #unanswered: Step | undefined;

  private constructor(node: DoomedNode, etcd: EtcdView, dice: Dice) {
    this.#node = node;
    this.#etcd = etcd;
    this.#dice = dice;
    this.#model = new ApiModel(dice);
    this.#others = new Map([
      [this.#keyOf("default/apiserver"), new TextEncoder().encode("k8s\0 an apiserver's")],
      [this.#keyOf("shop/other-node"), objectBytes(`any/${GVR}/shop/other-node`)],
    ]);
  }

  /** A node with files, and with keys of others beside its own. */
  static async start(
    server: EtcdServer,
    etcd: EtcdView,
    name: string,
    dice: Dice,
  ): Promise<ApiLife> {
    const life = new ApiLife(new DoomedNode(server, name), etcd, dice);
    for (const [key, value] of life.#others) await etcd.put(key, value);
    for (const [name, { rv }] of FILES) {
      life.#node.write(`${KUBELET}/${GVR}/${name}`, contentOf(rv));
    }
    return life;
  }

  /**
   * Kills the daemon under an operation, and looks at what is left.
   *
   * @param operation under which
   * @param moment when
   * @returns the operation that it met, or one that came later
   */
  async kill(operation: Operation, moment: string): Promise<Operation> {
    const node = this.#node;
    if (this.#dice.chance(25)) expectExit(await node.reconcile(), 0);
    const env = moment === RANDOM ? {} : { ...killAt(moment, this.#dice, 0), ...node.spared() };
    await using daemon = await startDaemon(node, SWIFT, env);
    await this.#checkRestarted(daemon);
    for (const component of COMPONENTS) {
      await this.#mustAsk(daemon, this.#model.replace(this.#state, component));
    }
    node.doom();
    const timer = moment === RANDOM
      ? setTimeout(() => node.agent.kill("SIGKILL"), this.#dice.below(RANDOM_MS))
      : undefined;
    let step = this.#step(operation);
    for (let steps = 0; await this.#ask(daemon, step); steps++) {
      ok(steps < MAX_STEPS, "the daemon does not die");
      step = this.#step(this.#dice.pick(OPERATIONS));
    }
    const result = await node.ended();
    clearTimeout(timer);
    strictEqual(result.signal, "SIGKILL", shown(result));
    await this.#checkDead(shown(result));
    return step.operation;
  }

  /** What a component that is deleted leaves to the file's alone has the file's version at once. */
  #step(operation: Operation): Step {
    const step = this.#model.step(this.#state, operation);
    if (step.operation !== "delete-component") return step;
    const given = [...step.after].map(([name, held]): [string, typeof held] => {
      const before = this.#state.get(name);
      const [of] = settled(new Map([[name, held]])).values();
      return [name, before && of && !isFilesAlone(before) ? of : held];
    });
    return { ...step, after: new Map(given) };
  }

  /** At last a daemon must know all of it, let it go, and end when it is told to. */
  async end(): Promise<void> {
    await using daemon = await startDaemon(this.#node);
    await this.#checkRestarted(daemon);
    for (const component of COMPONENTS) {
      strictEqual((await daemon.ask("DELETE", `/v1/components/${component}`)).status, 200);
    }
    const left = [...(await this.#etcd.keys(`${this.#node.prefix}/`)).keys()];
    const files = [...FILES.keys()].map((name) => this.#keyOf(name));
    deepStrictEqual(left.sort(), [...files, ...this.#others.keys()].sort());
    const stopped = await daemon.stop();
    strictEqual(stopped.code, 0, shown(stopped));
  }

  /** @returns whether it was answered, which must be with success */
  async #ask(daemon: DaemonProcess, step: Step): Promise<boolean> {
    const answered = await daemon.ask(step.method, step.path, step.body).catch(() => undefined);
    if (!answered) {
      this.#unanswered = step;
      return false;
    }
    ok(answered.status === 200 || answered.status === 201, `${step.operation}: ${answered.text}`);
    this.#state = step.after;
    return true;
  }

  async #mustAsk(daemon: DaemonProcess, step: Step): Promise<void> {
    ok(await this.#ask(daemon, step), `${step.operation} is not answered`);
  }

  /** No ghosts, and nothing half done. */
  async #checkDead(told: string): Promise<void> {
    const found = await this.#versions();
    await checkNoGhost(this.#node, [...found.keys()].map((name) => this.#keyOf(name)), told);
    expectOneOf(found, this.#possible().map(versionsIn), told);
  }

  /** All that was answered is there, and what was not is there as a whole, or can be asked again. */
  async #checkRestarted(daemon: DaemonProcess): Promise<void> {
    await ready(daemon);
    const states = this.#possible().map(settled);
    const unanswered = this.#unanswered;
    this.#unanswered = undefined;
    const found = { versions: await this.#versions(), keys: await this.#keysByComponent(daemon) };
    const at = expectOneOf(
      found,
      states.map((state) => ({ versions: versionsIn(state), keys: this.#keysIn(state) })),
      `${unanswered?.operation ?? "nothing"} was not answered`,
    );
    this.#state = states[at] ?? this.#state;
    await checkIdle(daemon, this.#etcd, this.#node);
    if (!unanswered || at !== 0) return;
    const after = onTopOf(this.#state, unanswered.after);
    await this.#mustAsk(daemon, { ...unanswered, after });
  }

  /** What may be there. */
  #possible(): State[] {
    if (!this.#unanswered) return [this.#state];
    const { after } = this.#unanswered;
    return [this.#state, after];
  }

  /** resourceVersions in etcd by name; each object's content, and others' values, are checked. */
  async #versions(): Promise<Map<string, number>> {
    const versions = new Map<string, number>();
    const others = new Map(this.#others);
    for (const [key, { value }] of await this.#etcd.keys(`${this.#node.prefix}/`)) {
      const other = others.get(key);
      others.delete(key);
      if (other) {
        strictEqual(value.compare(other), 0, `overwritten, though another's: ${key}`);
        continue;
      }
      const name = key.slice(this.#keyOf("").length);
      const object = JSON.parse(value.toString());
      const rv = Number(object.metadata.resourceVersion);
      const bytes = objectBytes(`any/${GVR}/${name}`, contentOf(rv));
      deepStrictEqual(object, JSON.parse(new TextDecoder().decode(bytes)));
      versions.set(name, rv);
    }
    deepStrictEqual([...others.keys()], [], "deleted, though another's");
    return versions;
  }

  /** Keys that the daemon says each component holds. */
  async #keysByComponent(daemon: DaemonProcess): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const component of [KUBELET, ...COMPONENTS]) {
      found[component] = (await daemon.ask("GET", `/v1/keys?component=${component}`)).json;
    }
    return found;
  }

  #keysIn(state: State): Record<string, unknown> {
    return Object.fromEntries([KUBELET, ...COMPONENTS].map((component) => {
      const held = [...state].filter(([, { owners }]) => owners.includes(component));
      return [component, held.map(([name]) => this.#keyOf(name)).sort()];
    }));
  }

  #keyOf(name: string): string {
    return `${this.#node.prefix}/configmaps/${name}`;
  }

  [Symbol.dispose](): void {
    this.#node[Symbol.dispose]();
  }
}

/**
 * What a full pass makes of it: where the file's component alone is left, the file's version, be it
 * older than what was put through the API.
 */
function settled(state: State): State {
  return new Map([...state].map(([name, held]) => {
    const file = FILES.get(name);
    return [name, isFilesAlone(held) && file ? { ...held, rv: file.rv } : held];
  }));
}

/** What an operation comes to after a full pass, that was thought of before it. */
function onTopOf(base: State, after: State): State {
  return new Map([...after].map(([name, held]) => {
    const before = base.get(name);
    return [name, before && isFilesAlone(before) && isFilesAlone(held) ? before : held];
  }));
}

function isFilesAlone({ owners }: { readonly owners: readonly string[] }): boolean {
  return owners.length === 1 && owners[0] === KUBELET;
}

function versionsIn(state: State): Map<string, number> {
  return new Map([...state].map(([name, { rv }]) => [name, rv]));
}

/** @returns which of them it is */
function expectOneOf<T>(found: T, candidates: readonly T[], told: string): number {
  const at = candidates.findIndex((candidate) => isDeepStrictEqual(found, candidate));
  ok(at >= 0, `${inspect(found)} is none of ${inspect(candidates)}\n${told}`);
  return at;
}

function inspect(value: unknown): string {
  return Deno.inspect(value, { depth: 9, iterableLimit: 999 });
}
