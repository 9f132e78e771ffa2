#!/usr/bin/env bash
# Runs all tests under the address sanitizer. The buffer pool is off, so that the sanitizer checks the bounds of every
# buffer. Arguments are passed to `swift test`: scripts/check-memory.sh --filter TensorsTests
set -euo pipefail
cd "$(dirname "$0")/.."

export AIRFRAME_POOL=off AIRFRAME_SANITIZER=address
export SWIFT_BACKTRACE=enable=no
# Leak detection is off, because the Swift runtime never frees its metadata.
export ASAN_OPTIONS=detect_leaks=0

# shellcheck disable=SC2086 # The flags are several words.
exec swift test ${SWIFT_FLAGS:-} -c release -Xswiftc -enable-testing --sanitize address --scratch-path .build/address "$@"
