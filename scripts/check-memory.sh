#!/usr/bin/env bash
# Runs all tests under the address sanitizer, without the buffer pool, so that every buffer has an end it watches.
# Words after the command go to `swift test`: scripts/check-memory.sh --filter TensorsTests
set -euo pipefail
cd "$(dirname "$0")/.."

export AIRFRAME_POOL=off AIRFRAME_SANITIZER=address
export SWIFT_BACKTRACE=enable=no
# Leaks are not looked for: the runtime keeps metadata for good.
export ASAN_OPTIONS=detect_leaks=0

# shellcheck disable=SC2086 # The flags are several words.
exec swift test ${SWIFT_FLAGS:-} -c release -Xswiftc -enable-testing --sanitize address --scratch-path .build/address "$@"
