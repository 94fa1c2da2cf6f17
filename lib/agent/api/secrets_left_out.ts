import { type Gvr, hasSecretKeys } from "../../k8s/mod.ts";
import type { Node } from "../node.ts";
import { ApiError } from "./api_error.ts";

/**
 * Refuses to write core Secrets where they are left out: the next pass would let them go.
 *
 * @param node says whether they are
 * @param gvr the resource of what is to be written
 * @throws {ApiError} `SecretsLeftOut` then
 */
export function checkSecrets({ reconcileOptions: { source } }: Node, gvr: Gvr): void {
  if (!source.leavesOutSecrets || !hasSecretKeys(gvr)) return;
  throw new ApiError(
    "SecretsLeftOut",
    "core Secrets are left out here, and not written to etcd; start the daemon with " +
      "--include-secrets if whoever reads the pool's etcd may read them",
  );
}
