#!/bin/sh
# Checks training steps at their full size against PyTorch in float64: every estimator, AIR, DAIR,
# Discrete-AIR and DM-VAE, the other parts.
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

config=configs/air/multi-mnist.yaml

# STEP KEY=VALUE...
check() {
  step=$1
  shift
  "$program" export-step $config --out "$scratch/step.safetensors" --step "$step" "$@"
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
# Discrete-AIR: each way to combine template and attributes, each relaxed KL, each estimator. A bilinear sample that falls on
# a pixel's border has another derivative in Float32 than in float64; the steps are ones without such a sample.
config=configs/discrete-air/multi-mnist.yaml
for kl in soft density categorical; do
  check 0 estimator.relaxed_kl=$kl estimator.prior_temperature=0.7
  check 500 estimator.relaxed_kl=$kl estimator.prior_temperature=0.5 model.appearance.combination=convolutional
done
check 3000 model.appearance.combination=multiplicative model.appearance.attributes=3 estimator.straight_through=true
check 3000 estimator.name=nvil estimator.centering=true
check 1000 estimator.name=marginal estimator.relaxed_kl=soft
check 0 estimator.name=nvil model.appearance.attributes=0
check 500 estimator.relaxed_kl=density estimator.category_temperature=0.9 estimator.category_prior_temperature=0.4
# DM-VAE: each relaxed KL with presence's temperatures and with its own, each estimator, the information term. Besides
# pixel borders there is the rim of a window: the canvas is next to nothing there, and the gradient of the Bernoulli
# likelihood at a lit pixel divides by it, so that the window's rounding in Float32 comes back magnified (float32 in
# PyTorch then differs from float64 as much as the program does). The steps are ones without such a pixel.
config=configs/dm-vae/multi-mnist.yaml
apart='estimator.category_temperature=0.9 estimator.category_prior_temperature=0.4'
for kl in soft density categorical; do
  check 2000 estimator.relaxed_kl=$kl
  check 2000 estimator.relaxed_kl=$kl $apart
done
check 500 estimator.straight_through=true \
  'estimator.category_temperature={ schedule: linear, from: 1, to: 0.5, begin: 0, end: 2000 }'
for step in 0 2500; do check $step estimator.name=nvil estimator.centering=true; done
check 2500 estimator.name=marginal
check 2000 estimator.name=marginal $apart
check 2000 'regularizers=[{ name: information, gamma: 0 }]'
check 2000 'regularizers=[]'
check 2000 model.appearance.slots=50 'regularizers=[{ name: information, gamma: 0.3, patches_per_slot: 2 }]'
check 2000 model.controller.input=difference model.likelihood.name=normal
check 500 model.appearance.address='[64]' model.appearance.prior='[]' model.controller.feedback=false \
  'model.background={ name: mlp, hidden: [200] }'
config=configs/discrete-air/multi-mnist.yaml
check 500 'model.appearance={ name: memory }' 'regularizers=[{ name: information }]'
check 0 'model.appearance={ name: memory, noise: 8 }' estimator.name=nvil
exit $status
