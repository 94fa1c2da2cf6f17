#!/usr/bin/env bash
# Installs edgekeyd as a service of this machine, upgrades it in place, or takes it away again. As
# root; it needs systemd and this folder (scripts/), and nothing else of the project.
#
#   scripts/install.sh [--without-sums] [BINARY]
#                                   by default dist/edgekeyd-<machine>-unknown-linux-gnu
#   scripts/install.sh --uninstall  state and settings stay
#   scripts/install.sh --uninstall --purge [--retire | --no-retire]
#
# The program has to be what a SHA256SUMS beside it says. --without-sums takes one that has none
# beside it; what such a file does say still counts.
# What is there already as it should be is left alone: a second run changes and restarts nothing. A
# run that did not come to its end is ended by the next.
# --purge takes state, settings and user away too; --retire first deletes from etcd what this node
# wrote there (`edgekeyd retire`), and nothing goes if that fails. Without either it asks.
set -euo pipefail
umask 022
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib/placed.sh
. "$ROOT/scripts/lib/placed.sh"
# shellcheck source=scripts/lib/closed_places.sh
. "$ROOT/scripts/lib/closed_places.sh"

BIN=/usr/local/bin
UNITS=/etc/systemd/system
UNFINISHED=$UNITS/.$UNIT.unfinished # there while a unit is that was never enabled, or no more
STATE=/var/lib/edgekeyd
USER_NAME=edgekeyd
VERSION_SECONDS=60 # a slow SD card
OLDEST_SYSTEMD=252 # as the package's Depends

# One line on stderr, and the end.
die() {
  echo "install.sh: $*" >&2
  exit 1
}

help() {
  cat <<'EOT'
usage: install.sh [--without-sums] [BINARY]
       install.sh --uninstall [--purge [--retire | --no-retire]]

Installs edgekeyd as a service of this machine, or upgrades it in place. It needs root, and systemd
252 or newer. The program has to be what the SHA256SUMS beside it says.

BINARY          the program, by default dist/edgekeyd-<machine>-unknown-linux-gnu
--without-sums  take a program that has no SHA256SUMS beside it
--uninstall     remove program and unit; state, settings, and what this node wrote to etcd stay
--purge         remove state, settings and user too
--retire        before that, delete from etcd what this node wrote there
--no-retire     leave that in etcd for good; without either of the two it asks
EOT
}

usage() {
  echo "usage: install.sh [--without-sums] [BINARY] | --uninstall [--purge [--retire | --no-retire]]" >&2
  exit 2
}

check_machine() {
  local systemd
  [ "$(id -u)" = 0 ] || die "only root can do this"
  [ -d /run/systemd/system ] || die "no systemd runs this machine, and edgekeyd's service needs it"
  systemd=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
  [ "${systemd:-0}" -ge "$OLDEST_SYSTEMD" ] ||
    die "this machine has systemd ${systemd:-of no version}, and edgekeyd's service needs" \
      "$OLDEST_SYSTEMD or newer"
  [ -x "$(type -P systemd-sysusers)" ] || die "no systemd-sysusers here to make the service's user"
  check_package
  $uninstall || [ "$(readlink "$UNITS/$UNIT")" != /dev/null ] ||
    die "$UNIT is masked here: if it is to run, 'systemctl unmask edgekeyd' first"
}

# Whatever dpkg knows of the package, its purge would take from here later, settings at least.
check_package() {
  local status
  command -v dpkg-query >/dev/null || return 0
  status=$(dpkg-query -W -f '${db:Status-Status}' edgekeyd 2>/dev/null) || return 0
  case $status in
  '' | not-installed) ;;
  installed)
    die "edgekeyd is installed as a Debian package: use apt or dpkg, or purge that first" \
      "(see docs/service.md)"
    ;;
  config-files)
    # One that went beside it before this was refused.
    if $uninstall && ! $purge; then return; fi
    die "the Debian package of edgekeyd was removed, but when it is purged, the settings go: save" \
      "$SETTINGS, then 'dpkg --purge edgekeyd' first"
    ;;
  *)
    die "the Debian package of edgekeyd is $status: 'dpkg --configure edgekeyd' finishes it," \
      "'dpkg --purge edgekeyd' takes it away, with the settings in $SETTINGS"
    ;;
  esac
}

