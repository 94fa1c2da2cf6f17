# shellcheck shell=bash
# Makes the Debian package of a binary that scripts/build has built. Sourced after tools.sh and
# placed.sh, with DIST set.

DEB_MAINTAINER="edgekeyd maintainers <maintainers@edgekeyd.example>"
declare -A DEB_ARCHITECTURE=([x86_64]=amd64 [aarch64]=arm64)

# deb_control ARCHITECTURE VERSION BINARY TREE
deb_control() {
  local glibc kib
  # The newest symbols that it asks of glibc.
  glibc=$(LC_ALL=C grep -ao 'GLIBC_2\.[0-9]*' "$3" | sort -uV | tail -n 1)
  kib=$(find "$4" -type f -not -path "$4/DEBIAN/*" -printf '%s\n' |
    awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }')
  cat <<EOT
Package: edgekeyd
Version: $2
Architecture: $1
Maintainer: $DEB_MAINTAINER
Installed-Size: $kib
Depends: libc6 (>= ${glibc#GLIBC_}), libgcc-s1, systemd (>= 252)
Section: admin
Priority: optional
Description: copies what yurthub caches on an edge node into its pool's etcd
 OpenYurt's yurthub caches what the cloud's apiserver answers on the node's
 disk. edgekeyd brings the node pool's own etcd in step with that cache, in one
 transaction, so that the pool's apiserver serves it when the cloud is out of
 reach. It remembers which component holds which key, so that nothing it ever
 wrote is left behind.
EOT
}

# deb_changelog VERSION TIME
deb_changelog() {
  cat <<EOT
edgekeyd ($1) stable; urgency=medium

  * Release $1; what changed is told where it was published.

 -- $DEB_MAINTAINER  $(LC_ALL=C date -u -d "@$2" '+%a, %d %b %Y %H:%M:%S +0000')
EOT
}

# deb_documents TREE: the man page, the shells' completions, and what is to be read.
deb_documents() {
  local share=$1/usr/share doc=$1/usr/share/doc/edgekeyd texts=$DIST/texts
  [ -f "$texts/edgekeyd.8" ] || die "dist/texts is missing: run scripts/build first"
  mkdir -p "$share/man/man8" "$doc/docs" "$doc/examples" "$share/bash-completion/completions" \
    "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d"
  gzip -9n <"$texts/edgekeyd.8" >"$share/man/man8/edgekeyd.8.gz"
  install -m 0644 "$texts/edgekeyd.bash" "$share/bash-completion/completions/edgekeyd"
  install -m 0644 "$texts/edgekeyd.zsh" "$share/zsh/vendor-completions/_edgekeyd"
  install -m 0644 "$texts/edgekeyd.fish" "$share/fish/vendor_completions.d/edgekeyd.fish"
  install -m 0644 "$ROOT/README.md" "$ROOT/SECURITY.md" "$ROOT/CHANGELOG.md" "$doc"
  install -m 0644 "$ROOT"/docs/*.md "$doc/docs"
  install -m 0644 "$ROOT"/scripts/monitoring/* "$doc/examples"
}

# build_deb TARGET: dist/edgekeyd_<version>_<architecture>.deb
build_deb() {
  local binary=$DIST/edgekeyd-$1-unknown-linux-gnu architecture=${DEB_ARCHITECTURE[$1]}
  local tree=$DIST/deb time='' version='' mode path source file doc=usr/share/doc/edgekeyd package
  umask 022
  (cd "$DIST" && grep -s "  ${binary##*/}$" SHA256SUMS | sha256sum --status --check) 2>/dev/null ||
    die "dist/${binary##*/} is not what dist/SHA256SUMS says: run scripts/build $1 first"
  # Those of what was built, so that the package can be made again.
  { read -r version && read -r time; } 2>/dev/null <"$binary.built" || true
  [ -n "$time" ] || die "nobody knows the time of dist/${binary##*/}: build it from a git checkout," \
    "or with SOURCE_DATE_EPOCH"
  version=${version//-/\~} # to dpkg, 1.0.0-rc.1 would come after 1.0.0
  rm -rf "$tree" "$DIST"/edgekeyd_*_"$architecture.deb"
  mkdir -p "$tree"
  chmod g-s "$tree" # which dpkg-deb refuses
  mkdir -p "$tree/DEBIAN" "$tree/$doc" "$tree/usr/share/lintian/overrides"
  while read -r mode path source; do
    mkdir -p "$tree$(dirname "$path")"
    if [ "$source" = program ]; then
      cp "$binary" "$tree$path" # as it is: a stripped one has lost the program
    else
      render "$source" /usr/bin >"$tree$path"
    fi
    chmod "$mode" "$tree$path"
  done < <(placed /usr/bin /usr/lib/systemd/system)
  install -m 0644 "$ROOT/scripts/debian/copyright" "$tree/$doc/copyright"
  install -m 0644 "$ROOT/scripts/debian/lintian-overrides" \
    "$tree/usr/share/lintian/overrides/edgekeyd"
  deb_documents "$tree"
  deb_changelog "$version" "$time" | gzip -9n >"$tree/$doc/changelog.gz"
  (cd "$tree" && find . -type f -not -path './DEBIAN/*' -printf '%P\n' | LC_ALL=C sort |
    xargs md5sum) >"$tree/DEBIAN/md5sums"
  echo "$SETTINGS" >"$tree/DEBIAN/conffiles"
  for file in preinst postinst prerm postrm; do
    sed "/closed_places.sh is put here/{
      r $ROOT/scripts/lib/closed_places.sh
      d
    }" "$ROOT/scripts/debian/$file" >"$tree/DEBIAN/$file"
    chmod 0755 "$tree/DEBIAN/$file"
  done
  deb_control "$architecture" "$version" "$binary" "$tree" >"$tree/DEBIAN/control"
  find "$tree" -exec touch --no-dereference --date="@$time" {} +
  package=edgekeyd_${version}_$architecture.deb
  # xz -6 would take four times as long, for a package that is a tenth smaller.
  SOURCE_DATE_EPOCH=$time dpkg-deb --root-owner-group -Zxz -z1 --build "$tree" "$DIST/$package" \
    >"$TOOLS/logs/deb-$1.log" 2>&1 ||
    die "dpkg-deb failed: $(tail -n 1 "$TOOLS/logs/deb-$1.log")"
  rm -rf "$tree"
  echo "dist/$package: $(stat -c %s "$DIST/$package") bytes"
}
