import { FLAGS } from "./flags.ts";
import type { Options } from "./options.ts";
import type { Terminal } from "./terminal.ts";

/** What a command does; `words` are what follows its name. Returns the exit status. */
export type Command = (
  options: Options,
  terminal: Terminal,
  words: readonly string[],
) => Promise<number>;

/** A command: the one place where its name, its arguments and its help stand. */
export interface CommandEntry {
  /** As a user would write it. */
  readonly usage: string;
  readonly help: string;
  /** How many words follow the command's name: at least and at most. */
  readonly takes: readonly [number, number];
  /** It writes nothing, whatever the flags are. */
  readonly readsOnly?: true;
  /**
   * Each is loaded when it is asked for: it need not wait for what others need, the daemon's API,
   * say, or its metrics.
   */
  load(): Promise<Command>;
}

/** What `--reconcile` does; the flag stands for a command. */
export const RECONCILE: CommandEntry = {
  usage: "--reconcile",
  help: FLAGS.reconcile.help,
  takes: [0, 0],
  load: async () => (await import("./reconcile_command.ts")).reconcileCommand,
};

/** All commands by name, in the order in which `--help` shows them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  "run": {
    usage: "[run]",
    help: "the daemon: keep etcd in step as the fs cache changes",
    takes: [0, 0],
    load: async () => (await import("./run_command.ts")).runCommand,
  },
  "status": {
    usage: "status",
    help: "how the node is doing: daemon, etcd, keys by component, what to do",
    takes: [0, 0],
    readsOnly: true,
    load: async () => (await import("./status_command.ts")).statusCommand,
  },
  "keys": {
    usage: "keys [COMPONENT [GVR]]",
    help: "object keys from the component-key cache, one a line",
    takes: [0, 2],
    readsOnly: true,
    load: async () => (await import("./key_commands.ts")).keysCommand,
  },
  "owners": {
    usage: "owners KEY",
    help: "the components that hold an object key; exit 1 if there are none",
    takes: [1, 1],
    readsOnly: true,
    load: async () => (await import("./key_commands.ts")).ownersCommand,
  },
  "verify": {
    usage: "verify",
    help: "compare etcd with the component-key cache; write nothing; exit 3 if they differ",
    takes: [0, 0],
    readsOnly: true,
    load: async () => (await import("./verify_command.ts")).verifyCommand,
  },
  "delete-component": {
    usage: "delete-component NAME",
    help: "let go of a component that the fs cache no longer has",
    takes: [1, 1],
    load: async () => (await import("./leave_commands.ts")).deleteComponentCommand,
  },
  "delete-unclaimed": {
    usage: "delete-unclaimed KEY...",
    help: "delete what importers wrote and no component here owns",
    takes: [1, Infinity],
    load: async () => (await import("./leave_commands.ts")).deleteUnclaimedCommand,
  },
  "import-key-cache": {
    usage: "import-key-cache FILE",
    help: "take over the keys that OpenYurt's own etcd storage recorded",
    takes: [1, 1],
    load: async () => (await import("./import_command.ts")).importKeyCacheCommand,
  },
  "retire": {
    usage: "retire",
    help: "delete every key that this node wrote, then its fence",
    takes: [0, 0],
    load: async () => (await import("./leave_commands.ts")).retireCommand,
  },
};
