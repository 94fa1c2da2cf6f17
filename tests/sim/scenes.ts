import type { Order } from "./orders.ts";
import { CALM, type Weather } from "./weather.ts";

/**
 * A run that is made for what other runs hardly ever meet: few faults, and all the more of those
 * that it takes.
 */
export interface Scene {
  readonly weather: Weather;
  /** What agents are asked for, by weight. */
  readonly orders: Readonly<Partial<Record<Order["kind"], number>>>;
  /** Daemons are asked for it; else it is done by commands. */
  readonly ofDaemon: boolean;
  /**
   * How much likelier etcd is restored between two answers to one reader than between any two turns.
   */
  readonly restoresBetweenPages: number;
  /** Of the files, all are there at first, and from time to time some are gone, all at once. */
  readonly onlyRemovals: boolean;
}

/** By name. */
const SCENES = {
  /** etcd can't be reached for a Txn that was planned from what it just said. */
  "lists are replaced, and etcd is out of reach": {
    weather: { ...CALM, refused: 0.3, churn: 0.2 },
    orders: { "replace-list": 6, "delete-component": 1, reconcile: 2 },
    ofDaemon: true,
    restoresBetweenPages: 4,
    onlyRemovals: false,
  },
  /** What a full pass finds on one page is of another past than what it finds on the next. */
  "etcd is restored while it is read": {
    weather: { ...CALM, restore: 0.004 },
    orders: { reconcile: 1 },
    ofDaemon: false,
    restoresBetweenPages: 100,
    onlyRemovals: false,
  },
  /** What etcd answers is now and then what another has asked. */
  "answers are mixed up": {
    weather: { ...CALM, mixedUp: 0.15, foreign: 0.02 },
    orders: { reconcile: 1 },
    ofDaemon: false,
    restoresBetweenPages: 4,
    onlyRemovals: false,
  },
  /** Each time so few that they may go, unless those that went before count. */
  "files go in waves": {
    weather: CALM,
    orders: { reconcile: 1 },
    ofDaemon: false,
    restoresBetweenPages: 4,
    onlyRemovals: true,
  },
} as const satisfies Readonly<Record<string, Scene>>;

/** A scene's name. */
export type SceneName = keyof typeof SCENES;

/** All of them. */
export const SCENE_NAMES = Object.keys(SCENES) as readonly SceneName[];

/**
 * What a scene is made of.
 *
 * @param name its name
 */
export function sceneOf(name: SceneName): Scene {
  return SCENES[name];
}
