#!/usr/bin/env bash
# Kills a training at random moments, half of them while a file is being written, and resumes it each time. The
# resulting files must be bit for bit those of an uninterrupted training. `make test` does this with 4 kills.
# usage: scripts/kill-and-resume.sh [KILLS]     (default: 20)
set -euo pipefail
cd "$(dirname "$0")/.."
export AIRFRAME_KILLS=${1:-20}
make test TESTS_ONLY=killedAtAnyMoment
