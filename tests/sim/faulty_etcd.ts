import type { IRangeRequest, IRangeResponse, ITxnRequest, ITxnResponse } from "etcd3";
import {
  type Etcd,
  EtcdError,
  type KeyWatch,
  type RangesResponse,
  type WatchEvent,
  type WatchRequest,
} from "../../lib/etcd/mod.ts";
import { LateEvents } from "./late_events.ts";
import type { AgentProcess } from "./agent_process.ts";
import { fenceValue } from "./txn_shape.ts";
import { tell, type World, type Write } from "./world.ts";

/** A Txn that is still on its way though its sender has given it up. */
export interface LateTxn {
  readonly request: ITxnRequest;
  readonly process: AgentProcess;
  readonly write: Write & { by: "agent" };
}

/** Why a client is not let in, or not let do what it asks for: a role, a token, a certificate. */
const DENIALS = ["permission-denied", "unauthenticated", "tls"] as const;
type Denial = typeof DENIALS[number];
const DENIAL_MARKS = {
  "permission-denied": "permission denied",
  "unauthenticated": "token expired or revoked",
  "tls": "certificate not taken",
} as const;

/** What all agents of a run share of the network. */
export class Network {
  readonly late: LateTxn[] = [];
  /** Calls that are still refused for what the client is, or may: none of them is applied. */
  deniedCalls = 0;
  denial: Denial = "permission-denied";
  /** Calls that still find no leader. */
  leaderlessCalls = 0;
  /** An answer with more bytes than that is refused by the client. */
  maxAnswerBytes = Infinity;
  /** One with more keys is as well: keys may be long. */
  maxAnswerKeys = Infinity;
  /** Reads of an operation, and not of what an agent does beside it. */
  readonly ofOperations = new WeakSet<IRangeRequest>();
  /** Told of each Txn without an answer: what is behind that may be more than the network. */
  unanswered: () => void = () => {};
  /** Told of each range that is to be read as it was at the revision of one before. */
  betweenPages: () => void = () => {};
}

/** etcd as one process reaches it over a network that loses, delays and cuts. */
export class FaultyEtcd implements Etcd {
  readonly #world: World;
  readonly #network: Network;
  readonly #process: AgentProcess;
  /** What a proxy may give once more, to another request. */
  #last: IRangeResponse | undefined;

  constructor(world: World, network: Network, process: AgentProcess) {
    this.#world = world;
    this.#network = network;
    this.#process = process;
  }

