# shellcheck shell=bash
# Deno's bundler is esbuild, which Deno fetches from npm by itself when it is first used, whatever
# the registry has there. So it is put in Deno's way before that, and its hash is looked at each
# time. Sourced after tools.sh, with Deno on the PATH.
#
#   pinned_esbuild       puts it there; the end if what is there is another
#   check_no_other_esbuild  the end if Deno has fetched another one since

ESBUILD_VERSION=0.25.5 # of Deno 2.6 to 2.9
# Of the program itself.
declare -A SHA256_ESBUILD=(
  [x86_64]=3331e0b23c99d93d9a39e436a4838de40ca1c95ac3bcbd9874ba169d8545b634
  [aarch64]=d6d656d9326ce1c55c01f73604a3cffda35c63cce60016e9ed795ac91cd1e67d
)

# Where Deno keeps it, if it does.
esbuild_places() {
  deno info --json 2>/dev/null | sed -n 's/^ *"denoDir": "\(.*\)",$/\1\/dl/p'
}

# fetch_esbuild FOLDER ARCH: from npm, by Deno; no script of a package runs.
fetch_esbuild() {
  local dir
  dir=$(mktemp -d "$TOOLS/tmp.XXXXXX")
  echo '{}' >"$dir/deno.json"
  (cd "$dir" && download esbuild 180 deno install --quiet --no-lock --node-modules-dir=auto \
    "npm:@esbuild/linux-$2@$ESBUILD_VERSION") ||
    die "can't fetch esbuild $ESBUILD_VERSION: $(tail -n 1 "$TOOLS/logs/esbuild.log")"
  mkdir -p "$1"
  cp "$(realpath "$dir/node_modules/@esbuild/linux-$2/bin/esbuild")" "$1/.esbuild.new"
  rm -rf "$dir"
  check_esbuild "$1/.esbuild.new"
  chmod 755 "$1/.esbuild.new"
  mv "$1/.esbuild.new" "$1/esbuild-linux-$2"
}

check_esbuild() {
  echo "${SHA256_ESBUILD[$(uname -m)]}  $1" | sha256sum --quiet --check - >/dev/null 2>&1 ||
    die "$1 is not the esbuild that edgekeyd is built with: remove it, and try again"
}

pinned_esbuild() {
  local arch=x64 folder
  [ "$(uname -m)" != aarch64 ] || arch=arm64
  # Newer ones of 2.9 count how often it was repacked.
  for folder in "$(esbuild_places)/esbuild-$ESBUILD_VERSION"{,-1}; do
    [ -e "$folder/esbuild-linux-$arch" ] || fetch_esbuild "$folder" "$arch"
    check_esbuild "$folder/esbuild-linux-$arch"
  done
  touch "$TOOLS/esbuild-looked"
}

check_no_other_esbuild() {
  local other
  other=$(find "$(esbuild_places)" -path '*/esbuild-*/*' -newer "$TOOLS/esbuild-looked" -type f)
  [ -z "$other" ] || die "Deno $(deno_version deno) bundles with another esbuild ($other) than" \
    "edgekeyd pins (scripts/lib/esbuild.sh): build with Deno $DENO_VERSION"
}
