#!/usr/bin/env bash
# Installs the real parts of the tests that Debian and Ubuntu ship: a registry, container engines, a maker of base images,
# an object store, a browser, a metrics server, a gateway.
# Only what is missing, and no service is started. Without apt-get or root it does nothing, and says so.
set -euo pipefail

declare -A package_of=(
  [docker-registry]=docker-registry
  [buildah]=buildah
  [podman]=podman
  [runc]=runc
  [dockerd]=docker.io
  [mmdebstrap]=mmdebstrap
  [busybox]=busybox-static
  [radosgw]=radosgw
  [ceph-mon]=ceph-mon
  [ceph-osd]=ceph-osd
  [ceph]=ceph-common
  [chromium]=chromium
  [prometheus]=prometheus
  [haproxy]=haproxy
  [mkfs.xfs]=xfsprogs
)

export PATH=$PATH:/usr/sbin:/sbin
# Ubuntu has Chromium as a snap only; machines that build have Google's own.
command -v google-chrome >/dev/null && unset "package_of[chromium]"
missing=()
for command in "${!package_of[@]}"; do
  command -v "$command" >/dev/null || missing+=("${package_of[$command]}")
done
if [ ${#missing[@]} = 0 ]; then exit 0; fi

refuse() {
  echo "not installed: ${missing[*]} ($1)" >&2
  if [ "${REQUIRE_REAL:-}" = 1 ]; then exit 1; fi
  exit 0
}

command -v apt-get >/dev/null || refuse "no apt-get on this machine"
as_root=()
if [ "$(id -u)" != 0 ]; then
  sudo -n true 2>/dev/null || refuse "neither root nor sudo without a password"
  as_root=(sudo -n)
fi

# Debian starts a service as it installs it, unless this policy says no: tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap '"${as_root[@]}" rm -f $policy' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
  "${as_root[@]}" chmod +x $policy
fi

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --quiet=2 --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
}

# Package lists that are fresh enough need no update.
install 2>/dev/null || { "${as_root[@]}" apt-get update --quiet=2 && install; } || refuse "apt-get failed"
echo "installed: ${missing[*]}"
