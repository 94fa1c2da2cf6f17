import { isOutOfDescriptors, OUT_OF_DESCRIPTORS } from "../errors.ts";
import { type CallFailure, GrpcCode } from "./call_failure.ts";
import { EtcdError, type EtcdErrorReason } from "./errors.ts";
import { saidLine } from "./said.ts";

/** Whose call it was. */
export interface CallContext {
  readonly endpoint: string;
  /** `--etcd-username`, if given. */
  readonly username?: string | undefined;
}

/**
 * @param failure the status of a call
 * @param context for the message
 * @returns the same as an EtcdError, with the reason to act on
 */
export function toEtcdError(failure: CallFailure, context: CallContext): EtcdError {
  const reason = reasonOf(failure);
  return new EtcdError(reason, describe(reason, failure, context), { cause: failure });
}

/**
 * @param failure the status of a call
 * @returns true if a new login may help: the token is missing, expired or unknown, or older than
 *   the last change of users and roles. etcd looks at it before it applies anything.
 */
export function isTokenRefused({ details }: CallFailure): boolean {
  return /invalid auth token|user name is empty|auth store is old|revision in header is old/
    .test(details);
}

/** What gRPC says of an answer that is a status of HTTP and nothing else. */
const HTTP_STATUS = /HTTP status code (\d{3})/;
/** kine takes kube-apiserver's Txns for what they look like, and no others. */
const KINE = /unsupported operations in txn|unsupported transaction|not implemented by kine/;

/**
 * gRPC's codes alone tell too little: etcd uses one for many reasons, and the client's own
 * failures carry the same codes as the server's. The texts are stable from etcd 3.4 to 3.6.
 */
function reasonOf(failure: CallFailure): EtcdErrorReason {
  if (isTokenRefused(failure)) return "unauthenticated";
  const { code, details } = failure;
  // Who answers so may have handed the request on before.
  if (failure.foreignType !== undefined || HTTP_STATUS.test(details)) return "unavailable";
  if (details.includes("rpc not supported for learner")) return "learner";
  if (code === GrpcCode.UNIMPLEMENTED || KINE.test(details)) return "not-etcd";
  switch (code) {
    case GrpcCode.INVALID_ARGUMENT:
      if (details.includes("too many operations")) return "too-many-ops";
      if (details.includes("request is too large")) return "too-large";
      return details.includes("authentication failed") ? "unauthenticated" : "invalid";
    case GrpcCode.DEADLINE_EXCEEDED:
      // These are grpc-js's words for a call that never got a connection.
      return /waiting for (LB pick|name resolution|metadata)/i.test(details)
        ? "unreachable"
        : "timeout";
    case GrpcCode.PERMISSION_DENIED:
      return "permission-denied";
    case GrpcCode.RESOURCE_EXHAUSTED:
      if (details.includes("database space exceeded")) return "no-space";
      // etcd's own complaint about our request begins with `grpc: received`.
      if (details.includes("grpc: received message larger than max")) return "too-large";
      if (details.includes("message larger than max")) return "answer-too-large";
      return details.includes("too many requests") ? "unavailable" : "unknown";
    case GrpcCode.OUT_OF_RANGE:
      return details.includes("compacted") ? "compacted" : "invalid";
    case GrpcCode.UNAVAILABLE:
      return /No connection established|Name resolution failed|Channel closed before call started/
          .test(details)
        ? "unreachable"
        : "unavailable";
    case GrpcCode.CANCELLED:
    case GrpcCode.INTERNAL:
      return "unavailable";
    case GrpcCode.UNAUTHENTICATED:
      return "unauthenticated";
    case GrpcCode.DATA_LOSS:
      return details.includes("corrupt cluster") ? "corrupt" : "unknown";
    default:
      return "unknown";
  }
}

