#!/bin/sh
# Makes the parity fixtures for the Swift tests: small training steps that PyTorch recomputes in float64.
#
#   scripts/parity/make_fixtures.sh
#
# AIRFRAME: the program (default: .build/release/airframe). PYTHON: a Python with torch, safetensors, numpy and pyyaml.
set -euf  # f: brackets of lists must not be expanded as file name patterns
cd "$(dirname "$0")/../.."
program=${AIRFRAME:-.build/release/airframe}
python=${PYTHON:-python3}
fixtures=Tests/ExperimentsTests/Fixtures
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$fixtures"

# NAME STEP SPREAD SEED KEY=VALUE...: STEP selects the noise and the values of schedules. Parameters are moved from
# their initial values by SPREAD times random numbers of seed SEED.
fixture() {
  name=$1 step=$2 spread=$3 seed=$4
  shift 4
  "$program" export-step scripts/parity/fixture.yaml --out "$scratch/$name.safetensors" --step "$step" "$@"
  "$python" scripts/parity/$script "$scratch/$name.safetensors" --write "$fixtures/$name.safetensors" \
    --spread "$spread" --seed "$seed" > "$scratch/report" || { cat "$scratch/report"; exit 1; }
  chmod 644 "$fixtures/$name.safetensors"
  tail -n 1 "$scratch/report"
}

# MVAE and its baseline, which are recomputed by another script.
script=mvae_step.py
colored='dataset={ name: multi-dsprites, side: 16, sprites: 3, diameter: { smallest: 5, largest: 9 }, validation_size: 20, test_size: 20 }'
encoder='encoder: { channels: [3, 4], pooling: [2, 2], hidden: [4] }'
decoder='decoder: { dense: [5], maps: 2, object: [3], scene: [3, 3], output_bias: -1 }'
small='training.batch=3'
fixture mvae-marginal 3 0.2 0 "$colored" $small "model={ name: mvae, objects: 3, size: 3, $encoder, $decoder }" estimator.name=marginal
fixture mvae-sum-nvil 3 0.2 0 "$colored" $small estimator.name=nvil \
  "model={ name: mvae, objects: 2, size: 2, aggregation: sum, count_threshold: 0.5, $encoder, $decoder }"
fixture vae-marginal 3 0.2 0 "$colored" $small "model={ name: vae, size: 4, $encoder, $decoder }" estimator.name=marginal
script=air_step.py

baseline='baseline={ hidden: 4, layers: [8] }'
fixture air-nvil 2500 0.1 0 estimator.name=nvil "estimator.$baseline"
fixture air-gumbel-softmax 2500 0.1 0 estimator.name=gumbel-softmax estimator.temperature=0.7
fixture air-marginal 2500 0.1 0 estimator.name=marginal
fixture dair-nvil 2500 0.1 0 model.name=dair estimator.name=nvil estimator.centering=true "estimator.$baseline"

# All other parts of the scene model.
fixture turned-gumbel-softmax 3 0.1 0 estimator.name=gumbel-softmax estimator.relaxed_kl=density \
  'estimator.temperature={ schedule: cosine, from: 1, to: 0.5, begin: 0, end: 9 }' estimator.prior_temperature=0.6 \
  model.window.scale=anisotropic model.window.rotation=1.2 model.window.shear=0.5 \
  model.window.rotation_prior.deviation=0.7 model.controller.feedback=false \
  model.prior.count.name=geometric
fixture background-nvil 0 0.1 0 model.name=dair estimator.name=nvil "estimator.$baseline" \
  model.likelihood.name=bernoulli 'model.background={ name: mlp, hidden: [4] }' model.window.scale=anisotropic \
  model.controller.glimpse_source=difference
fixture linear-marginal 4000 0.1 0 estimator.name=marginal model.window.linear=full model.window.rotation=0.5 \
  model.controller.embedding='[12, 8]' 'model.background={ name: mlp, hidden: [8] }' model.controller.input=difference

# Discrete-AIR: each way to combine template and attributes, and each relaxed KL.
category() {
  echo "model.appearance={ name: category, categories: 3, attributes: 2, encoder: [8], template: [8], modifier: [8], kernel: 3, combination: $1 }"
}
fixture discrete-air-gumbel-softmax 3 0.1 0 model.name=discrete-air "$(category additive)" estimator.name=gumbel-softmax \
  estimator.temperature=0.7 estimator.relaxed_kl=soft
