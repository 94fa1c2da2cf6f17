import type { ErrorCode } from "./error_codes.ts";

/** What may be said with each code, for the OpenAPI document. */
export const ERROR_EXAMPLES: Readonly<Record<ErrorCode, string>> = {
  BadRequest: "dryRun takes true or false",
  SecretsLeftOut:
    "core Secrets are left out here, and not written to etcd; start the daemon with " +
    "--include-secrets if whoever reads the pool's etcd may read them",
  NotFound: "this node never had a component kubelt; did you mean kubelet?",
  UnknownPath: "there is no such path; GET /openapi.json lists them",
  MethodNotAllowed: "this path takes GET, HEAD, PUT",
  RequestTimeout: "the body did not come within 10000 ms",
  KeyExists: "/registry/configmaps/shop/settings exists already; update it, or delete it first",
  UpdateConflict: "/registry/configmaps/shop/settings was not updated: a fresher version is held",
  ComponentClash:
    "/etc/kubernetes/cache/kubelet is still in the fs cache, which is where its keys " +
    "come from; remove it first, or take another name",
  NotUnclaimed: '"/registry/configmaps/shop/settings" is owned here; nothing was deleted',
  TooLarge: "the body holds more than 33554432 bytes",
  UnsupportedMediaType: "the body must be application/json in UTF-8; send the header " +
    "Content-Type: application/json",
  NoContent: "the body is empty",
  InvalidContent: "the body is no JSON",
  EmptyComponent: "the path names no component",
  EmptyResource: "the path names no resource",
  EmptyKey: "the name is empty",
  UnrecognizedKey: "a resource is written as in pods.v1.core",
  TooManyRequests: "32 requests are open; try again later",
  Internal: "a defect; the log says more",
  NotReady: "can't reach etcd at 10.0.0.1:2379",
  Unknown: "it was begun and is not done yet; it goes on, so read back what came of it",
};
