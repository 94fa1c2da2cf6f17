# shellcheck shell=bash
# How the program is compiled. Permissions are fixed then, while directories and endpoints are
# only known at run time: so net, read and write are open, and the unit's sandbox closes them.
# Processes, libraries, and code from elsewhere are never allowed.

# What @grpc/grpc-js asks the environment for.
GRPC_ENV=GRPC_DEFAULT_SSL_ROOTS_FILE_PATH,GRPC_EXPERIMENTAL_ENABLE_OUTLIER_DETECTION
GRPC_ENV=$GRPC_ENV,GRPC_NODE_TRACE,GRPC_NODE_USE_ALTERNATIVE_RESOLVER,GRPC_NODE_VERBOSITY
GRPC_ENV=$GRPC_ENV,GRPC_SSL_CIPHER_SUITES,GRPC_TRACE,GRPC_VERBOSITY
# What systemd tells its services.
SYSTEMD_ENV=NOTIFY_SOCKET,RUNTIME_DIRECTORY,WATCHDOG_PID,WATCHDOG_USEC

# shellcheck disable=SC2034 # used by the scripts that read this file
COMPILE_FLAGS=(
  --no-prompt
  --no-code-cache
  --no-check
  --node-modules-dir=manual
  --allow-net
  --allow-read
  --allow-write
  "--allow-env=EDGEKEYD_*,NO_COLOR,$SYSTEMD_ENV,$GRPC_ENV"
  --allow-sys=hostname,osUptime,uid
)