fixture discrete-air-marginal 3 0.1 0 model.name=discrete-air "$(category convolutional)" estimator.name=marginal \
  estimator.relaxed_kl=density estimator.category_temperature=0.6 estimator.category_prior_temperature=0.5
fixture discrete-air-nvil 3 0.1 0 model.name=discrete-air "$(category multiplicative)" estimator.name=nvil \
  "estimator.$baseline"

# DM-VAE with its information term.
memory='model.appearance={ name: memory, slots: 4, slot_size: 5, noise: 3, address: [8, 6], encoder: [8], prior: [8], generator: [8] }'
information='regularizers=[{ name: information, gamma: 0.7, patches_per_slot: 2 }]'
fixture dm-vae-gumbel-softmax 3 0.1 0 model.name=dm-vae "$memory" "$information" estimator.name=gumbel-softmax \
  estimator.temperature=0.6667 estimator.prior_temperature=0.5 estimator.category_temperature=0.8 estimator.relaxed_kl=density
fixture dm-vae-nvil 3 0.1 0 model.name=dm-vae "$memory" "$information" estimator.name=nvil "estimator.$baseline"

# Refined windows, regularizers of a batch and of an image, and upsampled templates. These steps are even smaller.
small='training.batch=3 model.controller.hidden=4 model.controller.embedding=[3] model.head=[4]'
refined="$small model.glimpse=4 model.window.refinement=[4]"
fixture refined-gumbel-softmax 3 0.3 0 $refined model.name=dm-vae estimator.name=gumbel-softmax estimator.temperature=0.7 \
  'model.appearance={ name: memory, slots: 4, slot_size: 3, noise: 2, address: [4, 3], encoder: [4], prior: [3], generator: [4] }' \
  'regularizers=[{ name: balance, weight: 3 }]'
fixture refined-nvil 6 0.3 4 $refined model.name=discrete-air estimator.name=nvil \
  'model.appearance={ name: category, categories: 3, attributes: 1, encoder: [4], template: [4], modifier: [3] }' \
  'estimator.baseline={ hidden: 1, layers: [3] }' \
  'regularizers=[{ name: kl_weights, presence: 3, window: 0.5, category: 2 }]'
fixture upsampled-marginal 4 0.3 0 $small model.name=discrete-air estimator.name=marginal \
  'model.appearance={ name: category, categories: 3, attributes: 1, encoder: [4], template: [4], modifier: [3], upsampling: [3, 2] }'

# AIR-pPrior and AIR-ASR: a learned prior, and the penalties on counts and on overlapping windows.
learned="$small model.glimpse=4 model.prior.hidden=4 model.prior.head=[3]"
fixture pprior-gumbel-softmax 3 0.3 0 $learned model.name=air-pprior estimator.name=gumbel-softmax \
  estimator.temperature=0.7 estimator.prior_temperature=0.5 estimator.relaxed_kl=density
counts='regularizers=[{ name: count, counts: [0, 3], weight: { schedule: linear, from: 20, to: 10, begin: 0, end: 9 } }]'
fixture count-marginal 3 0.3 0 $learned model.name=air-asr estimator.name=marginal "$counts"
fixture count-nvil 3 0.3 0 $learned model.name=air-asr estimator.name=nvil 'estimator.baseline={ hidden: 1, layers: [3] }' \
  "$counts"
apart='name: overlap, tolerance: 0.5'
fixture overlap-nvil 3 0.3 0 $learned model.name=air-asr model.presence=always estimator.name=nvil \
  "regularizers=[{ $apart, smallest: 5.8, largest: 6.4, inside_weight: { schedule: linear, from: 3, to: 1, begin: 0, end: 9 } }]"
fixture overlap-turned-marginal 3 0.3 0 $learned model.name=air-asr model.presence=always estimator.name=marginal \
  model.window.scale=anisotropic model.window.rotation=1.2 model.window.shear=0.5 \
  "regularizers=[{ $apart, smallest: 8, largest: 9, mean_size: true }]"
