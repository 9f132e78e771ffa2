#!/usr/bin/env bash
# Kills a training at random moments, half of them while a file is being written, and resumes it each time; what it leaves
# must be bit for bit what an uninterrupted one leaves. CI does it with 4 kills.
# usage: scripts/kill-and-resume.sh [KILLS]     (default: 20)
set -euo pipefail
cd "$(dirname "$0")/.."
export AIRFRAME_KILLS=${1:-20}
make test TESTS_ONLY=killedAtAnyMoment
