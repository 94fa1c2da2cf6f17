import { join } from "@std/path";
import { printed } from "../printed.ts";

/** Tells the service manager how the daemon is doing; does nothing where there is none. */
export interface Notifier {
  /** Longest time between two beats that the service manager lets pass, in ms, if it watches. */
  readonly watchdogMs: number | undefined;
  /** How often it wants to hear a beat, in ms; Infinity if nobody watches. */
  readonly beatMs: number;
  /** It is up; also sent after a reload. */
  ready(): void;
  /** What it is doing, in one line; sent if it differs from the last one. */
  status(words: string): void;
  /** The loop makes progress; sent on as often as the watchdog needs. */
  beat(): void;
  /** It takes in its configuration again; {@linkcode Notifier.ready} ends that. */
  reloading(): void;
  /** It is about to end. */
  stopping(): void;
  /** Waits until all is sent. */
  close(): Promise<void>;
}

/** What a notifier needs of the process. */
export interface NotifierOptions {
  /** Reads a variable of the environment: NOTIFY_SOCKET and what the watchdog is told by. */
  readonly env: (name: string) => string | undefined;
  /** Of this process. */
  readonly pid: number;
  /** A directory in which a socket may be made, for a moment. */
  readonly directory: string;
  /** A clock that only runs forward, in ms. */
  readonly monotonicMs: () => number;
  /** How long the machine has been up, in s, not rounded down. */
  readonly uptimeSeconds: () => number;
  /** Told once if the service manager can't be told. */
  readonly failed: (reason: string) => void;
}

/** Beats in one watchdog interval: one may be late, and another lost. */
const BEATS = 4;
/** systemd drops a message that is larger than its buffer; a status is for a person to read. */
const MAX_STATUS_CHARS = 400;

/**
 * Speaks sd_notify's protocol (systemd's sd_notify(3), sd_watchdog_enabled(3)): a datagram to the
 * unix socket that NOTIFY_SOCKET names, by path or, after an `@`, in the abstract namespace.
 *
 * @param options environment, and where our end may be made
 */
export function systemdNotifier(options: NotifierOptions): Notifier {
  const address = options.env("NOTIFY_SOCKET");
  if (address === undefined || !/^[/@]./.test(address)) return SILENT;
  return new SocketNotifier(address.replace(/^@/, "\0"), options);
}

const SILENT: Notifier = {
  watchdogMs: undefined,
  beatMs: Infinity,
  ready() {},
  status() {},
  beat() {},
  reloading() {},
  stopping() {},
  close: () => Promise.resolve(),
};

class SocketNotifier implements Notifier {
  readonly watchdogMs: number | undefined;
  readonly beatMs: number;
  readonly #to: Deno.UnixAddr;
  readonly #options: NotifierOptions;
  readonly #socket: Deno.DatagramConn | undefined;
  #words = "";
  #beatAtMs = -Infinity;
  #beating = false;
  #failed = false;
  #sent: Promise<void> = Promise.resolve();

  constructor(path: string, options: NotifierOptions) {
    this.#to = { transport: "unixpacket", path };
    this.#options = options;
    this.watchdogMs = watchdogMs(options);
    this.beatMs = (this.watchdogMs ?? Infinity) / BEATS;
    this.#socket = this.#open(options.directory);
  }

  ready(): void {
    this.#send("READY=1");
  }

  status(words: string): void {
    const line = printed(words.replaceAll(/\s+/g, " ")).slice(0, MAX_STATUS_CHARS);
    if (line === this.#words) return;
    this.#words = line;
    this.#send(`STATUS=${line}`);
  }

  beat(): void {
    if (this.watchdogMs === undefined || this.#beating) return;
    const nowMs = this.#options.monotonicMs();
    if (nowMs < this.#beatAtMs + this.beatMs) return;
    this.#beatAtMs = nowMs;
    this.#beating = true;
    this.#send("WATCHDOG=1").then(() => this.#beating = false);
  }

  reloading(): void {
    // Only asked whether it is later than the request to reload. The uptime is never behind
    // CLOCK_MONOTONIC, which can't be read here.
    const usec = Math.ceil(this.#options.uptimeSeconds()) * 1_000_000;
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${usec}`);
  }

  stopping(): void {
    this.#send("STOPPING=1\nSTATUS=Stopping");
  }

  async close(): Promise<void> {
    await this.#sent;
    this.#socket?.close();
  }

  /** A socket of ours can't send without a name; one that is taken away at once will do. */
  #open(directory: string): Deno.DatagramConn | undefined {
    const path = join(directory, `notify-${this.#options.pid}.sock`);
    try {
      const socket = Deno.listenDatagram({ transport: "unixpacket", path });
      Deno.removeSync(path);
      return socket;
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /** One after another: order counts. */
  #send(message: string): Promise<void> {
    const bytes = new TextEncoder().encode(message);
    this.#sent = this.#sent.then(async () => {
      try {
        await this.#socket?.send(bytes, this.#to);
      } catch (error) {
        this.#fail(error);
      }
    });
    return this.#sent;
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.failed(error instanceof Error ? error.message : String(error));
  }
}

/** The watchdog's interval in ms; undefined if there is none, or it watches another process. */
function watchdogMs({ env, pid }: NotifierOptions): number | undefined {
  const usec = env("WATCHDOG_USEC");
  const watched = env("WATCHDOG_PID");
  if (usec === undefined || !/^[1-9][0-9]{0,14}$/.test(usec)) return undefined;
  return watched === undefined || watched === String(pid) ? Number(usec) / 1_000 : undefined;
}
