import { versionIn } from "../cloud.ts";
import type { Daemon } from "../daemon.ts";
import type { Environment } from "../environment.ts";
import { broken, type Checker, type Lineage, type World } from "../world.ts";
import { isHeldUp } from "./held_up.ts";

/** So long a daemon may take to put back what somebody deleted, in ms. */
const BACK_MS = 3_000;
/** The same for an etcd that came back empty, from its first answer on. */
const REFILLED_MS = 2_000;
/** What a pass takes by itself. */
const PASS_MS = 2_000;

/**
 * What a daemon at rest promises of what happens in etcd, without a fault and without a question: a
 * held key that somebody deletes comes back, and an etcd that came back empty is filled again.
 */
export class Noticed implements Checker {
  readonly name = "noticed";
  readonly #world: () => World;

  constructor(world: () => World) {
    this.#world = world;
  }

  /**
   * Does something to etcd beside a daemon that is at rest, and holds it to its word.
   *
   * @param lineage whose daemon it is
   * @param daemon the daemon
   * @param environment what else happens
   */
  async try(lineage: Lineage, daemon: Daemon, environment: Environment): Promise<void> {
    const { prng, marks, scheduler } = this.#world();
    const keys = this.#ownKeys(lineage);
    const { failure, fence } = daemon.agent.health;
    if (!daemon.runs || failure || fence || keys.length === 0) return;
    const isEmptied = prng.chance(0.5);
    const gone = isEmptied ? keys : keys.filter(() => prng.chance(0.5));
    if (isEmptied) environment.emptyEtcd();
    else for (const key of gone) environment.deleteKey(key);
    await scheduler.sleep(PASS_MS + (isEmptied ? REFILLED_MS : BACK_MS));
    if (!daemon.runs) return;
    marks.hit(isEmptied ? "emptied etcd filled beside a daemon" : "deleted key put back");
    const { etcd } = this.#world();
    for (const key of gone) {
      const isHeld = (lineage.disk.row(key)?.owners.length ?? 0) > 0;
      if (etcd.get(key) || !isHeld || isHeldUp(this.#world(), lineage, key)) continue;
      broken(this, `${lineage.name} holds ${key}, which has not come back`);
    }
  }

  /** Keys that it has put itself, from files that are good. */
  #ownKeys({ disk, node }: Lineage): string[] {
    const { etcd } = this.#world();
    return disk.rowKeys.filter((key) => {
      const row = disk.row(key);
      const stored = etcd.get(key);
      const isOwn = row?.ours === true && stored !== undefined && row.mod === String(stored.mod);
      const owners = row?.owners ?? [];
      const isGood = owners.length > 0 && owners.every(({ fromApi }) => !fromApi) &&
        node.files().some((file) => file.key === key && file.version !== undefined);
      return isOwn && isGood && versionIn(stored.value) !== undefined;
    });
  }
}
