# shellcheck shell=bash
# Builds OpenYurt's yurthub, and the kube-apiserver of the Kubernetes that it is made with, from
# Go's modules into .tools/bin. Sourced after tools.sh.
#
#   kube_programs  fails with a reason

OPENYURT_VERSION=1.7.0
# Of the go.sum that comes of it, which has the hashes of all that is built.
SHA256_GO_SUM=a4dded767c17fa242e99c13ba3709cd0f603c00afebac89714143481463a4d01
# The apiserver in both its repository and the modules that this is split into.
KUBERNETES_VERSION=0.34.0

# module_dir MODULE@VERSION: where its source lies; fetches it.
module_dir() {
  go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'
}

# A main() for each; the versions of all else are those of OpenYurt's own go.mod and go.sum.
kube_sources() {
  local openyurt kubernetes module
  mkdir yurthub kube-apiserver
  cat >yurthub/main.go <<'GO'
package main

import (
	"os"

	"github.com/openyurtio/openyurt/cmd/yurthub/app"
	"k8s.io/apiserver/pkg/server"
)

func main() {
	if app.NewCmdStartYurtHub(server.SetupSignalContext()).Execute() != nil {
		os.Exit(1)
	}
}
GO
  cat >kube-apiserver/main.go <<'GO'
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
GO
  go mod init kube
  openyurt=$(module_dir "github.com/openyurtio/openyurt@v$OPENYURT_VERSION")
  cp "$openyurt/go.mod" "$openyurt/go.sum" .
  chmod 644 go.mod go.sum
  go mod edit -module=kube -require="github.com/openyurtio/openyurt@v$OPENYURT_VERSION"
  # Kubernetes finds its own parts beside it, where it is built in its repository.
  kubernetes=$(module_dir "github.com/kubernetes/kubernetes@v1${KUBERNETES_VERSION#0}")
  while read -r module; do
    grep -q "$module => " go.mod || go mod edit -replace "$module=$module@v$KUBERNETES_VERSION"
  done < <(sed -n 's/^\t\(k8s\.io\/[a-z-]*\) v0\.0\.0\( .*\)\?$/\1/p' "$kubernetes/go.mod")
  go list -mod=mod -deps ./yurthub ./kube-apiserver >/dev/null
  echo "$SHA256_GO_SUM  go.sum" | sha256sum --check -
}

kube_programs() {
  local dir
  [ ! -x "$TOOLS/bin/yurthub" ] || [ ! -x "$TOOLS/bin/kube-apiserver" ] || return 0
  if ! command -v go >/dev/null; then
    echo "no Go here" >&2
    return 1
  fi
  echo "Building yurthub $OPENYURT_VERSION and its kube-apiserver …" >&2
  dir=$(mktemp -d "$TOOLS/tmp.XXXXXX")
  if (
    cd "$dir"
    export GOTOOLCHAIN="${GOTOOLCHAIN:-local}"
    export GOFLAGS="${GOFLAGS:-} -modcacherw -buildvcs=false"
    kube_sources >"$TOOLS/logs/kube-sources.log" 2>&1 &&
      download kube-build 1500 go build -mod=readonly -o bin/ ./yurthub ./kube-apiserver
  ); then
    mv "$dir"/bin/* "$TOOLS/bin"
    rm -rf "$dir"
  else
    rm -rf "$dir"
    echo "Go can't build yurthub and kube-apiserver (see .tools/logs/kube-*.log)" >&2
    return 1
  fi
}
