#!/usr/bin/env bash
# Times the AIR training step against the same step in JAX and PyTorch, in turn, several rounds, on an idle machine.
# usage: scripts/bench_against_peers.sh [ROUNDS] [SECONDS]
# PEERS: the folder with air_jax.py and air_torch.py (default ../shared/peers); PYTHON: a Python with torch, jax, numpy.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-3} seconds=${2:-8}
peers=${PEERS:-../shared/peers} python=${PYTHON:-.venv/bin/python}
export AIRFRAME_DATA=${AIRFRAME_DATA:-../shared/data}
# An OpenBLAS choice in the environment would be respected; the default is what is measured.
tuned="MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456"
median() { grep -o '"ms_per_step_median": [0-9.]*' | grep -o '[0-9.]*$'; }
for threads in 1 2; do
  pin="taskset -c 0-$((threads - 1))"
  for round in $(seq "$rounds"); do
    ours=$(env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $pin .build/release/airframe bench air --threads $threads --seconds "$seconds" --json | median)
    jax=$("$python" "$peers/air_jax.py" --sampler matmul --lstm hoist --threads $threads --seconds "$seconds" | median)
    torch=$(env $tuned "$python" "$peers/air_torch.py" --mode eager --sampler matmul --lstm hoist --threads $threads --seconds "$seconds" | median)
    echo "threads $threads round $round: airframe $ours ms, jax $jax ms, torch eager (tuned) $torch ms"
  done
done
