import { objectBytes } from "../e2e/_node.ts";
import { type Machine, type Unit } from "./_machine.ts";

/** Where the pods of these tests lie in the cache. */
export const PODS = "/etc/kubernetes/cache/kubelet/pods.v1.core/shop";

/** Puts a pod into a machine's cache, as root with root's modes. */
export async function writePod(machine: Machine, name: string, rv = 1): Promise<void> {
  const object = objectBytes(`kubelet/pods.v1.core/shop/${name}`, { rv });
  await machine.write(`${PODS}/${name}`, new TextDecoder().decode(object));
  await machine.ok("chmod", "-R", "go=", "/etc/kubernetes");
}

/** Runs a step of a test. */
export type Step = (name: string, work: () => Promise<void>) => Promise<void>;

/**
 * Steps that begin where the one before ended: after a failure there is nothing to go on from.
 *
 * @param t the test
 * @param unit whose log a failure shows
 */
export function stepsOf(t: Deno.TestContext, unit: Unit): Step {
  let going = true;
  return async (name, work) => {
    if (!going) return;
    going = await t.step(name, async () => {
      try {
        await work();
      } catch (error) {
        const log = (await unit.log()).split("\n").slice(-20).join("\n");
        throw new Error(`${name}; the unit's log ends with\n${log}`, { cause: error });
      }
    });
  };
}
