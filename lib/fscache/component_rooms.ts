import type { Gvr } from "../k8s/mod.ts";
import { plural } from "../plural.ts";
import {
  type ComponentHolding,
  type ComponentLimits,
  DEFAULT_COMPONENT_LIMITS,
  overLimit,
} from "./component_limits.ts";
import type { InvalidPath } from "./snapshot.ts";

/** What components may have, and have. */
export interface ComponentRoomOptions {
  /**
   * What one component may have.
   *
   * @default {@linkcode DEFAULT_COMPONENT_LIMITS}
   */
  readonly limits?: ComponentLimits | undefined;
  /**
   * What a component has.
   *
   * @default nothing
   */
  readonly heldBy?: ((component: string) => ComponentHolding) | undefined;
  /**
   * Tells of a resource whose objects take no room, since none of them is imported.
   *
   * @default there is none
   */
  readonly isLeftOut?: ((gvr: Gvr) => boolean) | undefined;
}

interface Room {
  keys: number;
  bytes: number;
  /** So much may still be read, whatever comes of it. */
  readable: number;
}

/** Which file is asked about: where it stands, and what is recorded of it. */
interface Asked {
  readonly component: string;
  readonly directory: string;
  /** What its object is; undefined as long as nobody has read it, in the older layout. */
  readonly gvr: Gvr | undefined;
  /** Undefined: nothing is recorded. */
  readonly knownBytes: number | undefined;
}

/** The room that each component has left in a scan. */
export class ComponentRooms {
  readonly #limits: ComponentLimits;
  readonly #heldBy: (component: string) => ComponentHolding;
  readonly #isLeftOut: (gvr: Gvr) => boolean;
  readonly #rooms = new Map<string, Room>();
  /** By group (`component/directory`): how many files were left out, and by which limit. */
  readonly #leftOut = new Map<string, { files: number; limit: keyof ComponentLimits }>();

  /** @param options what components may have, and have */
  constructor({ limits, heldBy, isLeftOut }: ComponentRoomOptions) {
    this.#limits = limits ?? DEFAULT_COMPONENT_LIMITS;
    this.#heldBy = heldBy ?? (() => ({ keys: 0, bytes: 0 }));
    this.#isLeftOut = isLeftOut ?? (() => false);
  }

  /**
   * Tells whether a file may be read, and notes it if not.
   *
   * @param asked which
   * @param sizeOf tells how many bytes it holds; asked only if it matters
   * @param maxBytes more it can't hold
   * @returns true if so
   */
  mayRead(asked: Asked, sizeOf: () => number, maxBytes: number): boolean {
    const { component, directory, knownBytes } = asked;
    const room = this.#roomOf(component);
    const takesRoom = this.#takesRoom(asked);
    let limit: keyof ComponentLimits | undefined;
    if (takesRoom && knownBytes === undefined && room.keys <= 0) limit = "maxKeys";
    else if (room.readable <= 0) limit = "maxBytes";
    else if (takesRoom && room.bytes < maxBytes) {
      const growth = sizeOf() - (knownBytes ?? 0);
      if (growth > 0 && growth > room.bytes) limit = "maxBytes";
    }
    if (limit === undefined) return true;
    const group = `${component}/${directory}`;
    this.#leftOut.set(group, { files: (this.#leftOut.get(group)?.files ?? 0) + 1, limit });
    return false;
  }

  /**
   * Takes in that a file was read.
   *
   * @param asked which
   * @param bytes how many it holds
   */
  hasRead({ component }: Pick<Asked, "component">, bytes: number): void {
    this.#roomOf(component).readable -= bytes;
  }

  /**
   * Takes in that a file is an object.
   *
   * @param asked which
   * @param bytes how many it holds
   */
  takes(asked: Asked, bytes: number): void {
    if (!this.#takesRoom(asked)) return;
    const { component, knownBytes } = asked;
    const room = this.#roomOf(component);
    if (knownBytes === undefined) room.keys--;
    room.bytes -= bytes - (knownBytes ?? 0);
  }

  /** What was left out, by group. */
  get leftOut(): InvalidPath[] {
    return Array.from(this.#leftOut, ([path, { files, limit }]) => {
      const component = path.slice(0, path.indexOf("/"));
      const reason = overLimit(component, limit, this.#limits);
      return {
        path,
        reason: `at least ${plural(rounded(files), "file")} left out: ${reason}`,
        kind: "component-full",
      };
    });
  }

  #takesRoom({ gvr }: Asked): boolean {
    return gvr === undefined || !this.#isLeftOut(gvr);
  }

  #roomOf(component: string): Room {
    let room = this.#rooms.get(component);
    if (room === undefined) {
      const { maxKeys, maxBytes } = this.#limits;
      const { keys, bytes } = this.#heldBy(component);
      room = { keys: maxKeys - keys, bytes: maxBytes - bytes, readable: maxBytes };
      this.#rooms.set(component, room);
    }
    return room;
  }
}

/** Its first digit, with zeros: what grows all the time is not news each time. */
function rounded(files: number): number {
  const unit = 10 ** Math.floor(Math.log10(files));
  return Math.floor(files / unit) * unit;
}