function describe(reason: EtcdErrorReason, failure: CallFailure, context: CallContext): string {
  const etcd = `etcd at ${context.endpoint}`;
  const said = saidLine(failure.details) || "no reason given";
  const user = context.username === undefined
    ? "the user that the client certificate names"
    : `user "${context.username}"`;
  switch (reason) {
    case "unreachable":
      return isOutOfDescriptors(failure)
        ? `can't reach ${etcd}: ${OUT_OF_DESCRIPTORS}`
        : `can't reach ${etcd}: ${
          connectFailure(said)
        }; check that it runs and that --etcd-servers is right`;
    case "timeout":
      return `${etcd} did not answer in time (${
        said.replace(/,.*/, "")
      }); it is stopped, overloaded, or the network drops packets`;
    case "unavailable":
      if (failure.foreignType !== undefined || HTTP_STATUS.test(said)) {
        return foreignAnswer(context.endpoint, failure);
      }
      // What etcd itself says begins with its name; anything else is the transport's complaint.
      return said.startsWith("etcdserver:")
        ? `${etcd} can't serve now: ${said}; it has no leader, or too much to do`
        : `the connection to ${etcd} broke: ${said}; check that it runs`;
    case "learner":
      return `${etcd} is a learner, which serves no requests until it is a voting member: promote it (etcdctl member promote), or name voting members in --etcd-servers`;
    case "not-etcd":
      return KINE.test(said)
        ? `what answers at ${context.endpoint} is not etcd itself (${said}): kine, which k3s has, knows no Txns but kube-apiserver's own; name a real etcd in --etcd-servers`
        : `what answers at ${context.endpoint} speaks gRPC and is no etcd (${said}): name etcd's client port, 2379 as a rule, in --etcd-servers`;
    case "corrupt":
      return `${etcd} has found that its members differ, and does nothing any more (${said}; CORRUPT alarm): find the one that differs with etcdctl endpoint hashkv, replace it or restore a snapshot, then run etcdctl alarm disarm`;
    case "unauthenticated":
      return context.username === undefined
        ? `${etcd} wants to know who asks: ${said}; give --etcd-username and --etcd-password-file, or a client certificate whose common name is an etcd user`
        : `${etcd} refused to log in ${user}: ${said}; check --etcd-username and --etcd-password-file`;
    case "permission-denied":
      return `${etcd} denied permission: the role of ${user} lacks it for a key of this request; see etcdctl role grant-permission`;
    case "too-large":
      return `${etcd} refused the request as too large: ${said}; set --etcd-max-request-bytes to its --max-request-bytes`;
    case "too-many-ops":
      return `${etcd} refused the request: ${said}; set --etcd-max-txn-ops to its --max-txn-ops`;
    case "no-space":
      return `${etcd} is out of space (${said}; NOSPACE alarm): compact and defragment it, or raise --quota-backend-bytes, then run etcdctl alarm disarm`;
    case "answer-too-large":
      return `the answer of ${etcd} is larger than this client accepts: ${said}`;
    case "compacted":
      return `${etcd} no longer has the revision that was asked for: ${said}`;
    default:
      return `${etcd} refused the request: ${said}`;
  }
}

/** It speaks HTTP/2, so that it is no etcd of before v3, and no web server of the simple kind. */
function foreignAnswer(endpoint: string, { details, foreignType }: CallFailure): string {
  const status = HTTP_STATUS.exec(details)?.[1];
  const what = status === undefined
    ? `${JSON.stringify(foreignType)} in place of gRPC`
    : `HTTP status ${status} in place of gRPC`;
  return `what answers at ${endpoint} says ${what}: it is no etcd, or a proxy that can't reach its etcd; name etcd's own client port, 2379 as a rule, in --etcd-servers, or look into the proxy's log`;
}

/** grpc-js wraps the reason in words about itself. */
function connectFailure(details: string): string {
  const last = /Last error: (.*?)\. Resolution note:/.exec(details)?.[1];
  if (last !== undefined && last !== "null") return last.replace(/^Error: /, "");
  return /waiting for name resolution/.test(details)
    ? "its name was not resolved in time"
    : /waiting for/i.test(details)
    ? "no connection in time"
    : details;
}
