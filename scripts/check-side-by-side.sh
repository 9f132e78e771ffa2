#!/usr/bin/env bash
# Compares two simultaneous one-thread runs with a single one: together they should make at least 1.9 times as many
# steps per second. Also checks that a training with one thread uses only one: all other threads of the process together
# must use less than a tenth of its time.
# usage: scripts/check-side-by-side.sh [ROUNDS] [SECONDS]     (default: 3 rounds of 8 seconds; the machine otherwise
# idle)
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3} seconds=${2:-8}
airframe=${AIRFRAME:-.build/release/airframe}
place=$(mktemp -d)
training=
trap '[[ -z $training ]] || kill "$training" 2>/dev/null || true; rm -rf "$place"' EXIT

rate() { "$airframe" bench air --threads 1 --seconds "$seconds" --json | grep -o '"steps_per_second": [0-9.]*' | grep -o '[0-9.]*$'; }
for round in $(seq "$rounds"); do
  alone=$(rate)
  rate > "$place/first" &
  second=$(rate)
  wait $!
  awk -v a="$alone" -v b="$(cat "$place/first")" -v c="$second" -v round="$round" 'BEGIN {
    printf "round %d: alone %.1f steps/s, side by side %.1f + %.1f: %.3f x\n", round, a, b, c, (b + c) / a
    print (b + c) / a > "/dev/stderr" }' 2>> "$place/ratios"
done
ratio=$(sort -g "$place/ratios" | sed -n "$(((rounds + 1) / 2))p")

"$airframe" train configs/air/multi-mnist.yaml training.threads=1 training.evaluate_every=0 training.checkpoint_every=0 \
  --out "$place" > "$place/log" 2>&1 &
training=$!
sleep "$((seconds > 3 ? seconds : 3))"
# Clock ticks in user and system mode. The name in the second field contains no spaces here.
ticks() { awk '{ print $14 + $15 }' "$1/stat"; }
own=$(ticks "/proc/$training/task/$training") others=0
for task in /proc/"$training"/task/*; do
  [[ ${task##*/} == "$training" ]] || others=$((others + $(ticks "$task")))
done
printf 'a training with one thread: %d ticks, all its other threads together %d\n' "$own" "$others"
printf 'median: %.3f x (target: 1.9)\n' "$ratio"
awk -v r="$ratio" -v own="$own" -v others="$others" 'BEGIN { exit !(r >= 1.9 && others < own / 10) }'
