#!/usr/bin/env bash
# Checks that a long training neither grows nor slows down: its resident memory must not grow by more than 3 percent,
# and its last tenth must be at most 3 percent slower than its first.
# usage: scripts/check-endurance.sh [STEPS] [CONFIG [key=value ...]]     (default: 100000 steps of a small AIR on
# sprites)
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-100000}
(($# < 1)) || shift
airframe=${AIRFRAME:-.build/release/airframe}
place=$(mktemp -d)
training=
trap '[[ -z $training ]] || kill "$training" 2>/dev/null || true; rm -rf "$place"' EXIT

config=${1:-$place/small.yaml}
(($# < 1)) || shift
# The training includes validation, checkpoints and pictures.
cat > "$place/small.yaml" << 'YAML'
model:
  name: air
  controller: { hidden: 64 }
  head: [50]
  appearance: { name: gaussian, size: 20, encoder: [50], decoder: [50] }
dataset: { name: multi-sprites, side: 32, diameter: { smallest: 6, largest: 12 }, validation_size: 100, test_size: 100 }
estimator: { name: nvil, centering: true, baseline: { hidden: 64, layers: [] } }
training: { batch: 16, threads: 1, evaluate_every: 10000, checkpoint_every: 10000, picture_every: 20000 }
YAML

"$airframe" train "$config" "$@" "training.steps=$steps" training.log_every=100 --out "$place" --name run > "$place/log" 2>&1 &
training=$!
# Record the resident memory in kilobytes every half second until the training ends.
while kill -0 "$training" 2> /dev/null; do
  awk '/^VmRSS/ { print $2 }' "/proc/$training/status" 2> /dev/null >> "$place/memory" || true
  sleep 0.5
done
wait "$training" || { cat "$place/log"; exit 1; }
training=

run=$(echo "$place"/*/run)
# Use the lines about 100 training steps, not those about evaluations, and take the median of many, because on a shared
# machine consecutive seconds may differ by several percent. The first line includes the warm-up and is left out.
middle() { sort -g | awk '{ value[NR] = $1 } END { print (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'; }
sed -n 's/^{"step": \([0-9]*\), "steps": \([0-9]*\), "seconds": \([0-9.e-]*\)}$/\1 \2 \3/p' "$run/timing.jsonl" > "$place/lines"
first=$(awk -v steps="$steps" '$1 > 100 && $1 <= 100 + steps / 10 { print 1000 * $3 / $2 }' "$place/lines" | middle)
last=$(awk -v steps="$steps" '$1 > steps - steps / 10 { print 1000 * $3 / $2 }' "$place/lines" | middle)
awk -v a="$first" -v b="$last" 'BEGIN {
    printf "first tenth: %.4f ms a step, last tenth: %.4f ms a step: %+.2f %%\n", a, b, 100 * (b / a - 1)
    exit !(b <= 1.03 * a)
  }' || slow=1
# The first quarter is left out: buffers fill, and the first evaluation, checkpoint and picture are made.
awk '{ value[NR] = $1 } END {
    start = int(NR / 4) + 1; half = int((start + NR) / 2)
    for (i = start; i <= NR; i++) if (i <= half) { if (value[i] > a) a = value[i] } else if (value[i] > b) b = value[i]
    printf "resident memory: %.1f MB at most in the first half, %.1f MB in the second: %+.2f %% (%d samples)\n",
      a / 1000, b / 1000, 100 * (b / a - 1), NR
    exit !(b <= 1.03 * a)
  }' "$place/memory" || grown=1
[[ -z ${slow:-} && -z ${grown:-} ]]
