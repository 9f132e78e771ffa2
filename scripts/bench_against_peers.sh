#!/usr/bin/env bash
# Times a training step against the same step in JAX and PyTorch, in turn, several rounds, on an idle machine.
# usage: scripts/bench_against_peers.sh air|mvae [ROUNDS] [SECONDS] [THREADS...]
# PYTHON: a Python with scripts/peers/requirements.txt (default .venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:?usage: scripts/bench_against_peers.sh air|mvae [ROUNDS] [SECONDS] [THREADS...]}
rounds=${2:-3} seconds=${3:-8}
shift $(($# < 3 ? $# : 3))
[[ $# -gt 0 ]] || set -- 1 2
python=${PYTHON:-.venv/bin/python}
program=.build/release/airframe
# PyTorch loses 10 to 45 % where the C library gives large buffers back.
tuned="MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456"
# A choice of kernels in the environment would be respected; the default is what is measured.
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
