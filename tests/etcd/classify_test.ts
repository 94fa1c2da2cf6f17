import { match, strictEqual } from "node:assert/strict";
import { CallFailure } from "../../lib/etcd/call_failure.ts";
import { toEtcdError } from "../../lib/etcd/classify.ts";
import type { EtcdErrorReason } from "../../lib/etcd/errors.ts";

type Outcome = "not-applied" | "in-doubt";

/** As seen on etcd 3.4, 3.5, 3.6 and grpc-js 1.14.7, or as their sources spell them. */
const STATUSES: [code: number, details: string, reason: EtcdErrorReason, outcome: Outcome][] = [
  [
    14,
    "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ",
    "unreachable",
    "not-applied",
  ],
  [14, "Name resolution failed for target dns:nowhere:2379", "unreachable", "not-applied"],
  [14, "Channel closed before call started", "unreachable", "not-applied"],
  [4, "Deadline exceeded after 1.001s,Waiting for LB pick", "unreachable", "not-applied"],
  [4, "Deadline exceeded after 1.001s,waiting for name resolution", "unreachable", "not-applied"],
  [
    4,
    "Deadline exceeded after 1.001s,LB pick: 0.001s,remote_addr=127.0.0.1:2379",
    "timeout",
    "in-doubt",
  ],
  [14, "Connection dropped", "unavailable", "in-doubt"],
  [14, "read ECONNRESET", "unavailable", "in-doubt"],
  [14, "etcdserver: leader changed", "unavailable", "in-doubt"],
  [14, "etcdserver: request timed out", "unavailable", "in-doubt"],
  [13, "Received RST_STREAM with code 2", "unavailable", "in-doubt"],
  [1, "Call cancelled", "unavailable", "in-doubt"],
  [3, "etcdserver: too many operations in txn request", "too-many-ops", "not-applied"],
  [3, "etcdserver: request is too large", "too-large", "not-applied"],
  [3, "etcdserver: duplicate key given in txn request", "invalid", "not-applied"],
  [
    3,
    "etcdserver: authentication failed, invalid user ID or password",
    "unauthenticated",
    "not-applied",
  ],
  [3, "etcdserver: user name is empty", "unauthenticated", "not-applied"],
  [3, "etcdserver: revision of auth store is old", "unauthenticated", "not-applied"],
  [2, "auth: revision in header is old", "unauthenticated", "not-applied"],
  [16, "etcdserver: invalid auth token", "unauthenticated", "not-applied"],
  [7, "etcdserver: permission denied", "permission-denied", "not-applied"],
  [8, "grpc: received message larger than max (3 vs. 2)", "too-large", "not-applied"],
  [8, "Received message larger than max (3 vs 2)", "answer-too-large", "in-doubt"],
  [8, "etcdserver: mvcc: database space exceeded", "no-space", "in-doubt"],
  [8, "etcdserver: too many requests", "unavailable", "in-doubt"],
  [8, "something new", "unknown", "in-doubt"],
  [11, "etcdserver: mvcc: required revision has been compacted", "compacted", "not-applied"],
  [11, "etcdserver: mvcc: required revision is a future revision", "invalid", "not-applied"],
  [2, "anything", "unknown", "in-doubt"],
  [12, "unknown service etcdserverpb.KV", "not-etcd", "not-applied"],
  [12, "alarm is not implemented by kine", "not-etcd", "not-applied"],
  [3, "etcdserver: unsupported operations in txn request", "not-etcd", "not-applied"],
  [2, "unsupported transaction: compare:<target:VALUE >", "not-etcd", "not-applied"],
  [12, "Received HTTP status code 404", "unavailable", "in-doubt"],
  [14, "Received HTTP status code 502", "unavailable", "in-doubt"],
  [14, "etcdserver: rpc not supported for learner", "learner", "not-applied"],
  [9, "etcdserver: rpc not supported for learner", "learner", "not-applied"],
  [15, "etcdserver: corrupt cluster", "corrupt", "not-applied"],
  [15, "anything", "unknown", "in-doubt"],
];

for (const [code, details, reason, outcome] of STATUSES) {
  Deno.test(`classify: ${code} "${details.slice(0, 50)}" is ${reason}`, () => {
    const failure = new CallFailure({ code, details });
    const error = toEtcdError(failure, { endpoint: "http://e:1", username: "node" });
    strictEqual(error.reason, reason);
    strictEqual(error.outcome, outcome);
    strictEqual(error.cause, failure);
    match(error.message, /http:\/\/e:1/);
    strictEqual(error.message.includes("\n"), false);
  });
}

Deno.test("classify: messages say what to do", () => {
  const say = (code: number, details: string, username?: string) =>
    toEtcdError(new CallFailure({ code, details }), { endpoint: "http://e:1", username }).message;
  match(
    say(
      14,
      "No connection established. Last error: Error: connect ECONNREFUSED. Resolution note: ",
    ),
    /^can't reach etcd at http:\/\/e:1: connect ECONNREFUSED; .*--etcd-servers/,
  );
  match(say(7, "etcdserver: permission denied", "node-1"), /the role of user "node-1" lacks/);
  match(say(7, "etcdserver: permission denied"), /client certificate/);
  match(
    say(8, "etcdserver: mvcc: database space exceeded"),
    /out of space .*NOSPACE.*compact.*defrag.*etcdctl alarm disarm/,
  );
  match(say(3, "etcdserver: user name is empty"), /--etcd-username/);
  match(say(2, "two\nlines"), /two lines/);
  for (let code = 2; code <= 16; code++) {
    const length = say(code, "endless ".repeat(100_000)).length;
    strictEqual(length < 1_500, true, `${code}: ${length}`);
  }
  match(say(14, "etcdserver: no leader"), /^etcd at http:\/\/e:1 can't serve now: .*no leader/);
  match(
    say(14, "read ECONNRESET"),
    /^the connection to etcd at http:\/\/e:1 broke: read ECONNRESET/,
  );
  const ended = "Received RST_STREAM with code 2 triggered by internal client error: ended";
  match(say(13, ended), /^the connection to etcd at .* broke: .*ended; check that it runs$/);
});
