#!/usr/bin/env bash
# Tests the C kernels against plain loops (Tests/CKernelsTests): for 64-bit Arm under qemu, and natively with each
# instruction set of this CPU. Builds with the clang of the Swift toolchain. Installs missing packages with apt
# (libc6-dev-arm64-cross, libgcc-12-dev-arm64-cross, qemu-user).
# usage: scripts/check-aarch64.sh
set -euo pipefail
cd "$(dirname "$0")/.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

missing=()
[[ -e /usr/aarch64-linux-gnu/lib/crt1.o ]] || missing+=(libc6-dev-arm64-cross)
compgen -G '/usr/lib/gcc-cross/aarch64-linux-gnu/*/libgcc.a' > /dev/null || missing+=(libgcc-12-dev-arm64-cross)
command -v qemu-aarch64 > /dev/null || missing+=(qemu-user)
if ((${#missing[@]})); then
  as_root=()
  ((EUID == 0)) || as_root=(sudo)
  install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" > "$place/log" 2>&1; }
  install || { "${as_root[@]}" apt-get update -qq && install; } || { cat "$place/log"; exit 1; }
fi

# The flags of the package. If a loop that is marked for vectorization cannot be vectorized, the build fails.
build() { # PROGRAM FLAGS...
  clang -O3 -fno-math-errno -ffp-contract=fast -Wall -Wextra -Werror -ISources/CKernels/include "${@:2}" \
    Sources/CKernels/*.c Tests/CKernelsTests/*.c -lm -o "$1"
}
build "$place/arm" --target=aarch64-linux-gnu -fuse-ld=lld &
build "$place/own"
wait $!

qemu-aarch64 -L /usr/aarch64-linux-gnu "$place/arm"
sets=('')
[[ $(uname -m) != x86_64 ]] || sets=(default x86-64-v3 x86-64-v4) # the widest set of the CPU if it lacks one of these
for set in "${sets[@]}"; do AIRFRAME_VECTORS=$set "$place/own"; done
