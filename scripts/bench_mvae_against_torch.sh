#!/usr/bin/env bash
# Times the MVAE training step against the same step in PyTorch, in turn, several rounds, on an idle machine.
# usage: scripts/bench_mvae_against_torch.sh [ROUNDS] [SECONDS] [THREADS...]
# PYTHON: a Python with torch and numpy (default .venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3} seconds=${2:-10}
shift $(($# < 2 ? $# : 2))
python=${PYTHON:-.venv/bin/python}
# PyTorch loses 10 to 45 % where the C library gives large buffers back.
tuned="MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456"
median() { grep -o '"ms_per_step_median": [0-9.]*' | grep -o '[0-9.]*$'; }
for threads in "${@:-1 2}"; do
  for count in $threads; do
    pin="taskset -c 0-$((count - 1))"
    for round in $(seq "$rounds"); do
      ours=$(env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $pin .build/release/airframe bench mvae --threads "$count" --seconds "$seconds" --json | median)
      torch=$(env $tuned $pin "$python" scripts/bench_mvae_torch.py --threads "$count" --seconds "$seconds" | median)
      echo "threads $count round $round: airframe $ours ms, torch eager (channels last, tuned) $torch ms, $(awk "BEGIN { printf \"%.2f\", $ours / $torch }")"
    done
  done
done
