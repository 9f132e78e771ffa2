#!/usr/bin/env bash
# Measures the time of a training step and of the same step in PyTorch and (for air) JAX, in alternation, for several
# rounds. Run it on an idle machine.
# usage: scripts/bench_against_peers.sh air|mvae [ROUNDS] [SECONDS] [THREADS...]
# PYTHON: a Python in which scripts/peers/requirements.txt is installed (default: .venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:?usage: scripts/bench_against_peers.sh air|mvae [ROUNDS] [SECONDS] [THREADS...]}
rounds=${2:-3} seconds=${3:-8}
shift $(($# < 3 ? $# : 3))
[[ $# -gt 0 ]] || set -- 1 2
python=${PYTHON:-.venv/bin/python}
program=.build/release/airframe
# PyTorch is 10 to 45 % slower if the C library returns large buffers to the system.
tuned="MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456"
# The default choice of kernels is measured, so variables that override it are removed from the environment.
clean="env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE"
median() { grep -o '"ms_per_step_median": [0-9.]*' | grep -o '[0-9.]*$'; }
ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }
sed -n 's/^model name\s*: /cpu: /p' /proc/cpuinfo | head -n 1
for threads in "$@"; do
  pin="taskset -c 0-$((threads - 1))"
  for round in $(seq "$rounds"); do
    ours=$($clean $pin "$program" bench "$model" --threads "$threads" --seconds "$seconds" --json | median)
    torch=$($clean $tuned $pin "$python" "scripts/peers/${model}_torch.py" --threads "$threads" --seconds "$seconds" | median)
    line="threads $threads round $round: airframe $ours ms, torch (tuned) $torch ms: $(ratio "$ours" "$torch")"
    if [[ $model == air ]]; then
      jax=$($clean $pin "$python" scripts/peers/air_jax.py --threads "$threads" --seconds "$seconds" | median)
      line+="; jax $jax ms: $(ratio "$ours" "$jax")"
    fi
    echo "$line"
  done
done
