/** What `scripts/build` refuses, in a copy of the project. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const BUILT = ["main.ts", "lib", "scripts", "deno.json", "deno.lock"];
const OTHER_ARCH = Deno.build.arch === "x86_64" ? "aarch64" : "x86_64";
/** `e_machine` in the header of an ELF file, which its magic begins. */
const MACHINE_AT = 18;
const MACHINES = { x86_64: 0x3e, aarch64: 0xb7 };

class Project implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "edgekeyd-build-" });

  constructor() {
    const args = ["-R", ...BUILT.map((name) => `${ROOT}/${name}`), this.root];
    strictEqual(new Deno.Command("cp", { args }).outputSync().code, 0);
  }

  /** Runs `scripts/build`, which has to fail: what it says. */
  async refusal(args: readonly string[], denort = ""): Promise<string> {
    const { code, stderr } = await new Deno.Command("scripts/build", {
      args: [...args],
      cwd: this.root,
      env: { DENORT_BIN: denort },
      stdin: "null",
    }).output();
    strictEqual(code, 1);
    return new TextDecoder().decode(stderr);
  }

  write(name: string, bytes: Uint8Array): void {
    Deno.writeFileSync(`${this.root}/${name}`, bytes);
  }

  /** What is there to be published. */
  published(): string[] {
    try {
      return [...Deno.readDirSync(`${this.root}/dist`)].map(({ name }) => name)
        .filter((name) => name === "SHA256SUMS" || name.startsWith("edgekeyd"));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

Deno.test("scripts/build takes one target, of those that there are", async () => {
  using project = new Project();
  for (const args of [["riscv64"], ["x86_64", "aarch64"]]) {
    match(await project.refusal(args), /^build: usage: scripts\/build \[x86_64\|aarch64\|all/);
  }
});

Deno.test("scripts/build refuses a DENORT_BIN that can't be the run time of the target", async () => {
  using project = new Project();
  const { arch } = Deno.build;
  project.write("denort.zip", new TextEncoder().encode("PK\u0003\u0004".padEnd(64, "\0")));
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46]);
  header[MACHINE_AT] = MACHINES[OTHER_ARCH];
  project.write("denort", header);
  match(await project.refusal([arch], "./nowhere"), /^build: DENORT_BIN: there is no file \.\//);
  const noProgram = new RegExp(`^build: DENORT_BIN: .* is no program for ${arch}; name the file `);
  match(await project.refusal([arch], "./denort.zip"), noProgram);
  match(await project.refusal([arch], "./denort"), noProgram);
  match(await project.refusal(["all"], "./denort"), /^build: DENORT_BIN is for one target/);
  deepStrictEqual(project.published(), []);
});

Deno.test("scripts/build publishes nothing that does not run as edgekeyd", async () => {
  using project = new Project();
  match(
    await project.refusal([Deno.build.arch], "/bin/true"),
    /^build: dist\/edgekeyd-.* does not run: denort is not that of Deno [\d.]+( \(.*\))?\n$/m,
  );
  deepStrictEqual(project.published(), []);
});
