import { noop } from "cockatiel";
import { Etcd3 } from "etcd3";

/**
 * etcd3 itself, with neither retries nor a circuit breaker, for what tests do to an etcd beside
 * the agent: compact, read its status, watch its alarms.
 */
export function rawEtcd(endpoint: string): Etcd3 {
  return new Etcd3({
    hosts: endpoint,
    faultHandling: { host: () => noop, global: noop },
    defaultCallOptions: () => ({ deadline: Date.now() + 10_000 }),
    grpcOptions: {
      "grpc.enable_retries": 0,
      "grpc.enable_http_proxy": 0,
      "grpc.use_local_subchannel_pool": 1,
    },
  });
}
