#!/usr/bin/env bash
# Installs the system libraries that the package builds against, where they are missing. Does nothing where all are there.
set -euo pipefail

# Each Debian package, with the name under which pkg-config knows it.
libraries=(libopenblas-dev:openblas libyaml-dev:yaml-0.1 libpng-dev:libpng zlib1g-dev:zlib)
# oneDNN, which pkg-config does not know. Convolutions are faster with it, and run without it.
onednn=libdnnl-dev

only_optional=false

# Ends the script, with an error unless what is missing can be done without.
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
  # What pkg-config finds is what the build finds, however it was installed.
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
# The lists of packages are fetched where they are absent or too old to install from.
if ! apt-cache show "${missing[@]}" > /dev/null 2>&1 || ! install; then
  # It also fails for the list of some other source, which does not matter here.
  "${as_root[@]}" apt-get update || true
  install || fail "apt-get could not install ${missing[*]}; see its message above"
fi
