# shellcheck shell=sh
# What the unit closes to the service (InaccessiblePaths=, ProtectHome=), a file that the settings
# name may lie in: an upgrade can bring that. Used by scripts/install.sh and by the Debian package's
# postinst, of which this becomes a part.
#
#   closed_settings FILE PLACES  prints a line for each setting in FILE whose path lies in one of
#                                PLACES, which are as systemd shows them, with what to do
#   say_closed FILE              the same for the unit that is installed; true if there is one

closed_settings() {
  sed -n 's/^[[:blank:]]*\(EDGEKEYD_[A-Z_]*\)[[:blank:]]*=[[:blank:]]*["'\'']\{0,1\}\(\/[^"'\'']*[^"'\''[:blank:]]\).*/\1 \2/p' "$1" 2>/dev/null |
    while read -r name path; do
      target=$(readlink -m "$path") || target=$path
      for place in $2; do
        place=/${place#*/}
        case "$path/" in "$place"/*) ;; *) case "$target/" in "$place"/*) ;; *) continue ;; esac ;; esac
        echo "edgekeyd: $name=$path: the service can't read it, since its unit closes $place. Copy it to" \
          "/etc/edgekeyd, as root's alone, and name that in $1"
        break
      done
    done
}

say_closed() {
  closed=$(systemctl show --value -p InaccessiblePaths edgekeyd.service)
  case $(systemctl show --value -p ProtectHome edgekeyd.service) in
  yes | tmpfs) closed="$closed /home /root /run/user" ;;
  esac
  closed=$(closed_settings "$1" "$closed")
  [ -n "$closed" ] || return 1
  echo "$closed" >&2
}