# check_sum BINARY: holds it against the SHA256SUMS beside it.
check_sum() {
  local sums line
  sums=$(dirname "$1")/SHA256SUMS
  if [ ! -e "$sums" ]; then
    $sums_needed || return 0
    die "there is no $sums to hold $1 against: put the one that was published with it there, or" \
      "give --without-sums if you know where this program comes from"
  fi
  # A sum, a space, a space or an asterisk, and the name, which may hold spaces.
  line=$(name=$(basename "$1") awk 'substr($0, 67) == ENVIRON["name"]' "$sums")
  [ -n "$line" ] || die "$sums does not name $(basename "$1"): is it the program that was released?"
  [ "${line%% *}" = "$(sha256sum <"$1" | cut -d' ' -f1)" ] ||
    die "$1 is not what $sums says: get it again"
}

# version_of PROGRAM NAME: prints what --version says; the end if it does not run here.
version_of() {
  local said
  # Without this, what is no program would be run as a script: a page that says "not found", say.
  [ "$(head -c 4 "$1" | tr '\0' ' ')" = $'\177ELF' ] || die "$2 is no program"
  # shellcheck disable=SC2016 # the inner shell expands it
  said=$(timeout "$VERSION_SECONDS" bash -c '"$0" --version' "$1" 2>&1) ||
    die "$2 does not run on this machine: ${said##*: }"
  [[ $said == "edgekeyd "* ]] || die "$2 is not edgekeyd: its --version says ${said%%$'\n'*}"
  echo "$said"
}

changed=()

# place MODE PATH FILE [COMMAND...]: makes PATH that file, if it is not yet; the old one or the new
# one is there, whole, at any time. The command is run with the new one before it counts.
place() {
  local mode=$1 path=$2 file=$3 new
  shift 3
  if cmp -s "$file" "$path" && [ "$(stat -c '0%a %u:%g' "$path")" = "$mode 0:0" ]; then return; fi
  new=$(dirname "$path")/.$(basename "$path").new
  leftover=$new
  { mkdir -p "$(dirname "$path")" && install -T -m "$mode" -o root -g root "$file" "$new"; } ||
    die "can't write $new"
  [ $# = 0 ] || "$@" "$new"
  { sync "$new" && mv -fT "$new" "$path"; } || die "can't replace $path"
  leftover=
  changed+=("$path")
}

has_changed() {
  [[ " ${changed[*]} " == *" $1 "* ]]
}

state_of() {
  systemctl show --value -p "$1" "$UNIT"
}

# Whether the settings name an etcd; none is written to that nobody named.
is_configured() {
  grep -qsE '^[[:blank:]]*EDGEKEYD_ETCD_SERVERS[[:blank:]]*=.' "$SETTINGS"
}

# start VERB: (re)starts the service and waits until it is up.
start() {
  systemctl "$1" "$UNIT" 2>/dev/null ||
    die "the service does not start: $(why_not) (see journalctl -u edgekeyd)"
}

# Why it did not start: what it said or, if it came to nothing before that, what systemd says.
why_not() {
  local said
  for _ in 1 2 3 4 5; do # the journal may be a moment behind
    said=$(journalctl -q -o cat "_SYSTEMD_INVOCATION_ID=$(state_of InvocationID)" |
      grep '^edgekeyd: ' | tail -n 1) || true
    if [ -n "$said" ]; then
      echo "$said"
      return
    fi
    sleep 0.3
  done
  said_of "$UNIT"
}

# said_of UNIT: what systemd says of how it ended.
said_of() {
  echo "systemd says $(systemctl show --value -p Result "$1")" \
    "$(systemctl status --lines=0 "$1" | sed -n 's/^ *Process: .* (\(code=[^)]*\))$/(\1)/p')"
}

# Remembers that the unit is not, or not any more, as a finished run leaves it.
begin() {
  { touch "$UNFINISHED" && sync "$UNFINISHED"; } || die "can't write $UNFINISHED"
}

install_all() {
  local binary=${1:-$ROOT/dist/edgekeyd-$(uname -m)-unknown-linux-gnu}
  local stale version mode path source
  [ -f "$binary" ] || die "no program at $binary: name one, or build it with scripts/build"
  check_sum "$binary"

  while read -r -u 3 mode path source; do
    case $source in
    program) place "$mode" "$path" "$binary" check_new "$binary" ;;
    *)
      # Once there, the settings are the operator's.
      [ "$source" = edgekeyd.env ] && [ -e "$path" ] && continue
      [ "$source" != "$UNIT" ] || [ -e "$path" ] || begin
      render "$source" "$BIN" >"$work/$source"
      place "$mode" "$path" "$work/$source"
      ;;
    esac
  done 3< <(placed "$BIN" "$UNITS")
  systemd-sysusers edgekeyd.conf || die "systemd-sysusers can't make the user $USER_NAME"
  # As systemd would at the first start: what root does there before that is the service's too.
  [ -d "$STATE" ] || install -d -m 0700 -o "$USER_NAME" -g "$USER_NAME" "$STATE" ||
    die "can't make $STATE"
  stale=false
  if has_changed "$UNITS/$UNIT" || [ "$(state_of NeedDaemonReload)" = yes ]; then
    stale=true
    systemctl daemon-reload || die "systemd can't read $UNITS/$UNIT again"
  fi

  # Enabled before it has settings, it would but fail at each boot.
  if [ -e "$UNFINISHED" ] && is_configured; then
    systemctl --quiet enable "$UNIT" || die "can't enable $UNIT"
  fi
  if is_outdated "$stale"; then
    if say_closed "$SETTINGS"; then
      echo "edgekeyd: until then the old service goes on; run this again afterwards" >&2
    else
      start try-restart
    fi
  elif [ -e "$UNFINISHED" ] && is_configured; then
    leftover=$UNFINISHED # done, even if it fails: from then on it is the operator's to start it
    start start
  fi
  rm -f "$UNFINISHED"
  leftover=
  version=$(version_of "$BIN/edgekeyd" "$BIN/edgekeyd")
  echo "$version: ${changed[*]:-nothing to change}"
  say_state
}

