# shellcheck shell=bash
# `deno compile` fetches denort from dl.deno.land by itself, and looks at nothing but TLS. So what it
# took is compared afterwards with denort.lock, before the program is run or published. What is not
# in there yet is noted: who builds a release commits that, and everybody else is held to it.
# Sourced after tools.sh, with Deno on the PATH.
#
#   check_fetched_denort TARGET  the end if another denort was fetched for it than denort.lock names

check_fetched_denort() {
  local lock=$ROOT/denort.lock file dl sum noted
  file=release/v$(deno_version deno)/denort-$1.zip
  dl=$(deno info --json 2>/dev/null | sed -n 's/^ *"denoDir": "\(.*\)",$/\1\/dl/p')
  [ -f "$dl/$file" ] || die "can't tell which denort Deno has taken: there is no $dl/$file"
  sum=$(sha256sum <"$dl/$file") || die "can't read $dl/$file"
  sum=${sum%% *}
  noted=$(sed -n "s|^\([0-9a-f]\{64\}\)  $file\$|\1|p" "$lock" 2>/dev/null) || true
  if [ -z "$noted" ]; then
    echo "$sum  $file" >>"$lock"
    echo "build: note: https://dl.deno.land/$file has the SHA-256 $sum, as of now: it is in" \
      "denort.lock, and no other is built with from here on. Compare it, then commit the file." >&2
  elif [ "$noted" != "$sum" ]; then
    die "$dl/$file is not the denort that denort.lock names (SHA-256 $sum, not $noted): remove it," \
      "and try again; if it is the same then, do not use what dl.deno.land hands out"
  fi
}
