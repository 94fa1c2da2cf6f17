/** `scripts/build deb`, from files in the place of the binaries; dpkg-deb makes it. */
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));
const NAMES = ["x86_64", "aarch64"].map((target) => `edgekeyd-${target}-unknown-linux-gnu`);

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(cwd: string, command: readonly string[]): Promise<Ran> {
  const [program = "", ...args] = command;
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { LC_ALL: "C", TZ: "UTC" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** A project after `scripts/build all`. */
class BuiltProject implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "edgekeyd-deb-" });
  readonly dist = `${this.root}/dist`;

  static async make(): Promise<BuiltProject> {
    const project = new BuiltProject();
    Deno.mkdirSync(project.dist);
    await project.ok(
      "cp",
      "-R",
      ...["scripts", "docs", "README.md", "SECURITY.md", "CHANGELOG.md"].map((path) =>
        `${ROOT}/${path}`
      ),
      project.root,
    );
    Deno.mkdirSync(`${project.dist}/texts`);
    for (const end of ["8", "bash", "zsh", "fish"]) {
      project.write(`dist/texts/edgekeyd.${end}`, `for ${end}`);
    }
    for (const name of NAMES) {
      project.write(`dist/${name}`, `GLIBC_2.9 GLIBC_2.17 ${name}`);
      project.write(`dist/${name}.built`, "1.2.3\n1700000000\n");
    }
    project.write("dist/SHA256SUMS", await project.ok("sha256sum", ...NAMES));
    return project;
  }

  write(path: string, text: string): void {
    Deno.writeTextFileSync(`${this.root}/${path}`, text);
  }

  /** `scripts/build deb`. */
  async build(...before: string[]): Promise<Ran> {
    return await run(this.root, [...before, "scripts/build", "deb"]);
  }

  /** Runs a command in dist/: what it prints. */
  async ok(...command: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(this.dist, command);
    strictEqual(code, 0, stderr);
    return stdout;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

const HAS_DPKG = (await run(ROOT, ["sh", "-c", "command -v dpkg-deb"])).code === 0;
const ignore = !HAS_DPKG;

Deno.test({
  name: "scripts/build deb packages each program as it is, with what install.sh installs",
  ignore,
}, async () => {
  using project = await BuiltProject.make();
  const { code, stderr } = await project.build();
  strictEqual(code, 0, stderr);
  const placed = await project.ok(
    "bash",
    "-c",
    ". ../scripts/lib/placed.sh; placed /usr/bin /usr/lib/systemd/system",
  );
  for (const [architecture, name = ""] of [["amd64", NAMES[0]], ["arm64", NAMES[1]]]) {
    const [{ name: deb = "" } = {}] = [...Deno.readDirSync(project.dist)]
      .filter((entry) => entry.name.endsWith(`_${architecture}.deb`));
    match(deb, /^edgekeyd_1\.2\.3_/);
    const tree = `${project.root}/${architecture}`;
    await project.ok("dpkg-deb", "--raw-extract", deb, tree);
    for (const line of placed.trim().split("\n")) {
      const [mode = "", path = "", source = ""] = line.split(" ");
      strictEqual(await project.ok("stat", "-c", "0%a", tree + path), `${mode}\n`, path);
      const bytes = Deno.readTextFileSync(tree + path);
      const expected = source === "program"
        ? Deno.readTextFileSync(`${project.dist}/${name}`)
        : Deno.readTextFileSync(`${ROOT}/scripts/systemd/${source}`)
          .replace("ExecStart=/usr/local/bin/", "ExecStart=/usr/bin/");
      strictEqual(bytes, expected, path);
    }
    const share = `${tree}/usr/share`;
    strictEqual(await project.ok("zcat", `${share}/man/man8/edgekeyd.8.gz`), "for 8");
    for (
      const [path, text] of [
        ["bash-completion/completions/edgekeyd", "for bash"],
        ["zsh/vendor-completions/_edgekeyd", "for zsh"],
        ["fish/vendor_completions.d/edgekeyd.fish", "for fish"],
      ]
    ) strictEqual(Deno.readTextFileSync(`${share}/${path}`), text);
    for (const path of ["README.md", "docs/service.md"]) {
      const shipped = Deno.readTextFileSync(`${share}/doc/edgekeyd/${path}`);
      strictEqual(shipped, Deno.readTextFileSync(`${ROOT}/${path}`));
    }
    const owners = await project.ok("sh", "-c", `dpkg-deb --contents ${deb} | cut -d' ' -f2`);
    deepStrictEqual(new Set(owners.trim().split("\n")), new Set(["root/root"]));
    match(
      Deno.readTextFileSync(`${tree}/DEBIAN/postinst`),
      /^#!\/bin\/sh\n[^]*^say_closed\(\) \{$/m,
    );
    await project.ok("sh", "-n", `${tree}/DEBIAN/postinst`);
    strictEqual(Deno.readTextFileSync(`${tree}/DEBIAN/conffiles`), "/etc/default/edgekeyd\n");
    const control = Deno.readTextFileSync(`${tree}/DEBIAN/control`);
    match(control, new RegExp(`^Architecture: ${architecture}$`, "m"));
    match(control, /^Depends: libc6 \(>= 2\.17\), libgcc-s1, systemd \(>= 252\)$/m);
  }
});

Deno.test({
  name: "scripts/build deb makes the same packages again, and names them in SHA256SUMS",
  ignore,
}, async () => {
  using project = await BuiltProject.make();
  strictEqual((await project.build()).code, 0);
  const sums = Deno.readTextFileSync(`${project.dist}/SHA256SUMS`);
  match(sums, /amd64\.deb$/m);
  match(sums, /arm64\.deb$/m);
  await project.ok("sha256sum", "--check", "SHA256SUMS");
  // Other times and modes of what goes into it, and a leftover.
  await project.ok("sh", "-c", `touch ${NAMES.join(" ")} && chmod -R go= ../scripts && mkdir deb`);
  project.write("dist/deb/leftover", "");
  const again = await project.build("sh", "-c", 'umask 077 && exec "$0" "$@"');
  strictEqual(again.code, 0, again.stderr);
  strictEqual(Deno.readTextFileSync(`${project.dist}/SHA256SUMS`), sums);
});

Deno.test({
  name: "scripts/build deb gives a package the version and the time of its program",
  ignore,
}, async () => {
  using project = await BuiltProject.make();
  // To dpkg, a pre-release has to come before the release.
  project.write(`dist/${NAMES[1]}.built`, "1.3.0-rc.1\n1800000000\n");
  const { code, stderr } = await project.build();
  strictEqual(code, 0, stderr);
  for (
    const [deb = "", version, time] of [
      ["edgekeyd_1.2.3_amd64.deb", "1.2.3", "2023-11-14"],
      ["edgekeyd_1.3.0~rc.1_arm64.deb", "1.3.0~rc.1", "2027-01-15"],
    ]
  ) {
    strictEqual(await project.ok("dpkg-deb", "--field", deb, "Version"), `${version}\n`);
    const files = (await project.ok("dpkg-deb", "--contents", deb)).trim().split("\n");
    deepStrictEqual(new Set(files.map((line) => line.split(/\s+/)[3])), new Set([time]));
  }
});

Deno.test({
  name: "scripts/build deb refuses what it did not build, and a unit that starts something else",
  ignore,
}, async () => {
  using project = await BuiltProject.make();
  const unit = "scripts/systemd/edgekeyd.service";
  const text = Deno.readTextFileSync(`${ROOT}/${unit}`);
  project.write(unit, text.replace("/usr/local/bin/edgekeyd", "/opt/edgekeyd"));
  const moved = await project.build();
  strictEqual(moved.code, 1);
  strictEqual(
    moved.stderr,
    `build: ${unit} does not start /usr/local/bin/edgekeyd any more\n`,
  );
  project.write(unit, text);
  // As it is built where there is no git history.
  project.write(`dist/${NAMES[0]}.built`, "1.2.3\n\n");
  const timeless = await project.build();
  strictEqual(timeless.code, 1);
  match(timeless.stderr, /^build: nobody knows the time of dist\/.*, or with SOURCE_DATE_EPOCH\n$/);
  project.write(`dist/${NAMES[0]}`, "stripped");
  const stripped = await project.build();
  strictEqual(stripped.code, 1);
  strictEqual(
    stripped.stderr,
    `build: dist/${NAMES[0]} is not what dist/SHA256SUMS says: run scripts/build x86_64 first\n`,
  );
  for (const name of NAMES) Deno.removeSync(`${project.dist}/${name}`);
  const nothing = await project.build();
  strictEqual(nothing.code, 1);
  match(
    nothing.stderr,
    /^build: nothing in dist\/ to make a package of: run scripts\/build first\n$/,
  );
});
