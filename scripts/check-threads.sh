#!/usr/bin/env bash
# Runs all tests under the thread sanitizer, without suppressions.
# Arguments are passed to `swift test`: scripts/check-threads.sh --filter TensorsTests
set -euo pipefail
cd "$(dirname "$0")/.."

export AIRFRAME_SANITIZER=thread
export SWIFT_BACKTRACE=enable=no
export TSAN_OPTIONS=second_deadlock_stack=1

# shellcheck disable=SC2086 # The flags are several words.
exec swift test ${SWIFT_FLAGS:-} -c release -Xswiftc -enable-testing --sanitize thread --scratch-path .build/threads "$@"
