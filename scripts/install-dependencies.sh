#!/usr/bin/env bash
# Installs missing system libraries that the package is built against. Does nothing if all are installed.
set -euo pipefail

# Each Debian package with its name in pkg-config.
libraries=(libopenblas-dev:openblas libyaml-dev:yaml-0.1 libpng-dev:libpng zlib1g-dev:zlib)
# oneDNN, which pkg-config does not know. It is optional: convolutions are faster with it.
onednn=libdnnl-dev

only_optional=false

# Ends the script: with an error if a required library is missing, without one if only oneDNN is missing.
fail() {
  printf 'install-dependencies: %s\n' "$*" >&2
  if $only_optional; then
    printf 'install-dependencies: going on without %s: convolutions run over OpenBLAS\n' "$onednn" >&2
    exit 0
  fi
  exit 1
}

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null || true) == installed ]]
}

command -v swift > /dev/null || fail "no \`swift\` on the PATH; install Swift 6 (https://www.swift.org/install/linux/)"

missing=()
if command -v pkg-config > /dev/null; then
  # The build finds what pkg-config finds, no matter how it was installed.
  for library in "${libraries[@]}"; do
    pkg-config --exists "${library#*:}" || missing+=("${library%%:*}")
  done
else
  missing+=(pkg-config)
  for library in "${libraries[@]}"; do
    is_installed "${library%%:*}" || missing+=("${library%%:*}")
  done
fi
[[ ${#missing[@]} -gt 0 ]] || only_optional=true
[[ -e /usr/include/oneapi/dnnl/dnnl.h || -n ${AIRFRAME_WITHOUT_ONEDNN:-} ]] || missing+=("$onednn")
[[ ${#missing[@]} -gt 0 ]] || exit 0

command -v apt-get > /dev/null ||
  fail "missing: ${missing[*]} (Debian's names); there is no apt-get here, so install them by this system's own means"

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo > /dev/null ||
    fail "missing: ${missing[*]}; there is no sudo here, so run as root: apt-get install ${missing[*]}"
  as_root=(sudo)
fi

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

printf 'Installing %s\n' "${missing[*]}"
# Fetch the package lists if they are absent or too old to install from.
if ! apt-cache show "${missing[@]}" > /dev/null 2>&1 || ! install; then
  # An update also fails if the list of an unrelated source cannot be fetched, which does not matter here.
  "${as_root[@]}" apt-get update || true
  install || fail "apt-get could not install ${missing[*]}; see its message above"
fi
