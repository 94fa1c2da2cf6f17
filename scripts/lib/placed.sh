# shellcheck shell=bash
# What a node gets, and where: one list for scripts/install.sh and for the Debian package. Sourced
# by scripts that have set ROOT, the project's folder; needs scripts/systemd, and no tools.

UNIT=edgekeyd.service
# shellcheck disable=SC2034 # used by the scripts that read this file
SETTINGS=/etc/default/edgekeyd

# placed BIN UNITS: mode, path and source of each file, one a line, with the program in BIN and the
# unit in UNITS. The sources are those of `render`.
placed() {
  cat <<EOT
0755 $1/edgekeyd program
0644 /usr/lib/sysusers.d/edgekeyd.conf edgekeyd.sysusers
0600 $SETTINGS edgekeyd.env
0644 $2/$UNIT $UNIT
EOT
}

# render SOURCE BIN: prints a file of scripts/systemd, as it is when the program is in BIN.
render() {
  local text from=/usr/local/bin/edgekeyd
  text=$(sed "s|^ExecStart=$from |ExecStart=$2/edgekeyd |" "$ROOT/scripts/systemd/$1")
  if [ "$1" = "$UNIT" ] && [ "$(grep -c "^ExecStart=$2/edgekeyd run$" <<<"$text")" != 1 ]; then
    echo "${0##*/}: scripts/systemd/$UNIT does not start $from any more" >&2
    return 1
  fi
  printf '%s\n' "$text"
}