# check_new BINARY NEW: run on what is to become the program.
check_new() {
  version_of "$2" "$1" >/dev/null
}

# is_outdated STALE: whether what runs is not what is installed, be it that its unit was STALE when
# this run came. A run before may have ended half way.
is_outdated() {
  local pid
  pid=$(state_of MainPID)
  [ "$pid" != 0 ] && { $1 || ! [ "/proc/$pid/exe" -ef "$BIN/edgekeyd" ]; }
}

say_state() {
  local state verb='systemctl start edgekeyd'
  state="$(systemctl is-enabled "$UNIT" || true), $(systemctl is-active "$UNIT" || true)"
  [ "${state%%,*}" != disabled ] || verb='systemctl enable --now edgekeyd'
  if [ "${state##* }" = active ]; then
    echo "edgekeyd.service: $state ($(state_of StatusText))"
  elif is_configured; then
    echo "edgekeyd.service: $state; $verb"
  else
    echo "edgekeyd.service: $state; set EDGEKEYD_ETCD_SERVERS in $SETTINGS, then: $verb"
  fi
}

# Where the state is: where the settings say or, if they don't, a drop-in. Without its unit, systemd
# does not read a drop-in.
state_dir() {
  {
    echo "EDGEKEYD_STATE_DIR=$STATE"
    sed -n 's/^Environment=//p' "$UNITS/$UNIT.d"/*.conf | tr ' ' '\n'
    state_of Environment | tr ' ' '\n'
    cat "$SETTINGS" || true
  } 2>/dev/null | tr -d "\"'" |
    sed -n 's/^[[:blank:]]*EDGEKEYD_STATE_DIR[[:blank:]]*=[[:blank:]]*\(.*[^[:blank:]]\).*/\1/p' |
    tail -n 1
}

has_files() {
  [ -n "$(ls -A "$1" 2>/dev/null)" ]
}

ask_to_retire() {
  local answer=
  [ -t 0 ] || die "nobody to ask: --purge takes --retire, which first deletes from etcd what this" \
    "node wrote there, or --no-retire, which leaves it there for good"
  echo "Only the state tells which keys in etcd this node wrote: without it, they stay there." >&2
  read -r -p "Delete them first (edgekeyd retire)? [yes/no] " answer || true
  case $answer in
  yes | y) retire=true ;;
  no | n) retire=false ;;
  *) die "neither yes nor no: nothing was changed" ;;
  esac
}

