# shellcheck shell=bash
# What only the distribution has, unpacked into .tools/ and not installed: no package, list or
# service of the machine changes. Sourced after tools.sh; needs apt and dpkg. apt takes a package
# only if the index, which its distribution has signed, has its hash.
#
#   etcd_3_4        prints the path of an etcd 3.4; fails with a reason
#   prometheus      prints a folder with prometheus and promtool; fails with a reason
#   qemu_aarch64    prints the command that runs aarch64 programs; fails with a reason
#   systemd_rootfs  prints a tree that systemd-nspawn can boot, which is then on the PATH in
#                   .tools/bin; fails with a reason
#   lintian_rootfs  prints a tree to chroot into, with lintian; fails with a reason
#
# The last two are root's.

# Debian 12, whose systemd is the oldest that is supported.
DEBIAN=bookworm
# What unpacked programs have to share with the machine's loader.
NEVER_UNPACKED='^(libc6|libc-bin)_'

# own_apt: apt with lists and files of its own, and without what the machine has it do beside.
own_apt() {
  mkdir -p "$TOOLS"/apt/{state/lists/partial,cache/archives/partial}
  cat >"$TOOLS/apt/apt.conf" <<EOT
Dir::State "$TOOLS/apt/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$TOOLS/apt/cache";
Dir::Log "$TOOLS/apt/log";
APT::Sandbox::User "$(id -un)";
Debug::NoLocking "true";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
APT::Get::AllowUnauthenticated "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
EOT
}

# unpack NAME PACKAGE...: these, and what they need and the machine lacks, as .tools/NAME.
unpack() {
  local name=$1 apt=(apt-get -q -c "$TOOLS/apt/apt.conf") deb dir
  [ ! -d "$TOOLS/$name" ] || return 0
  shift
  if ! have apt-get dpkg; then
    echo "no apt here" >&2
    return 1
  fi
  echo "Unpacking $* …" >&2
  own_apt
  if [ -z "$(find "$TOOLS/apt/state/updated" -mmin -60 2>/dev/null)" ]; then
    download apt-update 180 "${apt[@]}" update || true # of some sources there may be none
    touch "$TOOLS/apt/state/updated"
  fi
  rm -f "$TOOLS"/apt/cache/archives/*.deb
  if ! download "apt-$name" 600 "${apt[@]}" install -y --no-install-recommends --reinstall \
    --download-only "$@"; then
    echo "apt can't get $*: $(tail -n 1 "$TOOLS/logs/apt-$name.log")" >&2
    return 1
  fi
  dir=$(mktemp -d "$TOOLS/tmp.XXXXXX")
  for deb in "$TOOLS"/apt/cache/archives/*.deb; do
    [[ ${deb##*/} =~ $NEVER_UNPACKED ]] || dpkg -x "$deb" "$dir"
  done
  rm -f "$TOOLS"/apt/cache/archives/*.deb
  chmod 755 "$dir"
  mv "$dir" "$TOOLS/$name"
}

etcd_3_4() {
  if keep_if 3.4 "$(command -v etcd)" 2>/dev/null; then return 0; fi
  unpack etcd-3.4 etcd-server || return 1
  keep_if 3.4 "$TOOLS/etcd-3.4/usr/bin/etcd"
}

prometheus() {
  unpack prometheus prometheus || return 1
  echo "$TOOLS/prometheus/usr/bin"
}

qemu_aarch64() {
  unpack qemu qemu-user-static libc6-arm64-cross libgcc-s1-arm64-cross libstdc++6-arm64-cross ||
    return 1
  echo "$TOOLS/qemu/usr/bin/qemu-aarch64-static -L $TOOLS/qemu/usr/aarch64-linux-gnu"
}

# debian_tree NAME PACKAGE,...: a Debian with these, as .tools/NAME.
debian_tree() {
  local tree=$TOOLS/$1 nspawn=$TOOLS/nspawn dir made=true
  if [ "$(id -u)" != 0 ]; then
    echo "only root can make a tree and enter it" >&2
    return 1
  fi
  unpack nspawn systemd-container mmdebstrap debian-archive-keyring || return 1
  [ ! -d "$tree" ] || return 0
  echo "Making a Debian with $2 …" >&2
  dir=$(mktemp -d "$TOOLS/tmp.XXXXXX")
  chmod 755 "$dir"
  # Whatever ends it, no mount is left behind; and a try begins where nothing is.
  # shellcheck disable=SC2016 # for the inner shell
  PATH=$nspawn/usr/bin:$PATH download "mmdebstrap-$1" 1200 unshare --mount sh -c \
    'rm -rf --one-file-system "$1" && exec mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io \
      --include="$2" --keyring="$3" "$4" "$1"' \
    sh "$dir/root" "$2" "$nspawn/usr/share/keyrings/debian-archive-keyring.gpg" "$DEBIAN" || made=false
  if $made; then mv "$dir/root" "$tree"; fi
  rm -rf --one-file-system "$dir"
  if ! $made; then
    echo "mmdebstrap failed: $(tail -n 1 "$TOOLS/logs/mmdebstrap-$1.log")" >&2
    return 1
  fi
}

systemd_rootfs() {
  local tree=$TOOLS/systemd-root libraries
  debian_tree systemd-root systemd,systemd-sysv,dbus || return 1
  libraries=$TOOLS/nspawn/usr/lib/$(uname -m)-linux-gnu
  cat >"$TOOLS/bin/systemd-nspawn" <<EOT
#!/bin/sh
LD_LIBRARY_PATH=$libraries:$libraries/systemd exec $TOOLS/nspawn/usr/bin/systemd-nspawn "\$@"
EOT
  chmod 755 "$TOOLS/bin/systemd-nspawn"
  if ! timeout 60 "$TOOLS/bin/systemd-nspawn" --quiet --directory="$tree" --volatile=overlay \
    --register=no --keep-unit --console=pipe --machine="edgekeyd-try-$$" true </dev/null \
    >"$TOOLS/logs/nspawn.log" 2>&1; then
    echo "systemd-nspawn does not work here: $(tail -n 1 "$TOOLS/logs/nspawn.log")" >&2
    return 1
  fi
  echo "$tree"
}

lintian_rootfs() {
  debian_tree lintian-root lintian || return 1
  echo "$TOOLS/lintian-root"
}
