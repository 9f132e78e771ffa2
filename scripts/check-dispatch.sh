#!/usr/bin/env bash
# Whichever kernels a CPU gets, results are the same but for rounding: trains AIR at its real size with each instruction set and
# each set of product kernels that this CPU has and compares the bound's curve, then runs all tests with each, but for the sets that
# the program takes by itself, which `make test` covers. It takes as long as there are sets times the tests (7 minutes each on two
# cores). TESTS_ONLY=PATTERN runs those whose names match.
# Some ten steps later a difference of rounding turns one discrete draw, and from there two trainings differ like two seeds.
# usage: [TESTS_ONLY=PATTERN] scripts/check-dispatch.sh [STEPS] [TOLERANCE]    (default: 20 steps, 1e-5 of the bound at its largest)
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-20} tolerance=${2:-1e-5}
airframe=.build/tests/release/airframe
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

has() { grep -m 1 '^flags' /proc/cpuinfo | grep -qw "$1"; }
choices=(AIRFRAME_VECTORS=default OPENBLAS_CORETYPE=Prescott)
! has sse4_2 || choices+=(OPENBLAS_CORETYPE=Nehalem)
! has avx || choices+=(OPENBLAS_CORETYPE=Sandybridge)
! has avx2 || choices+=(AIRFRAME_VECTORS=x86-64-v3 OPENBLAS_CORETYPE=Haswell OPENBLAS_CORETYPE=Zen)
! has avx512vl || choices+=(AIRFRAME_VECTORS=x86-64-v4 OPENBLAS_CORETYPE=SkylakeX)

make build-tests

cat > "$place/air.yaml" << 'YAML'
model: { name: air }
dataset: { name: multi-sprites, side: 50, diameter: { smallest: 14, largest: 20 }, validation_size: 10, test_size: 10 }
estimator: { name: nvil, centering: true }
training: { log_every: 1, evaluate_every: 0 }
YAML
worst=0
for choice in "${choices[@]}"; do
  run=$place/runs/${choice//=/-}
  env "$choice" "$airframe" train "$place/air.yaml" "training.steps=$steps" --out "$run" --name run > "$place/log" 2>&1 ||
    { cat "$place/log"; exit 1; }
  grep -hv '"split"' "$run"/*/run/metrics.jsonl | grep -o '"nelbo": [-0-9.e]*' | grep -o '[-0-9.e]*$' > "$run/curve"
  difference=$(paste "$place/runs/AIRFRAME_VECTORS-default/curve" "$run/curve" |
    awk '{ d = $1 > $2 ? $1 - $2 : $2 - $1; s = $1 > 0 ? $1 : -$1; if (d > w) w = d; if (s > size) size = s }
      END { print w / size; if (NR < 2) exit 1 }')
  printf '%s: %d points of the curve, largest difference %s of the bound at its largest\n' "$choice" "$(wc -l < "$run/curve")" "$difference"
  worst=$(printf '%s\n%s\n' "$worst" "$difference" | sort -g | tail -n 1)
done
awk -v worst="$worst" -v tolerance="$tolerance" 'BEGIN { exit !(worst < tolerance) }'

own=$(env -u AIRFRAME_VECTORS -u OPENBLAS_CORETYPE "$airframe" bench kernels --filter normals --seconds 1 | head -n 1)
for choice in "${choices[@]}"; do
  if [[ "$own," == *"_kernels ${choice#*=},"* ]]; then
    printf '%s: is the program'"'"'s own choice\n' "$choice"
    continue
  fi
  began=$SECONDS
  env "$choice" make test > "$place/log" 2>&1 || {
    grep -aE -A 12 'recorded an issue|error:' "$place/log"
    printf '%s: tests failed\n' "$choice"
    exit 1
  }
  printf '%s: %s (%d s)\n' "$choice" "$(grep -a 'Test run with' "$place/log" | tail -n 1)" "$((SECONDS - began))"
done
