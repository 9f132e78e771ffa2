#!/usr/bin/env bash
# Measures how the time of the AIR training step grows with the batch size, the number of inference steps and the image
# side. One of them is varied at a time, starting from the step of docs/performance.md.
# Writes scaling.csv (all measurements), scaling-cost.csv and scaling-cost.png (the cost of a unit of work relative to
# its cost in the step of docs/performance.md; 1 everywhere is linear growth).
# usage: scripts/scaling.sh [SECONDS] [THREADS] [FOLDER]     (default: 5 s per point, 2 threads,
# experiments/performance)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-5} threads=${2:-2} folder=${3:-experiments/performance}
airframe=${AIRFRAME:-.build/release/airframe}
mkdir -p "$folder"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# measure QUANTITY VALUE UNITS KEY=VALUE ...: writes a line of the table. The work should be proportional to UNITS.
measure() {
  local json=$place/result.json
  "$airframe" bench air "${@:4}" --threads "$threads" --seconds "$seconds" --json > "$json"
  figure() { grep -o "\"$1\": [0-9.]*" "$json" | head -n 1 | grep -o '[0-9.]*$'; }
  share() { grep -o "\"$1\": {\"ms_per_step\": [0-9.]*" "$json" | grep -o '[0-9.]*$'; }
  printf '%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\n' "$1" "$2" "$3" "$(figure ms_per_step_median)" "$(share products)" \
    "$(share 'sparse products')" "$(share sampling)" "$(share 'other kernels')" "$(share optimizer)" \
    "$(share 'waiting for batches')" "$(figure megabytes)" | tee -a "$place/scaling.csv"
}

echo "quantity,value,units,ms_per_step,products_ms,sparse_products_ms,sampling_ms,other_kernels_ms,optimizer_ms,waiting_ms,megabytes" |
  tee "$place/scaling.csv"
for batch in 16 32 64 128 256 512 1024; do measure batch $batch $batch training.batch=$batch; done
for steps in 1 2 3 4 6 9 12; do measure steps $steps $steps model.steps=$steps; done
# Digits keep their 28 pixels, so the prior mean of the window's share of the canvas is set to the size of a digit.
for side in 28 40 50 64 80 100 128; do
  size=$(awk -v s=$side 'BEGIN { size = 28 / s; print (size > 0.9 ? 0.9 : size) }')
  measure side $side $((side * side)) dataset.side=$side "model.window.scale_prior.mean=$size"
done

# One curve per quantity: the time per unit (an image, an inference step, a pixel) relative to that in the step of
# docs/performance.md, against the number of doublings of the quantity from there.
awk -F, 'NR > 1 { quantity[NR] = $1; units[NR] = $3; time[NR] = $4; if ($1 $2 == "batch64" || $1 $2 == "steps3" || $1 $2 == "side50") base[$1] = NR }
  END {
    print "doublings of the work,batch,inference steps,pixels"
    for (i = 2; i <= NR; i++) {
      b = base[quantity[i]]
      x = log(units[i] / units[b]) / log(2); y = (time[i] / units[i]) / (time[b] / units[b])
      printf "%.3f,%s,%s,%s\n", x, quantity[i] == "batch" ? y : "", quantity[i] == "steps" ? y : "", quantity[i] == "side" ? y : ""
    }
  }' "$place/scaling.csv" > "$place/scaling-cost.csv"
cp "$place/scaling.csv" "$place/scaling-cost.csv" "$folder"
"$airframe" figure csv "$folder/scaling-cost.csv" --out "$folder/scaling-cost.png" --replace \
  --title "AIR step, $threads threads: cost of a unit of work" --label "cost of a unit, 1 in the step itself"