  async range(request: IRangeRequest): Promise<IRangeResponse> {
    const { header, answers } = await this.#read([request], async () => {
      const answer = await this.#world.etcd.model.range(request);
      return { header: answer.header, answers: [answer] };
    });
    return { ...firstOf(answers), header };
  }

  rangeAll(requests: readonly IRangeRequest[]): Promise<RangesResponse> {
    return this.#read(requests, () => this.#world.etcd.model.rangeAll(requests));
  }

  async #read(
    requests: readonly IRangeRequest[],
    send: () => Promise<RangesResponse>,
  ): Promise<RangesResponse> {
    const { prng, weather } = this.#world;
    await this.#process.turn("range", "crash before a call to etcd");
    this.#connect();
    if (prng.chance(weather.requestLost / 2)) throw lost(prng.chance(0.5));
    if (requests.some(({ revision }) => revision !== undefined)) this.#network.betweenPages();
    let read: RangesResponse;
    try {
      read = await send();
    } catch (error) {
      if (error instanceof EtcdError && error.reason === "compacted") {
        this.#world.marks.hit("compaction between pages");
      }
      throw error;
    }
    for (const [index, request] of requests.entries()) {
      const [first, end] = boundsOf(request);
      const isNow = request.revision === undefined;
      if (!this.#network.ofOperations.has(request)) continue;
      const { lineage } = this.#process;
      const { kvs } = read.answers[index] ?? { kvs: [] };
      tell(this.#world, (checker) => checker.etcdRead?.(lineage, first, end, isNow, kvs));
    }
    const kvs = read.answers.flatMap((answer) => answer.kvs);
    this.#checkSize(sizeOf(kvs), kvs.length);
    if (read.answers.some(({ more }) => more)) {
      this.#world.marks.hit("answer in more than one page");
    }
    this.#saw(read.header.revision);
    await this.#process.turn("range answered", "crash after a call to etcd");
    const at = prng.below(requests.length);
    const answer = this.#last;
    this.#last = read.answers[at];
    // Of no keys, or some of those that were asked for, nobody can tell that it is another's.
    const [first, end] = boundsOf(requests[at] ?? {});
    const tells = answer?.kvs.some(({ key }) => String(key) < first || String(key) >= end);
    if (!answer || !tells || !prng.chance(weather.mixedUp)) return read;
    this.#world.marks.hit("answer to another request");
    return { ...read, answers: read.answers.with(at, answer) };
  }

  async txn(request: ITxnRequest): Promise<ITxnResponse> {
    const { prng, weather } = this.#world;
    const { lineage, operation } = this.#process;
    await this.#process.turn("txn", "crash before a call to etcd");
    tell(this.#world, (checker) => checker.txnSent?.(lineage, request, operation));
    this.#connect();
    if (prng.chance(weather.requestLost)) {
      this.#world.marks.hit("answer lost, Txn not applied");
      this.#world.trace(() => `${this.#process.name}: request lost`);
      this.#network.unanswered();
      throw lost(prng.chance(0.5));
    }
    if (prng.chance(weather.late)) {
      this.#world.trace(() => `${this.#process.name}: request delayed`);
      const write = this.#process.write(fenceValue(request));
      this.#network.late.push({ request, process: this.#process, write });
      this.#network.unanswered();
      throw lost(true);
    }
    const answer = await this.#apply(request);
    const guardFailed = answer.succeeded && hasFailedGuard(answer);
    if (guardFailed) this.#world.marks.hit("guard failed");
    this.#checkSize(bytesRead(answer));
    if (prng.chance(weather.answerLost)) {
      this.#world.marks.hit("answer lost, Txn applied");
      if (guardFailed) this.#world.marks.hit("guard failed and the answer lost");
      this.#world.trace(() => `${this.#process.name}: answer lost`);
      this.#network.unanswered();
      throw lost(prng.chance(0.5));
    }
    this.#saw(answer.header.revision);
    await this.#process.turn("txn answered", "crash after a call to etcd");
    return answer;
  }

  async hasNoSpaceAlarm(): Promise<boolean> {
    await this.#process.turn("alarm");
    this.#connect();
    return await this.#world.etcd.model.hasNoSpaceAlarm();
  }

  async watch(request: WatchRequest, told: (event: WatchEvent) => void): Promise<KeyWatch> {
    await this.#process.turn("watch");
    this.#connect();
    const events = new LateEvents(this.#world, this.#process, told);
    const watch = await this.#world.etcd.model.watch(request, (event) => events.take(event));
    await this.#process.turn("watch begun");
    return events.through(watch);
  }

  /** Nothing is held. */
  close(): void {}

  async #apply(request: ITxnRequest): Promise<ITxnResponse> {
    const alarmed = await this.#world.etcd.model.hasNoSpaceAlarm();
    const before = this.#world.etcd.model.revision;
    try {
      const answer = await this.#world.etcd.txn(request, this.#process.write(fenceValue(request)));
      this.#world.trace(() => `${this.#process.name}: txn ${answer.succeeded}`);
      return answer;
    } catch (error) {
      if (error instanceof EtcdError) {
        if (error.reason === "no-space") {
          const applied = this.#world.etcd.model.revision > before && !alarmed;
          this.#world.marks.hit(applied ? "no space after the Txn was applied" : "NOSPACE");
        }
        if (error.reason === "too-large") this.#world.marks.hit("request too large");
        this.#world.trace(() => `${this.#process.name}: etcd says ${error.reason}`);
      }
      throw error;
    }
  }

  #connect(): void {
    const { prng, weather } = this.#world;
    if (prng.chance(weather.refused)) {
      this.#world.marks.hit("connection refused");
      throw new EtcdError("unreachable", "No connection established");
    }
    if (this.#network.deniedCalls === 0 && prng.chance(weather.denied)) {
      this.#network.deniedCalls = prng.between(1, 6);
      this.#network.denial = prng.pick(DENIALS);
    }
    if (this.#network.deniedCalls > 0) {
      const { denial } = this.#network;
      this.#network.deniedCalls--;
      this.#world.marks.hit(DENIAL_MARKS[denial]);
      throw new EtcdError(denial, denial);
    }
    if (this.#network.leaderlessCalls > 0) {
      this.#network.leaderlessCalls--;
      throw new EtcdError("unavailable", "etcdserver: no leader");
    }
    if (prng.chance(weather.leaderChange)) {
      this.#world.marks.hit("leader change");
      this.#network.leaderlessCalls = prng.between(0, 5);
      throw new EtcdError("unavailable", "etcdserver: leader changed");
    }
  }

  #checkSize(bytes: number, keys = 0): void {
    const { maxAnswerBytes, maxAnswerKeys } = this.#network;
    if (bytes <= maxAnswerBytes && keys <= maxAnswerKeys) return;
    this.#world.marks.hit("answer too large");
    throw new EtcdError("answer-too-large", "Received message larger than max");
  }

  #saw(revision: string): void {
    this.#world.seenRevision = Math.max(this.#world.seenRevision, Number(revision));
  }
}

/** The first key that is asked for, and the end, which is not. */
function boundsOf({ key, range_end: end }: IRangeRequest): [first: string, end: string] {
  return [String(key), String(end ?? `${key}\0`)];
}

function firstOf(answers: readonly IRangeResponse[]): IRangeResponse {
  const [answer] = answers;
  if (!answer) throw new Error("nothing was asked for");
  return answer;
}

/** Applies a late Txn: now, whoever sent it. */
export function deliverLate(world: World, { request, process, write }: LateTxn): void {
  // The model refuses by a rejection, but what it does, it has done before it returns.
  const before = world.etcd.model.revision;
  world.etcd.txn(request, { ...write, tick: world.tick }).catch(() => {});
  const applied = world.etcd.model.revision > before;
  world.trace(() => `late Txn of ${process.name} ${applied ? "applied" : "not applied"}`);
  if (applied) {
    world.marks.hit("late Txn applied");
    if (!process.alive) world.marks.hit("late Txn applied after a restart");
  } else {
    world.marks.hit("late Txn met another fence");
    if (process.lineage.killedTxns.has(write.next)) {
      world.marks.hit("late Txn killed by a bump");
    }
  }
}

function lost(timeout: boolean): EtcdError {
  return timeout
    ? new EtcdError("timeout", "the deadline passed")
    : new EtcdError("unavailable", "the connection broke");
}

function hasFailedGuard({ responses }: Pick<ITxnResponse, "responses">): boolean {
  return responses.some(({ response_txn: nested }) =>
    nested && (!nested.succeeded || hasFailedGuard(nested))
  );
}

function sizeOf(kvs: IRangeResponse["kvs"]): number {
  return kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}

function bytesRead({ responses }: Pick<ITxnResponse, "responses">): number {
  let bytes = 0;
  for (const { response_range: range, response_txn: nested } of responses) {
    bytes += sizeOf(range?.kvs ?? []);
    if (nested) bytes += bytesRead(nested);
  }
  return bytes;
}
