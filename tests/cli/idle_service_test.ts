import { strictEqual } from "node:assert/strict";
import { idleService } from "../../lib/cli/idle_service.ts";

/** A file system with systemd at work, a unit, and a state directory. */
class Machine implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "edgekeyd-machine-" });
  readonly stateDir = `${this.root}/var/lib/edgekeyd`;

  constructor() {
    for (const path of ["run/systemd/system", "etc/default", "var/lib/edgekeyd"]) this.make(path);
  }

  make(path: string): void {
    Deno.mkdirSync(`${this.root}/${path}`, { recursive: true });
  }

  install(place: string): void {
    this.make(place);
    Deno.writeTextFileSync(`${this.root}/${place}/edgekeyd.service`, "[Service]\n");
  }

  service(stateDir = this.stateDir): string | undefined {
    return idleService(stateDir, this.root);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

Deno.test("idleService: a unit that is installed should hold its state directory, and no other", () => {
  for (const place of ["etc/systemd/system", "usr/lib/systemd/system"]) {
    using machine = new Machine();
    strictEqual(machine.service(), undefined, "nothing is installed");
    machine.install(place);
    strictEqual(machine.service(), "edgekeyd.service", place);
    machine.make("elsewhere");
    strictEqual(machine.service(`${machine.root}/elsewhere`), undefined, "another directory");
    const settings = `${machine.root}/etc/default/edgekeyd`;
    Deno.writeTextFileSync(settings, "EDGEKEYD_NODE_NAME=n1\n EDGEKEYD_STATE_DIR = '/elsewhere'\n");
    strictEqual(machine.service(`${machine.root}/elsewhere`), "edgekeyd.service");
    strictEqual(machine.service(), undefined, "its settings name another");
  }
});

Deno.test("idleService: a masked unit, or none that a systemd could start, is none", () => {
  using machine = new Machine();
  machine.install("usr/lib/systemd/system");
  machine.make("etc/systemd/system");
  Deno.symlinkSync("/dev/null", `${machine.root}/etc/systemd/system/edgekeyd.service`);
  strictEqual(machine.service(), undefined, "masked");
  Deno.removeSync(`${machine.root}/etc/systemd/system/edgekeyd.service`);
  strictEqual(machine.service(), "edgekeyd.service");
  Deno.removeSync(`${machine.root}/run/systemd/system`);
  strictEqual(machine.service(), undefined, "no systemd");
});
