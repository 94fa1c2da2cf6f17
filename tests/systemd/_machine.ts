import { match } from "node:assert/strict";
import { say } from "../support/say.ts";

/** What a command printed, and how it ended. */
export interface Ran {
  readonly code: number;
  readonly output: string;
}

const BOOT_MS = 30_000;
const COMMAND_MS = 60_000;
/** What systemd gives as the exit status of a process that it could not put into its cgroup. */
const EXIT_CGROUP = "219";
export const CGROUP_RETRIES = 3;

/** A container with a systemd of its own and the host's network; what it writes is gone with it. */
export class Machine implements AsyncDisposable {
  readonly #nspawn: Deno.ChildProcess;
  readonly #init: string;

  private constructor(nspawn: Deno.ChildProcess, init: string) {
    this.#nspawn = nspawn;
    this.#init = init;
  }

  /**
   * Boots it.
   *
   * @param root a tree made by mmdebstrap; it is not written to
   * @param binds what it sees of the host, and where, to read only
   */
  static async boot(root: string, binds: Readonly<Record<string, string>>): Promise<Machine> {
    const nspawn = new Deno.Command("systemd-nspawn", {
      args: [
        "--quiet",
        `--directory=${root}`,
        "--volatile=overlay",
        "--boot",
        "--register=no",
        "--keep-unit",
        `--machine=edgekeyd-${crypto.randomUUID().slice(0, 13)}`,
        "--console=pipe",
        ...Object.entries(binds).map(([inside, host]) => `--bind-ro=${host}:${inside}`),
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      return await eventually("a running system", BOOT_MS, async () => {
        // Its only child is the init, after one that comes and goes.
        const children = Deno.readTextFileSync(`/proc/${nspawn.pid}/task/${nspawn.pid}/children`);
        const machine = new Machine(nspawn, children.trim());
        const { output } = await machine.run("systemctl", "is-system-running");
        return /^(running|degraded)/.test(output) ? machine : undefined;
      });
    } catch (error) {
      nspawn.kill("SIGKILL");
      await nspawn.status;
      throw error;
    }
  }

  /** Runs a command inside, whatever comes of it. */
  async run(...command: string[]): Promise<Ran> {
    const { code, stdout, stderr } = await new Deno.Command("nsenter", {
      args: ["-t", this.#init, "-m", "-u", "-i", "-n", "-p", "-C", ...command],
      clearEnv: true,
      env: { PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
      stdin: "null",
      signal: AbortSignal.timeout(COMMAND_MS),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, output: text(stdout) + text(stderr) };
  }

  /**
   * Runs a command inside.
   *
   * @throws {Error} if it fails
   */
  async ok(...command: string[]): Promise<string> {
    const { code, output } = await this.run(...command);
    if (code !== 0) throw new Error(`${command.join(" ")}: exit ${code}\n${output}`);
    return output.trimEnd();
  }

  /** Writes a file inside. */
  async write(path: string, content: string): Promise<void> {
    const folder = path.slice(0, path.lastIndexOf("/"));
    const script = 'mkdir -p "$1" && printf %s "$3" >"$2.part" && mv "$2.part" "$2"';
    await this.ok("sh", "-c", script, "write", folder, path, content);
  }

  /** Turns it off. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("systemctl", "poweroff", "--force");
    const timer = setTimeout(() => this.#nspawn.kill("SIGKILL"), BOOT_MS);
    await this.#nspawn.status;
    clearTimeout(timer);
  }
}

/** A unit of a machine. */
export class Unit {
  readonly #machine: Machine;
  readonly #name: string;

  constructor(machine: Machine, name: string) {
    this.#machine = machine;
    this.#name = name;
  }

  /**
   * `systemctl <verb> <unit>`. In a container whose cgroups are not quite the kernel's, systemd now
   * and then can't put the process where the one before was (status 219, before it runs anything of
   * ours): that is tried again, and said.
   */
  async ctl(verb: string): Promise<Ran> {
    for (let left = CGROUP_RETRIES;; left--) {
      const ran = await this.#machine.run("systemctl", verb, this.#name);
      const retry = left > 0 && ran.code !== 0 && /start$/.test(verb) &&
        await this.show("ExecMainStatus") === EXIT_CGROUP;
      if (!retry) return ran;
      say(`systemctl ${verb} ${this.#name}: 219/CGROUP, again`);
    }
  }

  /** One property, as `systemctl show` has it. */
  async show(property: string): Promise<string> {
    return await this.#machine.ok("systemctl", "show", "--value", "-p", property, this.#name);
  }

  /** Everything that it logged. */
  async log(): Promise<string> {
    return await this.#machine.ok("journalctl", "-u", this.#name, "-o", "cat", "--no-pager");
  }

  /** Waits until a property is as expected. */
  async until(property: string, expected: RegExp, withinMs: number): Promise<string> {
    let value = "";
    try {
      return await eventually(`${property} ${expected}`, withinMs, async () => {
        value = await this.show(property);
        return expected.test(value) ? value : undefined;
      });
    } catch {
      match(value, expected, `${property}, in the end, of\n${await this.log()}`);
      return value;
    }
  }
}

/** Asks until there is an answer. */
export async function eventually<T>(
  what: string,
  withinMs: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadlineMs) throw new Error(`no ${what} within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