# Runs `edgekeyd retire` in the service's place, just as the service runs: with its settings, its
# user, its drop-ins. If it fails, the service goes on.
retire_node() {
  local was unit=edgekeyd-retire.service said=$work/retired retired=true
  if [ ! -x "$BIN/edgekeyd" ] || [ ! -e "$UNITS/$UNIT" ]; then
    die "can't retire, since edgekeyd is not installed: install it again, or purge with --no-retire"
  fi
  was=$(systemctl is-active "$UNIT" || true)
  {
    systemctl cat "$UNIT"
    cat <<EOT

[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
Restart=no
TimeoutStartSec=10min
SuccessExitStatus=3
ExecStart=
ExecStart=$BIN/edgekeyd retire
StandardOutput=truncate:$said
StandardError=append:$said
EOT
  } >"/run/systemd/system/$unit"
  leftover=/run/systemd/system/$unit
  systemctl daemon-reload || die "systemd can't read $leftover"
  systemctl stop "$UNIT" || die "can't stop $UNIT, which is to retire"
  systemctl start "$unit" 2>/dev/null || retired=false
  rm -f "$leftover"
  if [ -s "$said" ]; then sed 's/^/retire: /' "$said"; else echo "retire: $(said_of "$unit")"; fi
  $retired && return
  systemctl reset-failed "$unit"
  systemctl daemon-reload
  [ "$was" != active ] || systemctl start "$UNIT" || true
  die "retire failed, so nothing was removed: try again, or purge with --no-retire"
}

uninstall_all() {
  local path source any=false state all
  state=$(state_dir)
  while read -r _ path source; do
    [ ! -e "$path" ] || [ "$source" = edgekeyd.env ] || any=true
  done < <(placed "$BIN" "$UNITS")
  if $purge && { has_files "$state" || has_files "$STATE"; }; then
    [ -n "$retire" ] || ask_to_retire
    ! $retire || retire_node
  elif [ "$retire" = true ]; then
    echo "nothing to retire: there is no state in $state"
  fi
  if [ -e "$UNITS/$UNIT" ]; then
    begin # so that it is enabled again if it is installed again, should this not come to its end
    systemctl --quiet disable --now "$UNIT" || die "can't stop and disable $UNIT"
    systemctl reset-failed "$UNIT" 2>/dev/null || true
  fi
  while read -r _ path source; do
    [ "$source" = edgekeyd.env ] || rm -f "$path" || die "can't remove $path"
  done < <(placed "$BIN" "$UNITS")
  rm -f "$UNFINISHED"
  systemctl daemon-reload || die "systemd can't forget $UNIT: try again"
  if $any; then echo "edgekeyd is uninstalled"; else echo "edgekeyd is not installed"; fi
  if $purge; then
    all=true
    [[ $state/ == $STATE/* ]] || ! has_files "$state" || all=false
    remove_state
    rm -f "$SETTINGS" || die "can't remove $SETTINGS"
    remove_user
    if $all; then echo "its state, settings and user are gone"; fi
  else
    kept "$STATE" "which keys in etcd are this node's; --purge removes it"
    kept "$SETTINGS" "--purge removes it"
  fi
  [[ $state/ == $STATE/* ]] || kept "$state" "the state, which is there by EDGEKEYD_STATE_DIR"
  kept "$UNITS/$UNIT.d" "what you changed of the unit"
}

# kept PATH WHY: says so, if it is there.
kept() {
  if [ -e "$1" ] || [ -L "$1" ]; then echo "kept: $1 ($2)"; fi
}

# What is mounted there can be emptied, and no more; what a link leads to is not ours.
remove_state() {
  if [ ! -L "$STATE" ]; then
    [ -e "$STATE" ] || return 0
    find "$STATE" -mindepth 1 -delete && rmdir "$STATE" 2>/dev/null && return
  fi
  all=false
  if [ -L "$STATE" ]; then
    kept "$(readlink -f "$STATE")" "$STATE led there"
    rm -f "$STATE"
  elif has_files "$STATE"; then
    kept "$STATE" "not all of it can be removed: do that by hand"
  else
    kept "$STATE" "it is empty, and mounted: unmount it, then remove it by hand"
  fi
}

# The user that systemd-sysusers made, and its group with it.
remove_user() {
  local entry said
  entry=$(getent passwd "$USER_NAME") || return 0
  if [[ $entry != *":$STATE:"*/nologin ]]; then
    said="it was there before"
  elif said=$(userdel "$USER_NAME" 2>&1); then
    ! getent group "$USER_NAME" >/dev/null || groupdel "$USER_NAME" || true
    return 0
  fi
  all=false
  echo "kept: the user $USER_NAME ($said)"
}

uninstall=false purge=false retire='' binary=() sums_needed=true
for argument; do
  case $argument in
  -h | --help)
    help
    exit
    ;;
  --uninstall) uninstall=true ;;
  --purge) purge=true ;;
  --retire) retire=true ;;
  --no-retire) retire=false ;;
  --without-sums) sums_needed=false ;;
  -*) usage ;;
  *) binary+=("$argument") ;;
  esac
done
if [ "${#binary[@]}" -gt 1 ] || { $uninstall && [ "${#binary[@]}" != 0 ]; } ||
  { $uninstall && ! $sums_needed; } ||
  { ! $uninstall && $purge; } || { ! $purge && [ -n "$retire" ]; }; then
  usage
fi

check_machine
leftover=
work=$(mktemp -d /run/edgekeyd-install.XXXXXX)
trap 'rm -rf "$work"; [ -z "$leftover" ] || rm -f "$leftover"' EXIT
if $uninstall; then uninstall_all; else install_all "${binary[@]}"; fi
