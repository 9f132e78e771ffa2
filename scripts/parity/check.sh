#!/bin/sh
# Checks training steps at their full size against PyTorch in float64: every estimator, AIR and DAIR, the other parts.
#
#   scripts/parity/check.sh
#
# Needs the digits (airframe data fetch mnist). AIRFRAME: the program (default: .build/release/airframe). PYTHON: a Python
# with torch, safetensors, numpy and pyyaml. Exit status 1 where a step differs.
set -eu
cd "$(dirname "$0")/../.."
program=${AIRFRAME:-.build/release/airframe}
python=${PYTHON:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

# STEP KEY=VALUE...
check() {
  step=$1
  shift
  "$program" export-step configs/air/multi-mnist.yaml --out "$scratch/step.safetensors" --step "$step" "$@"
  if "$python" scripts/parity/air_step.py "$scratch/step.safetensors" > "$scratch/report"; then
    echo "$(tail -n 1 "$scratch/report"): step $step $*"
  else
    status=1
    cat "$scratch/report"
    echo "DIFFERS: step $step $*"
  fi
}

"$python" scripts/parity/air_step.py --self-test
for model in air dair; do
  for estimator in nvil gumbel-softmax marginal; do
    for step in 0 3000; do check $step model.name=$model estimator.name=$estimator; done
  done
done
check 3000 model.window.scale=anisotropic model.window.rotation=1.2 model.window.shear=0.5
check 3000 model.window.linear=full model.controller.embedding='[200, 100]' estimator.name=marginal
check 3000 model.likelihood.name=bernoulli 'model.background={ name: mlp, hidden: [200] }' \
  estimator.name=gumbel-softmax estimator.straight_through=true
exit $status
