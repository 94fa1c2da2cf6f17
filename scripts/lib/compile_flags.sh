# shellcheck shell=bash
# How the program is compiled. Permissions are fixed then, while directories and endpoints are
# only known at run time: so net, read and write are open, and the unit's sandbox closes them.
# Processes, libraries, and code from elsewhere are never allowed; the last is denied, since Deno
# allows a few hosts by itself. Sourced after tools.sh, with the
# Deno that compiles on the PATH.

# What systemd tells its services.
SYSTEMD_ENV=JOURNAL_STREAM,NOTIFY_SOCKET,RUNTIME_DIRECTORY,WATCHDOG_PID,WATCHDOG_USEC

# Root takes on the rights of the state directory's owner; whether that has room is looked at.
SYS=hostname,osUptime,gid,setegid,seteuid,statfs,uid
# Only asked for, and only known, since then.
if at_least "$(deno_version deno)" 2.9.0; then SYS=$SYS,umask; fi

# V8 brings in its optimizing compilers, and keeps what they made, for what an idle daemon does now
# and then; ten times later, and a first import of thousands still gets them (docs/footprint.md).
V8_FLAGS=--invocation-count-for-maglev=4000,--invocation-count-for-maglev-osr=1000
V8_FLAGS=$V8_FLAGS,--invocation-count-for-turbofan=30000,--invocation-count-for-osr=5000

# shellcheck disable=SC2034 # used by the scripts that read this file
COMPILE_FLAGS=(
  --no-prompt
  --no-code-cache
  --no-check
  --no-lock
  "--v8-flags=$V8_FLAGS"
  --allow-net
  --allow-read
  --allow-write
  --deny-import
  "--allow-env=EDGEKEYD_*,GRPC_*,NO_COLOR,$SYSTEMD_ENV"
  # All others are as if they were not there: so that ours can be listed, and a slip in one told.
  --ignore-env
  "--allow-sys=$SYS"
)
