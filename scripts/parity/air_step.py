#!/usr/bin/env python3
"""Recompute one exported training step of AIR in float64 and compare it.

What: `airframe export-step CONFIG --out FILE` writes the images, the noise,
the parameters and everything the Swift program computed from them (terms per
image, losses, gradients).  This script recomputes the same quantities in
float64 with PyTorch's automatic differentiation, from the float32 inputs in
that file.  It was written from the definitions in the papers and not from the
Swift sources, so that an error goes unnoticed only if it is made twice.

How:    python air_step.py EXPORT.safetensors [--verbose]
        python air_step.py EXPORT.safetensors --single
        python air_step.py EXPORT.safetensors --write FIXTURE.safetensors
                           [--spread S] [--seed N]
        python air_step.py --self-test [--verbose]

--write makes a fixture for the Swift tests from an export that agrees.  The
fixture contains the inputs (images, noise, constants, parameters) and the
results of this script, stored as float32: `expected/terms/...`,
`expected/loss/...`, `expected/gradients/...` and, for the contributions of
regularizers to the loss, `expected/constants/penalty/...`.  --spread first
adds S times standard normal noise to every parameter, and 10 times such noise
to the centering (if it is on), so that no value of the fixture is zero only
because the training has just begun.

--single computes in float32, as the program does.  This shows whether a
difference from float64 is an error of the program or float32 rounding.

Exit:   0 everything agrees
        1 a value is outside its tolerance, or a tensor is missing or extra
                2 the file or its config cannot be used (or needs a part of the
                  model that this script does not implement)

Tolerances, a = exported, b = recomputed here, g = the whole gradient b:
        gradients   ||a - b|| <= 1e-4 * max(||b||, 1e-6 * ||g||), per tensor
                terms       |a - b| <= 1e-5 * max(|b|, 1e-3 * max |b|, 1e-4 * the
                            nELBO's root mean square), per image: a KL near zero
                            is the difference of large numbers
                losses      |a - b| <= 1e-5 * max(|b|, 1e-3 * the largest
                            contribution of one image to the loss)
                constants   as terms (also constants/penalty/..., the contributions
                            of regularizers to the loss).  The tolerance of a
                            balance is relative to at least 0.1 of the log of the
                            number of categories; that of weights of KLs, to at
                            least 1e-3 of the largest contribution of one image

Covers: AIR and DAIR (the controller gets the image or the difference, with or
without feedback and embedding); windows with scale, shift, rotation, shear
and a free linear map, with or without refinement by their own glimpse;
appearance gaussian, categories with attributes (Discrete-AIR, three ways to
combine them, dense or upsampled templates) or memory slots with noise
(DM-VAE); independent count priors or a learned recurrent prior (AIR-pPrior);
presence inferred or always on; normal and Bernoulli likelihoods; background
none or mlp; the regularizers information, balance, count and overlap
(AIR-ASR) and kl_weights; the estimators nvil, gumbel-softmax and marginal,
with separate temperatures for categories and slots.

Needs:  Python 3.10+, torch, numpy, safetensors, pyyaml.
        Written with torch 2.15.0, numpy 2.4.6, safetensors 0.8.0,
        PyYAML 6.0.3.
"""

import argparse
import datetime
import itertools
import json
import math
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import yaml
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

GRADIENT_TOLERANCE = 1e-4  # relative to the tensor's norm
GRADIENT_FLOOR = 1e-6      # least norm, relative to the whole gradient
TERM_TOLERANCE = 1e-5
TERM_FLOOR = 1e-3          # least term, relative to the largest
NORM_FLOOR = 1e-12         # added to the squared norms of a cosine
NOISE_FLOOR = 1e-3         # least deviation of DM-VAE's noise prior
SHARE_FLOOR = 1e-8         # added to the frequency of a category
BALANCE_FLOOR = 0.1        # least balance, relative to log K
MARGIN = 1e-3              # least |logit + L| in a fixture, so that no presence flips
PRECISION = torch.float64  # of the recomputation; --single: torch.float32
PRIOR_FLOOR = 0.01         # least deviation of a learned window prior,
                           # relative to that of the fixed prior


class Unusable(Exception):
    """The file or its config cannot be used: exit status 2."""


class Missing(Exception):
    """A tensor that the recomputation needs is not there: exit status 1."""


# --------------------------------------------------------------------------
# Config
# --------------------------------------------------------------------------

class CoreLoader(yaml.SafeLoader):
    """YAML 1.2 core scalars: 1e-4 is a number, `no` and `on` are strings."""


CoreLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
        ("int", r"[-+]?[0-9]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
         "-+.0123456789")):
    CoreLoader.add_implicit_resolver(
        "tag:yaml.org,2002:" + _tag, re.compile(rf"^(?:{_pattern})$"),
        list(_first))

_REQUIRED = object()


class Config:
    """A YAML tree, read by dotted key path."""

    def __init__(self, text):
        try:
            self.tree = yaml.load(text, CoreLoader)
        except yaml.YAMLError as error:
            raise Unusable(f"config: {error}") from error
        if not isinstance(self.tree, dict):
            raise Unusable("config: not a mapping")

    def get(self, path, default=_REQUIRED):
        node = self.tree
        for key in path.split("."):
            if not isinstance(node, dict) or key not in node:
                if default is _REQUIRED:
                    raise Unusable(f"config: {path} is missing")
                return default
            node = node[key]
        return node

    def choice(self, path, choices, default=_REQUIRED):
        value = self.get(path, default)
        if value not in choices:
            raise Unusable(f"config: {path} is {value!r}; recomputed here: "
                           + ", ".join(map(str, choices)))
        return value

    def sizes(self, path, default=_REQUIRED):
        value = self.get(path, default)
        return [value] if isinstance(value, int) else list(value or [])


def scheduled(value, step, path):
    """A number, or the value of a schedule at a training step."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, dict):
        raise Unusable(f"config: {path} is neither number nor schedule")
    kind = value.get("schedule")
    if kind == "constant":
        for key in ("value", "from", "to"):
            if key in value:
                return float(value[key])
    if kind in ("linear", "exponential", "cosine"):
        try:
            start, end = float(value["from"]), float(value["to"])
            begin, finish = float(value.get("begin", 0)), float(value["end"])
        except KeyError as error:
            raise Unusable(f"config: {path}.{error.args[0]} is missing")
        if finish > begin:
            f = min(max((step - begin) / (finish - begin), 0.0), 1.0)
        else:
            f = 1.0 if step >= finish else 0.0
        if kind == "linear":
            return start + (end - start) * f
        if kind == "exponential":
            return start * (end / start) ** f
        return end + (start - end) * 0.5 * (1 + math.cos(math.pi * f))
    raise Unusable(f"config: {path}: schedule {kind!r} is not written here")


def prior_log_odds(config, step):
    """Log-odds of one more object, given t objects, for t = 0 .. T-1."""
    steps = config.get("model.steps")
    path = "model.prior.count"
    name = config.choice(f"{path}.name", ("truncated_geometric", "geometric"),
                         "truncated_geometric")
    if name == "geometric":
        # P(n) = (1 - rho) rho^n: every trial succeeds with rho.
        rho = scheduled(config.get(f"{path}.success"), step,
                        f"{path}.success")
        return np.full(steps, math.log(rho) - math.log1p(-rho))
    # P(n) proportional to k^n, n = 0 .. T.  The odds of going on from t are
    # (k^(t+1) + .. + k^T) / k^t = k (1 - k^(T-t)) / (1 - k).  The sum is
    # computed term by term, so that k = 1 needs no special case.
    k = scheduled(config.get(f"{path}.ratio"), step, f"{path}.ratio")
    return np.array([math.log(math.fsum(k ** i for i in range(1, left + 1)))
                     for left in range(steps, 0, -1)])


REGULARIZERS = {  # name -> settings and their defaults
    "information": {"gamma": 1.0, "patches_per_slot": 4},
    "balance": {"weight": 10.0},
    "count": {"counts": (), "weight": 10.0, "frequency_weight": 100.0},
    "overlap": {"smallest": 11.0, "largest": 15.0, "tolerance": 3.0,
                "overlap_weight": 1.0, "inside_weight": 1.0,
                "size_weight": 20.0, "likeness_weight": 10.0,
                "mean_size": False},
    "kl_weights": {node: 1.0 for node in (
        "presence", "window", "appearance", "category", "attributes", "slot",
        "noise", "object", "scene")},
}


def regularizers(config):
    """Regularizer name -> its settings."""
    found = {}
    for settings in config.get("regularizers", []) or []:
        name = settings.get("name")
        if name not in REGULARIZERS or name in found:
            raise Unusable(f"config: regularizers: {name!r}; recomputed "
                           "here, once each: " + ", ".join(REGULARIZERS))
        unknown = set(settings) - set(REGULARIZERS[name]) - {"name"}
        if unknown:
            raise Unusable(f"config: regularizers: {name} with "
                           + ", ".join(sorted(unknown)))
        found[name] = {**REGULARIZERS[name], **settings}
    return found


def always_present(config):
    """Whether every scene has one object per step."""
    return config.choice("model.presence", ("inferred", "always"),
                         "inferred") == "always"


def learned_prior(config):
    """The learned prior over windows and presences; None if it is fixed."""
    return (RecurrentPrior(config) if config.choice(
        "model.prior.name", ("independent", "recurrent"),
        "independent") == "recurrent" else None)


def refuse_unknown_parts(config):
    """Raise an error for parts of a config that this script does not cover."""
    looks = appearance(config)
    asked, steps = regularizers(config), config.get("model.steps")
    if "count" in asked:
        counts = asked["count"]["counts"]
        if always_present(config):
            raise Unusable("config: regularizers: count, but every count is "
                           f"{steps}")
        if not counts or not set(counts) <= set(range(steps + 1)):
            raise Unusable("config: regularizers: count with the counts "
                           f"{list(counts)} of at most {steps}")
    if "overlap" in asked and not always_present(config):
        raise Unusable("config: regularizers: overlap of windows whose "
                       "presence is inferred")
    if "information" in regularizers(config) and "slot" not in looks.discrete:
        raise Unusable("config: regularizers: information is about memory "
                       "slots; there are none")
    if "balance" in regularizers(config) and not looks.discrete:
        raise Unusable("config: regularizers: balance is about categories or "
                       "slots; there are none")
    if config.get("estimator.variance_normalization", False):
        raise Unusable("config: estimator.variance_normalization is not "
                       "written here")

    def visit(node, path):
        for key, value in node.items():
            if key == "activation" and value != "relu":
                raise Unusable(f"config: {path}{key}: {value!r}; relu only")
            if isinstance(value, dict):
                visit(value, f"{path}{key}.")

    for section in ("model", "estimator"):
        visit(config.get(section), f"{section}.")


# --------------------------------------------------------------------------
# Export
# --------------------------------------------------------------------------

@dataclass
class Export:
    """One exported training step; tensors are float32 numpy arrays."""

    metadata: dict
    tensors: dict
    config: Config = field(init=False)
    step: int = field(init=False)
    estimator: str = field(init=False)

    def __post_init__(self):
        for key in ("config", "estimator", "step"):
            if key not in self.metadata:
                raise Unusable(f"metadata: {key} is missing")
        self.config = Config(self.metadata["config"])
        try:
            self.step = int(self.metadata["step"])
        except ValueError as error:
            raise Unusable(f"metadata: step: {error}") from error
        self.estimator = self.metadata["estimator"]
        if self.estimator not in ESTIMATORS:
            raise Unusable(f"metadata: estimator {self.estimator!r}; "
                           "recomputed here: " + ", ".join(ESTIMATORS))
        named = self.config.get("estimator.name")
        if named != self.estimator:
            raise Unusable(f"metadata says estimator {self.estimator}, "
                           f"the config says {named}")

    @classmethod
    def read(cls, path):
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name)
                           for name in file.keys()}
        except (OSError, SafetensorError) as error:
            raise Unusable(f"{path}: {error}") from error
        for name, values in tensors.items():
            if values.dtype != np.float32:
                raise Unusable(f"{path}: {name} is {values.dtype}, not F32")
        return cls(metadata, tensors)

    def write(self, path):
        save_file({name: np.ascontiguousarray(values, dtype=np.float32)
                   for name, values in self.tensors.items()},
                  path, metadata=self.metadata)

    def under(self, prefix):
        """The tensors below a prefix, without it."""
        return {name[len(prefix):]: values
                for name, values in self.tensors.items()
                if name.startswith(prefix)}


def real(values):
    return torch.from_numpy(np.array(values, dtype=np.float64)).to(PRECISION)


class Gaussian:
    """AIR's appearance: one normal vector, decoded by an MLP."""

    kls, discrete = ("appearance",), ()

    def __init__(self, config):
        self.size = self.fed = config.get("model.appearance.size", 50)
        self.encoder = config.sizes("model.appearance.encoder", [200])
        self.decoder = config.sizes("model.appearance.decoder", [200])
        self.output_bias = config.get("model.appearance.output_bias", -2)

    def declare(self, shapes, mlp, channels, glimpse):
        patch = channels * glimpse ** 2
        mlp("appearance.encoder", patch, self.encoder, 2 * self.size)
        mlp("appearance.decoder", self.size, self.decoder, patch)

    def noise(self, batch):
        return {"appearance": (batch, self.size)}

    def explain(self, parameters, crop, noise, t, categorical):
        """-> patch [B, C, G, G], fed latents [B, n], KLs, {} of choices."""
        mean, raw_deviation = mlp(
            parameters, "appearance.encoder", crop.flatten(1)).chunk(2, 1)
        deviation = softplus(raw_deviation)
        latent = mean + deviation * noise[f"appearance/{t}"]
        zeros = torch.zeros(self.size, dtype=mean.dtype)
        patch = torch.sigmoid(mlp(parameters, "appearance.decoder", latent)
                              + self.output_bias).reshape(crop.shape)
        return patch, latent, {
            "appearance": normal_kl(mean, deviation, zeros, zeros + 1)}, {}


class Category:
    """Discrete-AIR's appearance: sigmoid(template of the category, modified by
    the attributes); Wang et al. 2019, section 3.2."""

    discrete = ("category",)

    def __init__(self, config):
        def get(key, default):
            return config.get(f"model.appearance.{key}", default)

        self.categories = get("categories", 10)
        self.attributes = get("attributes", 1)
        self.combination = config.choice(
            "model.appearance.combination",
            ("additive", "multiplicative", "convolutional"), "additive")
        self.kernel = get("kernel", 5)
        self.layers = {name: config.sizes(f"model.appearance.{name}", [200])
                       for name in ("encoder", "template", "modifier")}
        self.upsampling = config.sizes("model.appearance.upsampling", [])
        self.output_bias = get("output_bias", -2)
        self.fed = self.categories + self.attributes
        self.kls = ("category",) + ("attributes",) * (self.attributes > 0)

    def declare(self, shapes, mlp, channels, glimpse):
        patch = channels * glimpse ** 2
        mlp("appearance.encoder", patch, self.layers["encoder"],
            self.categories + 2 * self.attributes)
        name = "appearance.template"
        if self.upsampling:
            doublings = len(self.upsampling)
            if glimpse % 2 ** doublings:
                raise Unusable(f"config: {doublings} doublings do not lead "
                               f"to a glimpse of {glimpse} pixels")
            mlp(f"{name}.dense", self.categories, self.layers["template"],
                self.upsampling[0] * (glimpse >> doublings) ** 2)
            pairs = zip(self.upsampling, self.upsampling[1:])
            for index, (inputs, outputs) in enumerate(pairs):
                shapes[f"{name}.doublings.{index}.weight"] = (inputs, 4, 4,
                                                              outputs)
                shapes[f"{name}.doublings.{index}.bias"] = (outputs,)
            for channel in range(channels):
                shapes[f"{name}.output.{channel}.weight"] = (
                    self.upsampling[-1], 4, 4, 1)
                shapes[f"{name}.output.{channel}.bias"] = (1,)
        else:
            mlp(name, self.categories, self.layers["template"], patch)
        if self.attributes:
            mlp("appearance.modifier", self.attributes,
                self.layers["modifier"],
                channels * self.kernel ** 2
                if self.combination == "convolutional" else patch)

    def noise(self, batch):
        shapes = {"category": (batch, self.categories)}
        if self.attributes:
            shapes["attributes"] = (batch, self.attributes)
        return shapes

    def template(self, parameters, y, channels, side):
        """y [N, categories] -> drawings [N, channels * side * side]."""
        name = "appearance.template"
        if not self.upsampling:
            return mlp(parameters, name, y)
        start = side >> len(self.upsampling)
        x = mlp(parameters, f"{name}.dense", y).reshape(
            len(y), start, start, self.upsampling[0]).permute(0, 3, 1, 2)
        for index in range(len(self.upsampling) - 1):
            x = doubled(parameters, f"{name}.doublings.{index}",
                        torch.relu(x))
        x = torch.relu(x)
        return torch.cat([doubled(parameters, f"{name}.output.{channel}", x)
                          for channel in range(channels)], 1).flatten(1)

    def explain(self, parameters, crop, noise, t, categorical):
        logits, mean, raw_deviation = mlp(
            parameters, "appearance.encoder", crop.flatten(1)).split(
                [self.categories, self.attributes, self.attributes], 1)
        y, kl, choice = categorical(logits, noise[f"category/{t}"])
        kls = {"category": kl}
        drawing = self.template(parameters, y, *crop.shape[1:3])
        fed = y
        if self.attributes:
            deviation = softplus(raw_deviation)
            attributes = mean + deviation * noise[f"attributes/{t}"]
            zeros = torch.zeros(self.attributes, dtype=mean.dtype)
            kls["attributes"] = normal_kl(mean, deviation, zeros, zeros + 1)
            fed = torch.cat([y, attributes], 1)
            change = mlp(parameters, "appearance.modifier", attributes)
            if self.combination == "additive":
                drawing = drawing + change
            elif self.combination == "multiplicative":
                drawing = drawing * (1 + change)
            else:  # every image and channel has its own filter
                planes = drawing.reshape(1, -1, *crop.shape[2:])
                filters = change.reshape(-1, 1, self.kernel, self.kernel)
                filtered = F.conv2d(planes, filters, groups=len(filters),
                                    padding=self.kernel // 2)
                drawing = drawing + filtered.reshape(drawing.shape)
        patch = torch.sigmoid(drawing + self.output_bias).reshape(crop.shape)
        return patch, fed, kls, {"category": choice}


class Memory:
    """DM-VAE's appearance: a memory slot, selected by similarity, and noise;
    a generator maps both to a patch.  Min et al. 2020, sections III and IV."""

    kls, discrete = ("slot", "noise"), ("slot",)

    def __init__(self, config):
        def get(key, default):
            return config.get(f"model.appearance.{key}", default)

        self.slots, self.slot_size = get("slots", 15), get("slot_size", 64)
        self.size = get("noise", 32)
        self.layers = {name: config.sizes(f"model.appearance.{name}",
                                          [256, 128])
                       for name in ("address", "encoder", "prior",
                                    "generator")}
        self.output_bias = get("output_bias", -2)
        self.fed = self.slot_size + self.size

    def declare(self, shapes, mlp, channels, glimpse):
        patch = channels * glimpse ** 2
        shapes["appearance.memory"] = (self.slots, self.slot_size)
        shapes["appearance.sharpness"] = (1,)
        *hidden, outputs = self.layers["address"]
        mlp("appearance.slot_embedding", self.slot_size, hidden, outputs)
        mlp("appearance.glimpse_embedding", patch, hidden, outputs)
        mlp("appearance.encoder", patch + self.slot_size,
            self.layers["encoder"], 2 * self.size)
        mlp("appearance.prior", self.slot_size, self.layers["prior"],
            2 * self.size)
        mlp("appearance.generator", self.size + self.slot_size,
            self.layers["generator"], patch)

    def noise(self, batch):
        return {"slot": (batch, self.slots), "noise": (batch, self.size)}

    def address(self, parameters, patches):
        """patches [N, P] -> kappa cos(h_m(slot), h_x(patch)), [N, slots]."""
        def direction(x):
            return x / torch.sqrt((x ** 2).sum(1, keepdim=True) + NORM_FLOOR)

        slots = direction(mlp(parameters, "appearance.slot_embedding",
                              parameters["appearance.memory"]))
        seen = direction(mlp(parameters, "appearance.glimpse_embedding",
                             patches))
        return (torch.exp(parameters["appearance.sharpness"])
                * (seen @ slots.T))

    def noise_prior(self, parameters, read):
        """p(noise | slot read): mean and deviation."""
        mean, raw_deviation = mlp(parameters, "appearance.prior",
                                  read).chunk(2, 1)
        return mean, softplus(raw_deviation) + NOISE_FLOOR

    def generate(self, parameters, noise, read):
        """-> patches [N, P]."""
        return torch.sigmoid(
            mlp(parameters, "appearance.generator",
                torch.cat([noise, read], 1)) + self.output_bias)

    def explain(self, parameters, crop, noise, t, categorical):
        y, kl, choice = categorical(
            self.address(parameters, crop.flatten(1)), noise[f"slot/{t}"])
        read = y @ parameters["appearance.memory"]
        mean, raw_deviation = mlp(
            parameters, "appearance.encoder",
            torch.cat([crop.flatten(1), read], 1)).chunk(2, 1)
        deviation = softplus(raw_deviation)
        latent = mean + deviation * noise[f"noise/{t}"]
        patch = self.generate(parameters, latent, read).reshape(crop.shape)
        return patch, torch.cat([read, latent], 1), {
            "slot": kl,
            "noise": normal_kl(mean, deviation,
                               *self.noise_prior(parameters, read))
        }, {"slot": choice}

    def information(self, parameters, normals):
        """Mean log q(slot | patch that p(noise | slot) made), eq. (8).

        normals [slots * draws, noise], all draws of slot 0 first.
        """
        draws = len(normals) // self.slots
        slot = torch.arange(self.slots).repeat_interleave(draws)
        read = parameters["appearance.memory"][slot]
        mean, deviation = self.noise_prior(parameters, read)
        patches = self.generate(parameters, mean + deviation * normals, read)
        log_q = torch.log_softmax(self.address(parameters, patches), 1)
        return log_q[torch.arange(len(slot)), slot].mean()


def appearance(config):
    kinds = {"gaussian": Gaussian, "category": Category, "memory": Memory}
    return kinds[config.choice("model.appearance.name", tuple(kinds),
                               "gaussian")](config)


class RecurrentPrior:
    """p(z_t), p(scale_t), p(place_t | scale_t) given the earlier windows;
    Xu et al. 2019, section 3.1.  Place is the rest of the window latent."""

    def __init__(self, config):
        self.hidden = config.get("model.prior.hidden", 256)
        self.head = config.sizes("model.prior.head", [64])
        self.window = Window(config)

    def declare(self, shapes, mlp):
        size, scales = self.window.size, self.window.scales
        shapes["prior.image.weight"] = (size, 4 * self.hidden)
        shapes["prior.image.bias"] = (4 * self.hidden,)
        shapes["prior.recurrent.weight"] = (self.hidden, 4 * self.hidden)
        shapes["prior.hidden"] = shapes["prior.cell"] = (self.hidden,)
        mlp("prior.presence", self.hidden, self.head, 1)
        mlp("prior.scale", self.hidden, self.head, 2 * scales)
        mlp("prior.place", self.hidden + scales, self.head,
            2 * (size - scales))

    def start(self, parameters, batch):
        """The state before the first window: one step over z^0 = 0."""
        state = [parameters[f"prior.{part}"].expand(batch, -1)
                 for part in ("hidden", "cell")]
        return self.advance(parameters, real([[0] * self.window.size]),
                            state)

    def advance(self, parameters, u, state):
        """One LSTM step over a window."""
        return lstm_cell(u @ parameters["prior.image.weight"]
                         + parameters["prior.image.bias"]
                         + state[0] @ parameters["prior.recurrent.weight"],
                         state[1])

    def __call__(self, parameters, u, state):
        """Log-odds of presence [B], mean and deviation [B, D] of the prior.

        Of the window u itself only the scale is looked at, for the place.
        """
        logit = mlp(parameters, "prior.presence", state[0])[:, 0]
        given = torch.cat([state[0], u[:, :self.window.scales]], 1)
        means, deviations = zip(
            mlp(parameters, "prior.scale", state[0]).chunk(2, 1),
            mlp(parameters, "prior.place", given).chunk(2, 1))
        # Relative to the fixed prior, and close to it at the start.
        ratio = PRIOR_FLOOR + softplus(torch.cat(deviations, 1)
                                       + inverse_softplus(1.0))
        return (logit, self.window.prior_mean
                + self.window.prior_deviation * torch.cat(means, 1),
                self.window.prior_deviation * ratio)


def term_names(config):
    presence = () if always_present(config) else ("presence_kl",)
    return ("log_likelihood", *presence, "window_kl",
            *(f"{node}_kl" for node in appearance(config).kls), "nelbo",
            "count")


def decisions_per_step(config):
    """The number of discrete nodes per step."""
    return (not always_present(config)) + len(appearance(config).discrete)


def needs_baseline(config, estimator):
    return estimator == "nvil" and decisions_per_step(config) > 0


def loss_names(config, estimator):
    return ("objective", "baseline") if needs_baseline(
        config, estimator) else ("objective",)


def expected_inputs(config, estimator, images_shape, parameters):
    """Names and shapes of all tensors except terms, losses and gradients.

    `parameters` (name -> shape, as exported) is only used for the hidden
    layers of the baseline, if the config does not specify them.
    """
    batch, channels, height, width = images_shape
    pixels = channels * height * width
    glimpse = config.get("model.glimpse")
    steps = config.get("model.steps")
    hidden = config.get("model.controller.hidden", 256)
    looks = appearance(config)
    decisions = decisions_per_step(config)
    window = Window(config).size
    feedback = config.get("model.controller.feedback", True)
    fed = window + looks.fed if feedback else 0
    shapes = {}

    def lstm(name, inputs, units):
        shapes[f"{name}.image.weight"] = (inputs, 4 * units)
        shapes[f"{name}.image.bias"] = (4 * units,)
        shapes[f"{name}.recurrent.weight"] = (fed + units, 4 * units)
        shapes[f"{name}.hidden"] = (units,)
        shapes[f"{name}.cell"] = (units,)

    def mlp(name, inputs, layers, outputs):
        for index, units in enumerate(layers):
            shapes[f"{name}.layers.{index}.weight"] = (inputs, units)
            shapes[f"{name}.layers.{index}.bias"] = (units,)
            inputs = units
        shapes[f"{name}.output.weight"] = (inputs, outputs)
        shapes[f"{name}.output.bias"] = (outputs,)

    embedding = config.sizes("model.controller.embedding", [])
    if embedding:
        mlp("controller.embedding", pixels, embedding[:-1], embedding[-1])
    lstm("controller", embedding[-1] if embedding else pixels, hidden)
    if feedback:
        shapes["controller.window"] = (window,)
        shapes["controller.appearance"] = (looks.fed,)
    mlp("head", hidden, config.sizes("model.head", [200]), 1 + 2 * window)
    refinement = config.sizes("model.window.refinement", [])
    if refinement:
        mlp("refinement", channels * glimpse ** 2, refinement, 2 * window)
    looks.declare(shapes, mlp, channels, glimpse)
    if config.get("model.background.name", "none") == "mlp":
        mlp("background", hidden, config.sizes("model.background.hidden"),
            pixels)
    prior = learned_prior(config)
    if prior:
        prior.declare(shapes, mlp)
    if needs_baseline(config, estimator):
        units = config.get("estimator.baseline.hidden", 256)
        lstm("baseline", pixels, units)
        layers = config.get("estimator.baseline.layers", None)
        if layers is None:
            layers, index = [], 0
            while f"baseline.layers.{index}.weight" in parameters:
                shape = parameters[f"baseline.layers.{index}.weight"]
                layers.append(shape[-1])
                index += 1
        else:
            layers = config.sizes("estimator.baseline.layers")
        mlp("baseline", units, layers, decisions)

    inputs = {f"parameters/{name}": shape for name, shape in shapes.items()}
    inputs["images"] = tuple(images_shape)
    if not prior:
        inputs["constants/presence_prior_log_odds"] = (steps,)
    if needs_baseline(config, estimator):
        inputs["constants/centering"] = (steps * decisions,)
    if estimator == "gumbel-softmax":
        inputs["constants/temperature"] = (1,)
    if "information" in regularizers(config):
        draws = regularizers(config)["information"]["patches_per_slot"]
        inputs["noise/information/0"] = (looks.slots * draws, looks.size)
    for t in range(steps):
        if not always_present(config):
            inputs[f"noise/presence/{t}"] = (batch,)
        inputs[f"noise/window/{t}"] = (batch, window)
        for node, shape in looks.noise(batch).items():
            inputs[f"noise/{node}/{t}"] = shape
    return inputs


# --------------------------------------------------------------------------
# Parts of the model
# --------------------------------------------------------------------------

def softplus(x):
    """log(1 + exp(x)) at full precision (torch's own is linear from 20 on)."""
    return torch.logaddexp(x, torch.zeros((), dtype=x.dtype))


def inverse_softplus(y):
    return y + math.log(-math.expm1(-y))


def mlp(parameters, name, x):
    """ReLU layers, then a linear output; weights are [inputs, outputs]."""
    index = 0
    while f"{name}.layers.{index}.weight" in parameters:
        x = torch.relu(x @ parameters[f"{name}.layers.{index}.weight"]
                       + parameters[f"{name}.layers.{index}.bias"])
        index += 1
    return (x @ parameters[f"{name}.output.weight"]
            + parameters[f"{name}.output.bias"])


def doubled(parameters, name, x):
    """Doubles rows and columns; the weight is [inputs, 4, 4, outputs]."""
    return F.conv_transpose2d(
        x, parameters[f"{name}.weight"].permute(0, 3, 1, 2),
        parameters[f"{name}.bias"], stride=2, padding=1)


def lstm_cell(gates, cell):
    """Gates in the order input, forget, cell, output."""
    i, f, g, o = gates.chunk(4, dim=1)
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def normal_kl(mean, deviation, prior_mean, prior_deviation):
    """KL(N(mean, deviation^2) || prior), summed over the last axis."""
    ratio = deviation / prior_deviation
    distance = (mean - prior_mean) / prior_deviation
    return (0.5 * (ratio ** 2 + distance ** 2 - 1)
            - torch.log(ratio)).sum(-1)


def bernoulli_kl(logits, prior_logits):
    """KL(Bern(sigmoid(l)) || Bern(sigmoid(l0)))."""
    return (torch.sigmoid(logits) * (logits - prior_logits)
            - softplus(logits) + softplus(prior_logits))


class Window:
    """The window latent u, its prior and the point map that u defines.

    Order of u: scale (one, or x and y), shift x, shift y, then rotation,
    shear and the free linear map (row by row) if the config has them.
    T^d = T_scale,shift T_rotation T_shear T_linear takes glimpse coordinates
    to canvas coordinates.
    """

    def __init__(self, config):
        def get(key, default=_REQUIRED):
            return config.get(f"model.window.{key}", default)

        self.scales = {"isotropic": 1, "anisotropic": 2}[config.choice(
            "model.window.scale", ("isotropic", "anisotropic"), "isotropic")]
        self.minimum, self.maximum = get("minimum", 0.1), get("maximum", 1.0)
        self.shift_maximum = get("shift_maximum", 1.0)
        self.rotation, self.shear = get("rotation", 0), get("shear", 0)
        self.is_linear = config.choice("model.window.linear",
                                       ("none", "full"), "none") == "full"
        extent = self.maximum - self.minimum
        share = (get("scale_prior.mean") - self.minimum) / extent
        means = [math.log(share) - math.log1p(-share)] * self.scales
        deviations = [get("scale_prior.deviation")
                      / (extent * share * (1 - share))] * self.scales
        for name, count in (("shift", 2), ("rotation", self.rotation > 0),
                            ("shear", self.shear > 0),
                            ("linear", 4 * self.is_linear)):
            means += [0.0] * count
            deviations += [get(f"{name}_prior.deviation", 1.0)] * count
        self.prior_mean = real(means)
        self.prior_deviation = real(deviations)
        self.size = len(means)

    def point_map(self, u):
        """u [B, D] -> the linear part [B, 2, 2] and the shift [B, 2]."""
        scale = (self.minimum + (self.maximum - self.minimum)
                 * torch.sigmoid(u[:, :self.scales])).expand(-1, 2)
        shift = self.shift_maximum * torch.tanh(
            u[:, self.scales:self.scales + 2])
        rest = iter(torch.tanh(u[:, self.scales + 2:]).unbind(1))
        matrix = torch.diag_embed(scale)
        zero, one = torch.zeros_like(u[:, 0]), torch.ones_like(u[:, 0])

        def times(*rows):
            return matrix @ torch.stack(rows, 1).reshape(-1, 2, 2)

        if self.rotation > 0:
            angle = self.rotation * next(rest)
            matrix = times(torch.cos(angle), -torch.sin(angle),
                           torch.sin(angle), torch.cos(angle))
        if self.shear > 0:
            matrix = times(one, self.shear * next(rest), zero, one)
        if self.is_linear:
            a, b, c, d = (0.4 * next(rest) for _ in range(4))
            matrix = times(1 + a, b, c, 1 + d)
        return matrix, shift


def sample(images, matrix, shift, height, width):
    """Bilinear, zero outside, at matrix (x, y) + shift of pixel centers."""
    theta = torch.cat([matrix, shift[:, :, None]], dim=2)
    grid = F.affine_grid(theta, (images.shape[0], images.shape[1], height,
                                 width), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear",
                         padding_mode="zeros", align_corners=False)


def hull(matrix, shift, height, width):
    """The bounding box of a window: center and size (x, y, w, h) in pixels."""
    pixels = real([width, height])
    return torch.cat([(shift + 1) / 2 * pixels,
                      matrix.abs().sum(2) * pixels], 1)


def inverse_map(matrix, shift):
    inverse = torch.linalg.inv(matrix)
    return inverse, -(inverse @ shift[:, :, None])[:, :, 0]


class Likelihood:
    """log p(image | canvas), summed over the pixels of an image."""

    def __init__(self, config, step):
        self.name = config.choice("model.likelihood.name",
                                  ("normal", "bernoulli"), "normal")
        self.deviation = config.get("model.likelihood.deviation", 0.3)
        self.epsilon = scheduled(
            config.get("model.likelihood.epsilon", 1e-6), step,
            "model.likelihood.epsilon")

    def __call__(self, images, canvas):
        if self.name == "normal":
            log_p = (-0.5 * ((images - canvas) / self.deviation) ** 2
                     - math.log(self.deviation)
                     - 0.5 * math.log(2 * math.pi))
        else:
            # Clipped on both sides.  The gradient is zero below the lower clip
            # and passes the upper clip unchanged.
            low, high = self.epsilon, 1 - self.epsilon
            clipped = canvas.detach().clamp(low, high)
            p = torch.where(canvas < low, clipped,
                            clipped + canvas - canvas.detach())
            log_p = images * torch.log(p) + (1 - images) * torch.log1p(-p)
        return log_p.flatten(1).sum(1)


# --------------------------------------------------------------------------
# One inference pass
# --------------------------------------------------------------------------

@dataclass
class Pass:
    """The results of the recurrent pass, which do not depend on presences.

    Everything that is fed forward treats earlier presences as 1.  Presences
    are therefore drawn (or summed over) after the pass.
    """

    logits: torch.Tensor         # [T, B] logits of presence, None if certain
    prior: torch.Tensor          # [T, B] log-odds, None if they are constants
    hulls: torch.Tensor          # [T, B, 4] of windows: centers, sizes (x, y)
    kls: dict                    # node -> [T, B], in causal order
    log_q: dict                  # discrete node -> log q of its sample
    posterior: dict              # discrete node -> [T, B, K]
    writes: torch.Tensor         # [T, B, C, H, W]
    background: torch.Tensor     # [B, C, H, W]
    baseline: torch.Tensor       # [T, B, decisions], None without one
    margin: float                # smallest lead of a hard category


class Categorical:
    """The sampling of a categorical node: hard (no temperature) or relaxed.

    Its temperatures are category_temperature and category_prior_temperature.
    If one of them is 0, the temperature of presence is used instead.
    """

    def __init__(self, config, estimator, step, constants):
        def at(key, default):
            return scheduled(config.get(f"estimator.{key}", default), step,
                             f"estimator.{key}")

        self.temperature, self.margin = None, math.inf
        if estimator != "nvil":
            self.temperature = at("category_temperature", 0)
            if self.temperature == 0:
                self.temperature = (
                    constants["temperature"].item()
                    if "temperature" in constants else at("temperature", 1))
            self.prior_temperature = at("category_prior_temperature", 0)
            if self.prior_temperature == 0:
                self.prior_temperature = at("prior_temperature", 1)
            self.kind = config.choice(
                "estimator.relaxed_kl", ("categorical", "density", "soft"),
                "categorical")
            self.is_hard = config.get("estimator.straight_through", False)

    def __call__(self, logits, uniforms):
        """-> sample [B, K], KL [B] from the uniform prior, and the choice:
        log q of a hard sample [B] (None of a relaxed one), posterior [B, K].
        """
        count = logits.shape[1]
        log_q = torch.log_softmax(logits, 1)
        shifted = logits - torch.log(-torch.log(uniforms))
        one_hot = F.one_hot(shifted.argmax(1), count).to(PRECISION)
        if self.temperature is None or self.is_hard:
            lead = shifted.detach().topk(2, 1).values
            self.margin = min(self.margin,
                              (lead[:, 0] - lead[:, 1]).min().item())
        closed = (log_q.exp() * (log_q + math.log(count))).sum(1)
        if self.temperature is None:
            return one_hot, closed, ((one_hot * log_q).sum(1), log_q.exp())
        y = torch.log_softmax(shifted / self.temperature, 1)
        soft = sample = y.exp()
        if self.is_hard:
            sample = one_hot + (soft - soft.detach())
        if self.kind == "categorical":
            kl = closed
        elif self.kind == "soft":
            kl = (sample * (log_q + math.log(count))).sum(1)
        else:
            def log_density(a, tau):
                b = a - tau * y
                return (math.lgamma(count) + (count - 1) * math.log(tau)
                        + b.sum(1) - count * torch.logsumexp(b, 1))

            kl = (log_density(log_q, self.temperature)
                  - log_density(torch.zeros_like(log_q),
                                self.prior_temperature))
        return sample, kl, (None, log_q.exp())


def infer(config, parameters, images, noise, with_baseline, categorical):
    """The recurrent pass.  noise: name -> tensor (`window/0`, ...)."""
    window = Window(config)
    batch, channels, height, width = images.shape
    glimpse = config.get("model.glimpse")
    steps = config.get("model.steps")
    looks = appearance(config)
    feedback = config.get("model.controller.feedback", True)
    difference = config.choice("model.controller.input",
                               ("image", "difference"), "image")
    glimpses = config.choice("model.controller.glimpse_source",
                             ("image", "difference"), "image")
    presence_bias = config.get("model.controller.presence_bias")
    start_deviation = inverse_softplus(
        config.get("model.window.initial_deviation"))
    has_embedding = bool(config.sizes("model.controller.embedding", []))
    has_refinement = bool(config.sizes("model.window.refinement", []))
    has_background = config.choice("model.background.name",
                                   ("none", "mlp"), "none") == "mlp"

    def start(name):
        return [parameters[f"{name}.{part}"].expand(batch, -1)
                for part in ("hidden", "cell")]

    def advance(name, seen, fed, state):
        """One LSTM step over the image part, the fed latents and h."""
        gates = (seen.flatten(1) @ parameters[f"{name}.image.weight"]
                 + parameters[f"{name}.image.bias"]
                 + torch.cat(fed + [state[0]], dim=1)
                 @ parameters[f"{name}.recurrent.weight"])
        return lstm_cell(gates, state[1])

    state = start("controller")
    fed = []
    if feedback:
        fed = [parameters[f"controller.{part}"].expand(batch, -1)
               for part in ("window", "appearance")]
    baseline_state = start("baseline") if with_baseline else None
    canvas = torch.zeros_like(images)  # canvas so far
    logits, writes, baseline = [], [], []
    prior = learned_prior(config)
    prior_state = prior.start(parameters, batch) if prior else None
    prior_logits, hulls = [], []
    kls = {node: [] for node in ("window",) + looks.kls}
    log_q = {node: [] for node in looks.discrete}
    posterior = {node: [] for node in looks.discrete}

    for t in range(steps):
        seen = images - canvas if difference == "difference" else images
        features = seen
        if has_embedding:
            features = torch.relu(mlp(parameters, "controller.embedding",
                                      seen.flatten(1)))
        state = advance("controller", features, fed, state)
        if with_baseline:
            baseline_state = advance(
                "baseline", seen.detach(), [x.detach() for x in fed],
                baseline_state)
            baseline.append(mlp(parameters, "baseline",
                                baseline_state[0]))

        head = mlp(parameters, "head", state[0])
        raw_logit, raw_mean, raw_deviation = head.split(
            [1, window.size, window.size], dim=1)
        logits.append(raw_logit[:, 0] + presence_bias)
        raw_deviation = raw_deviation + start_deviation
        source = images - canvas if glimpses == "difference" else images
        if has_refinement:  # the glimpse at the head's mean refines it
            seen_there = sample(source, *window.point_map(
                window.prior_mean + window.prior_deviation * raw_mean),
                glimpse, glimpse)
            more_mean, more_deviation = mlp(
                parameters, "refinement", seen_there.flatten(1)).chunk(2, 1)
            raw_mean = raw_mean + more_mean
            raw_deviation = raw_deviation + more_deviation
        mean = window.prior_mean + window.prior_deviation * raw_mean
        deviation = window.prior_deviation * softplus(raw_deviation)
        u = mean + deviation * noise[f"window/{t}"]
        prior_mean, prior_deviation = (window.prior_mean,
                                       window.prior_deviation)
        if prior:
            prior_logit, prior_mean, prior_deviation = prior(
                parameters, u, prior_state)
            prior_logits.append(prior_logit)
            prior_state = prior.advance(parameters, u, prior_state)
        kls["window"].append(normal_kl(mean, deviation, prior_mean,
                                       prior_deviation))

        matrix, shift = window.point_map(u)
        hulls.append(hull(matrix, shift, height, width))
        crop = sample(source, matrix, shift, glimpse, glimpse)
        decoded, latents, own_kls, choices = looks.explain(
            parameters, crop, noise, t, categorical)
        for node, kl in own_kls.items():
            kls[node].append(kl)
        for node, choice in choices.items():
            log_q[node].append(choice[0])
            posterior[node].append(choice[1])
        written = sample(decoded, *inverse_map(matrix, shift), height, width)
        writes.append(written)
        canvas = canvas + written
        if feedback:
            fed = [u, latents]

    background = torch.zeros_like(images)
    if has_background:  # Kosiorek 2017, eq. (11)
        background = torch.sigmoid(
            mlp(parameters, "background", state[0])
            + config.get("model.background.output_bias")
        ).reshape(images.shape)
    return Pass(None if always_present(config) else torch.stack(logits),
                torch.stack(prior_logits) if prior else None,
                torch.stack(hulls),
                {node: torch.stack(values) for node, values in kls.items()},
                {node: torch.stack(values) for node, values in log_q.items()
                 if values[0] is not None},
                {node: torch.stack(values)
                 for node, values in posterior.items()},
                torch.stack(writes), background,
                torch.stack(baseline) if with_baseline else None,
                categorical.margin if categorical else math.inf)


# --------------------------------------------------------------------------
# Estimators
# --------------------------------------------------------------------------

@dataclass
class Step:
    """The recomputed training step."""

    terms: dict            # name -> [B]
    shares: dict           # loss name -> contribution per image, [B]
    alive: torch.Tensor    # [T, B], mask of the KLs of an object
    own: dict              # regularizer per image -> [B]
    margin: float = None   # smallest |logit + L| that is thresholded
    common: dict = field(default_factory=dict)  # regularizer per batch
    balanced: float = 0.0  # weight of the balance times log K

    @property
    def losses(self):
        losses = {name: share.mean() for name, share in self.shares.items()}
        for penalty in self.common.values():
            losses["objective"] = losses["objective"] + penalty
        return losses

    @property
    def penalties(self):
        """Regularizer -> what it adds to the objective, [1]."""
        return {**{name: share.mean()[None]
                   for name, share in self.own.items()},
                **{name: penalty[None]
                   for name, penalty in self.common.items()}}


def reported(log_likelihood, presence_kl, kls, alive):
    """Terms by name, [B]; presence_kl and kls [T, B] with their masks.

    There is no presence_kl if presence is certain.
    """
    sums = {} if presence_kl is None else {"presence_kl": presence_kl.sum(0)}
    sums.update((f"{node}_kl", kl.sum(0)) for node, kl in kls.items())
    return {"log_likelihood": log_likelihood, **sums,
            "nelbo": sum(sums.values()) - log_likelihood,
            "count": alive.sum(0)}


def numbers_of(name, settings, step):
    """The scheduled numbers of a regularizer at a training step."""
    return {key: scheduled(value, step, f"regularizers: {name}.{key}")
            for key, value in settings.items()
            if key.endswith("weight") or key in ("smallest", "largest")}


def own_penalties(config, step, terms, found, images):
    """The regularizers per image: name -> [B]."""
    own = {}
    for name, settings in regularizers(config).items():
        if name == "kl_weights":
            own[name] = sum(
                (scheduled(weight, step, f"regularizers: {name}.{node}") - 1)
                * terms[f"{node}_kl"]
                for node, weight in settings.items()
                if f"{node}_kl" in terms)
        elif name == "overlap":
            numbers = numbers_of(name, settings, step)
            own[name] = overlap({**settings, **numbers}, numbers,
                                found.hulls, *images.shape[2:])
    return own


def log_q_of_counts(logits):
    """log q(n), n = 0 .. T, [T + 1, B]: n successes, then a failure (except
    at n = T)."""
    nothing = torch.zeros_like(logits[:1])
    return (torch.cat([nothing, F.logsigmoid(logits).cumsum(0)])
            + torch.cat([F.logsigmoid(-logits), nothing]))


def count_penalty(settings, weights, logits):
    """The penalty on counts, per image and per batch, that are not allowed.

    Xu et al. 2019, section 4.1: KL(most likely allowed count || q(n)),
    averaged over images, and KL(uniform over allowed counts || the batch's
    mean q(n)).  Both use the logits of the sampled path; the discrete samples
    get no score-function gradient.
    """
    allowed = sorted(set(settings["counts"]))
    log_q = log_q_of_counts(logits)[allowed]
    nearest = -log_q.amax(0).mean()
    frequency = torch.logsumexp(log_q, 1) - math.log(log_q.shape[1])
    unequal = -math.log(len(allowed)) - frequency.mean()
    return (weights["weight"] * torch.relu(nearest)
            + weights["frequency_weight"] * torch.relu(unequal))


def overlap(settings, weights, hulls, height, width):
    """F1 to F7 of Xu et al. 2019, section 4.2, weighted, [B]; hulls [T, B, 4].

    Pairs are ordered.  A window has two sizes, its width and its height; a
    penalty on the size is the mean over both.
    """
    center, size = hulls[..., :2], hulls[..., 2:]
    pixels = real([width, height])
    apart = (center[:, None] - center).abs()                 # [T, T, B, 2]
    inside = ((size[:, None] + size) / 2 - apart).amin(3)
    other = 1 - torch.eye(len(hulls), dtype=hulls.dtype)[:, :, None]
    f1 = (other * torch.relu(inside)).sum((0, 1))
    f2_to_5 = (torch.relu(size / 2 - center)
               + torch.relu(center + size / 2 - pixels)).sum((0, 2))
    f6 = (torch.relu(settings["smallest"] - size)
          + torch.relu(size - settings["largest"])).mean(2).sum(0)
    if settings["mean_size"]:
        f6 = f6 / len(hulls)
    unlike = (size[:, None] - size).abs() - settings["tolerance"]
    f7 = torch.relu(unlike).mean(3).sum((0, 1))
    return (weights["overlap_weight"] * f1
            + weights["inside_weight"] * f2_to_5
            + weights["size_weight"] * f6 + weights["likeness_weight"] * f7)


def balance(posterior, alive):
    """KL(uniform || mean posterior of the objects); [T, B, K] and [T, B]."""
    weight = alive.detach()
    if weight.sum() == 0:
        raise Unusable("regularizers: balance of a batch without an object")
    mean = (weight[:, :, None] * posterior).sum((0, 1)) / weight.sum()
    return (-math.log(len(mean))
            - torch.log(mean + SHARE_FLOOR).sum() / len(mean))


def masked(kls, alive):
    return {node: alive * kl for node, kl in kls.items()}


def alive_before(alive):
    """alive_(t-1) for every step t: 1, then alive without its last row."""
    return torch.cat([torch.ones_like(alive[:1]), alive[:-1]])


def logistic_noise(noise, steps):
    u = torch.stack([noise[f"presence/{t}"] for t in range(steps)])
    return torch.log(u) - torch.log1p(-u)


def probability_of_reaching(logits):
    """P(n >= t), t = 1 .. T, [T, B]: every trial up to t succeeded."""
    return torch.exp(F.logsigmoid(logits).cumsum(0))


def later(values):
    """Sum over steps s >= t, for every t."""
    return values.flip(0).cumsum(0).flip(0)


def prior_of_presence(found, constants):
    """Log-odds, [T, B] where they are learned, else [T, 1]."""
    if found.prior is not None:
        return found.prior
    return constants["presence_prior_log_odds"][:, None]


def nvil(config, found, images, noise, constants):
    """Score function with a learned baseline on hard presences."""
    likelihood = Likelihood(config, constants["step"])
    alive, margin = torch.ones_like(found.kls["window"]), found.margin
    presence_kl, causal, log_q = None, [], dict(found.log_q)
    if found.logits is not None:
        threshold = found.logits + logistic_noise(noise, len(found.logits))
        margin = min(threshold.abs().min().item(), margin)
        z = (threshold > 0).to(PRECISION)
        alive = z.cumprod(0)
        before = alive_before(alive)
        presence_kl = before * bernoulli_kl(
            found.logits, prior_of_presence(found, constants))
        causal = [("presence", presence_kl, before)]
        log_q["presence"] = (z * F.logsigmoid(found.logits)
                             + (1 - z) * F.logsigmoid(-found.logits))
    log_likelihood = likelihood(images, found.background + (
        alive[:, :, None, None, None] * found.writes).sum(0))
    kls = masked(found.kls, alive)
    terms = reported(log_likelihood, presence_kl, kls, alive)
    own = own_penalties(config, int(constants["step"]), terms, found, images)
    answerable = sum(own.values()) - log_likelihood
    # The terms that a decision can change: the reconstruction (and the
    # penalties of an image), all later steps, and later terms of its step.
    causal += [(node, kl, alive) for node, kl in kls.items()]
    whole_step = sum(kl for _, kl, _ in causal)
    objective, baseline_loss = terms["nelbo"] + sum(own.values()), 0.0
    decisions = [index for index, entry in enumerate(causal)
                 if entry[0] in log_q]
    for column, index in enumerate(decisions):
        node, _, mask = causal[index]
        cost = (answerable + later(whole_step) - whole_step
                + sum(kl for _, kl, _ in causal[index + 1:])).detach()
        center = constants["centering"].reshape(
            len(alive), len(decisions))[:, column, None]
        target, baseline = cost - center, found.baseline[:, :, column]
        mask = mask.detach()
        objective = objective + (mask * (target - baseline.detach())
                                 * log_q[node]).sum(0)
        baseline_loss = baseline_loss + (
            mask * (target - baseline) ** 2).sum(0)
    shares = {"objective": objective}
    if decisions:
        shares["baseline"] = baseline_loss
    return Step(terms, shares, alive, own,
                margin if math.isfinite(margin) else None)


def without_presences(config, found, images, constants):
    """Every step has an object: path-wise gradients without relaxation."""
    alive = torch.ones_like(found.kls["window"])
    log_likelihood = Likelihood(config, constants["step"])(
        images, found.background + found.writes.sum(0))
    terms = reported(log_likelihood, None, found.kls, alive)
    own = own_penalties(config, int(constants["step"]), terms, found, images)
    margin = found.margin if math.isfinite(found.margin) else None
    return Step(terms, {"objective": terms["nelbo"] + sum(own.values())},
                alive, own, margin)


def gumbel_softmax(config, found, images, noise, constants):
    """Relaxed presences (binary Concrete), path-wise gradient."""
    if found.logits is None:
        return without_presences(config, found, images, constants)
    likelihood = Likelihood(config, constants["step"])
    logits = found.logits
    prior = prior_of_presence(found, constants)
    temperature = constants["temperature"]
    threshold = logits + logistic_noise(noise, len(logits))
    y = threshold / temperature
    z, margin = torch.sigmoid(y), None
    if config.get("estimator.straight_through", False):
        hard = (threshold > 0).to(PRECISION)
        z = hard + (z - z.detach())
        margin = threshold.abs().min().item()
    alive = z.cumprod(0)
    before = alive_before(alive)

    kind = config.choice("estimator.relaxed_kl",
                         ("categorical", "density", "soft"), "categorical")
    if kind == "categorical":
        presence_kl = bernoulli_kl(logits, prior)
    elif kind == "soft":
        presence_kl = (
            z * (F.logsigmoid(logits) - F.logsigmoid(prior))
            + (1 - z) * (F.logsigmoid(-logits) - F.logsigmoid(-prior)))
    else:
        def log_density(a, tau):
            shifted = a - tau * y
            return math.log(tau) + shifted - 2 * softplus(shifted)

        cooled = scheduled(config.get("estimator.prior_temperature"),
                           int(constants["step"]),
                           "estimator.prior_temperature")
        presence_kl = (log_density(logits, temperature.item())
                       - log_density(prior, cooled))
    log_likelihood = likelihood(images, found.background + (
        alive[:, :, None, None, None] * found.writes).sum(0))
    terms = reported(log_likelihood, before * presence_kl,
                     masked(found.kls, alive), alive)
    own = own_penalties(config, int(constants["step"]), terms, found, images)
    if margin is not None:
        margin = min(margin, found.margin)
    return Step(terms, {"objective": terms["nelbo"] + sum(own.values())},
                alive, own, margin)


def marginal(config, found, images, noise, constants):
    """The exact sum over the T + 1 counts, one nested canvas for each."""
    if found.logits is None:
        return without_presences(config, found, images, constants)
    likelihood = Likelihood(config, constants["step"])
    logits = found.logits
    prior = prior_of_presence(found, constants)
    q = log_q_of_counts(logits).exp()
    reached = probability_of_reaching(logits)
    before = alive_before(reached)
    canvas, log_likelihood = found.background, 0.0
    for n in range(len(q)):
        if n > 0:
            canvas = canvas + found.writes[n - 1]
        log_likelihood = log_likelihood + q[n] * likelihood(images, canvas)
    terms = reported(log_likelihood, before * bernoulli_kl(logits, prior),
                     masked(found.kls, reached), reached)
    own = own_penalties(config, int(constants["step"]), terms, found, images)
    return Step(terms, {"objective": terms["nelbo"] + sum(own.values())},
                reached, own)


ESTIMATORS = {"nvil": nvil, "gumbel-softmax": gumbel_softmax,
              "marginal": marginal}


def recompute(config, estimator, step, parameters, images, noise, constants):
    """Recompute one training step: (Step, name -> gradient, None if unused).

    All tensors are float64; parameters are leaves that require gradients.
    """
    found = infer(config, parameters, images, noise,
                  needs_baseline(config, estimator),
                  Categorical(config, estimator, step, constants))
    result = ESTIMATORS[estimator](config, found, images, noise,
                                   {**constants, "step": step})
    looks = appearance(config)
    for name, settings in regularizers(config).items():
        if name == "information":
            result.common[name] = -settings["gamma"] * looks.information(
                parameters, noise["information/0"])
        elif name == "count":
            result.common[name] = count_penalty(
                settings, numbers_of(name, settings, step), found.logits)
        elif name == "balance":
            posterior = found.posterior[looks.discrete[0]]
            weight = scheduled(settings["weight"], step,
                               "regularizers: balance.weight")
            result.common[name] = weight * balance(posterior, result.alive)
            result.balanced = weight * math.log(posterior.shape[2])
    gradients = torch.autograd.grad(sum(result.losses.values()),
                                    list(parameters.values()),
                                    allow_unused=True)
    gradients = dict(zip(parameters, gradients))
    if always_present(config):  # the prior of presences is not needed
        for name in parameters:
            if name.startswith("prior.presence."):
                gradients[name] = torch.zeros_like(parameters[name])
    return result, gradients


def recompute_export(export):
    """Recompute the training step of an export, using only its inputs."""
    def reals(prefix):
        return {name: real(values)
                for name, values in export.under(prefix).items()}

    parameters = reals("parameters/")
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    return recompute(export.config, export.estimator, export.step,
                     parameters, real(export.tensors["images"]),
                     reals("noise/"), reals("constants/"))


# --------------------------------------------------------------------------
# Comparison
# --------------------------------------------------------------------------

class Comparison:
    """Collects the rows of the table and the differences."""

    def __init__(self, verbose=False):
        self.rows, self.problems, self.verbose = [], [], verbose
        self.margin = None

    def problem(self, text):
        self.problems.append(text)

    def row(self, name, norm, error, tolerance, detail=""):
        passed = error <= tolerance  # false for NaN
        self.rows.append((name, norm, error, passed, detail))
        if not passed:
            self.problem(f"{name}: relative error {error:.2e} is above "
                         f"{tolerance:.0e}")

    def values(self, name, exported, recomputed, scale=0.0, least=0.0):
        """Compare per image, relative to the term or its root mean square.

        A log-likelihood is the difference of two large numbers, so for some
        image it may be so close to 0 that float32 has no digits left.
        """
        a = np.asarray(exported, dtype=np.float64).ravel()
        b = np.asarray(recomputed, dtype=np.float64).ravel()
        scale = max(scale, np.abs(b).max())
        usual = math.sqrt(np.mean(b * b)) if b.size > 1 else 0.0
        allowed = np.maximum(np.abs(b), max(usual, TERM_FLOOR * scale, least))
        errors = np.abs(a - b)
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = np.where(errors == 0, 0.0, errors / allowed)
        worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
        self.row(name, np.linalg.norm(b), errors[worst], TERM_TOLERANCE,
                 f"[{worst}] {a[worst]:.9g}, here {b[worst]:.9g}")

    def gradient(self, name, exported, recomputed, whole):
        a = np.asarray(exported, dtype=np.float64)
        norm = np.linalg.norm(recomputed)
        error = np.linalg.norm(a - recomputed)
        if error != 0:
            allowed = max(norm, GRADIENT_FLOOR * whole)
            error = error / allowed if allowed > 0 else math.inf
        worst = np.unravel_index(np.argmax(np.abs(a - recomputed)), a.shape)
        self.row(name, norm, error, GRADIENT_TOLERANCE,
                 f"{list(map(int, worst))} {a[worst]:.9g}, "
                 f"here {recomputed[worst]:.9g}")

    def show(self):
        width = max([len(row[0]) for row in self.rows], default=4)
        print(f"{'name':<{width}}  {'norm':>12}  {'rel. error':>10}")
        for name, norm, error, passed, detail in self.rows:
            line = f"{name:<{width}}  {norm:12.6g}  {error:10.2e}"
            if not passed:
                line += "  OUTSIDE"
            if self.verbose or not passed:
                line += f"  worst {detail}"
            print(line)
        if self.margin is not None and (self.verbose or self.problems):
            print("closest presence to its threshold: "
                  f"|logit + L| = {self.margin:.2e}")
        for text in self.problems:
            print(f"FAILED  {text}")


def check_structure(export, comparison):
    """Check that exactly the expected tensors exist, with the right shapes."""
    tensors = export.tensors
    if "images" not in tensors or tensors["images"].ndim != 4:
        raise Missing("images [B, C, H, W] is missing or of another rank")
    batch = tensors["images"].shape[0]
    parameters = {name: values.shape
                  for name, values in export.under("parameters/").items()}
    expected = expected_inputs(export.config, export.estimator,
                               tensors["images"].shape, parameters)
    optional = set()
    if export.estimator == "marginal":
        optional = {name for name in expected
                    if name.startswith("noise/presence/")}
    needed = [name for name in expected
              if name not in tensors and name not in optional]
    for name in list(expected):
        if name.startswith("parameters/"):
            gradient = "gradients/" + name.removeprefix("parameters/")
            expected[gradient] = expected[name]
    for name in term_names(export.config):
        expected[f"terms/{name}"] = (batch,)
    for name in loss_names(export.config, export.estimator):
        expected[f"loss/{name}"] = (1,)
    for name in regularizers(export.config):
        expected[f"constants/penalty/{name}"] = (1,)

    for name in sorted(expected):
        if name not in tensors:
            if name not in optional:
                comparison.problem(f"{name}: missing, expected "
                                   f"{list(expected[name])}")
        elif tensors[name].shape != tuple(expected[name]):
            comparison.problem(f"{name}: shape {list(tensors[name].shape)}, "
                               f"expected {list(expected[name])}")
            needed.append(name)
    for name in sorted(tensors):
        if name not in expected:
            comparison.problem(f"{name}: extra, not part of this step")
        if not np.isfinite(tensors[name]).all():
            comparison.problem(f"{name}: not finite")
    if needed:
        raise Missing(f"not recomputed, for want of {', '.join(needed)}")


def compare(export, verbose=False):
    """Recompute the step of an export and compare everything: a Comparison."""
    comparison = Comparison(verbose)
    config = export.config
    refuse_unknown_parts(config)
    try:
        check_structure(export, comparison)
    except Missing as error:
        comparison.problem(str(error))
        return comparison
    tensors = export.tensors

    if "constants/presence_prior_log_odds" in tensors:
        comparison.values("constants/presence_prior_log_odds",
                          tensors["constants/presence_prior_log_odds"],
                          prior_log_odds(config, export.step))
    if export.estimator == "gumbel-softmax":
        comparison.values(
            "constants/temperature", tensors["constants/temperature"],
            [scheduled(config.get("estimator.temperature"), export.step,
                       "estimator.temperature")])
    if (needs_baseline(config, export.estimator)
            and config.get("estimator.centering", None) is False
            and tensors["constants/centering"].any()):
        comparison.problem("constants/centering: not zero, though "
                           "estimator.centering is false")

    result, gradients = recompute_export(export)
    whole_bound = result.terms["nelbo"].detach().square().mean().sqrt().item()
    for name, values in result.terms.items():
        if f"terms/{name}" in tensors:
            comparison.values(f"terms/{name}", tensors[f"terms/{name}"],
                              values.detach().numpy(),
                              least=1e-4 * whole_bound)
    for name, penalty in result.penalties.items():
        if f"constants/penalty/{name}" in tensors:
            share = result.own.get(name, penalty).detach()
            comparison.values(f"constants/penalty/{name}",
                              tensors[f"constants/penalty/{name}"],
                              penalty.detach().numpy(),
                              scale=share.abs().max().item(),
                              least=(BALANCE_FLOOR * result.balanced
                                     if name == "balance" else 0.0))
    for name, loss in result.losses.items():
        if f"loss/{name}" in tensors:
            comparison.values(
                f"loss/{name}", tensors[f"loss/{name}"], [loss.item()],
                scale=result.shares[name].abs().max().item())
    for name, gradient in gradients.items():
        if gradient is None:
            comparison.problem(f"parameters/{name}: no loss depends on it")
    known = {name: gradient.numpy() for name, gradient in gradients.items()
             if gradient is not None}
    whole = math.sqrt(sum((g ** 2).sum() for g in known.values()))
    for name, gradient in known.items():
        if f"gradients/{name}" in tensors:
            comparison.gradient(f"gradients/{name}",
                                tensors[f"gradients/{name}"], gradient,
                                whole)
    comparison.margin = result.margin
    return comparison


# --------------------------------------------------------------------------
# Self-test
# --------------------------------------------------------------------------

SMALL = {
    "model": {
        "name": "air", "steps": 3, "glimpse": 6,
        "controller": {"hidden": 8, "input": "image", "embedding": [],
                       "feedback": True, "presence_bias": 0.75,
                       "glimpse_source": "image"},
        "head": [7],
        "window": {"scale": "isotropic", "minimum": 0.1, "maximum": 1.0,
                   "scale_prior": {"mean": 0.33, "deviation": 0.03},
                   "shift_prior": {"deviation": 1.0}, "shift_maximum": 1.0,
                   "initial_deviation": 0.2},
        "appearance": {"name": "gaussian", "size": 5, "encoder": [9],
                       "decoder": [6, 7], "output_bias": -2},
        "prior": {"name": "independent", "count": {
            "name": "truncated_geometric",
            "ratio": {"schedule": "exponential", "from": 1e-2, "to": 1e-9,
                      "begin": 1000, "end": 6000}}},
        "likelihood": {"name": "normal", "deviation": 0.3},
        "background": {"name": "none"},
    },
    "regularizers": [],
    "estimator": {"name": "nvil", "baseline": {"hidden": 6}},
}

CATEGORY = {"name": "category", "categories": 4, "attributes": 2,
            "encoder": [9], "template": [6], "modifier": [5], "kernel": 3,
            "combination": "additive", "output_bias": -2}

MEMORY = {"name": "memory", "slots": 4, "slot_size": 5, "noise": 3,
          "address": [7, 6], "encoder": [8], "prior": [6],
          "generator": [6, 7], "output_bias": -2}

INFORMATION = [{"name": "information", "gamma": 0.7, "patches_per_slot": 2}]

BALANCE = [{"name": "balance", "weight": 3}]

KL_WEIGHTS = [{"name": "kl_weights", "presence": 30, "window": 0.5,
               "appearance": 2, "category": 0, "slot": 3, "noise": {
                   "schedule": "linear", "from": 0.2, "to": 1.0, "begin": 0,
                   "end": 5000}}]

LEARNED = {"name": "recurrent", "hidden": 5, "head": [4]}

COUNT = [{"name": "count", "counts": [3, 1], "weight": 7,
          "frequency_weight": {"schedule": "linear", "from": 20, "to": 10,
                               "begin": 0, "end": 5000}}]

OVERLAP = [{"name": "overlap", "smallest": 6.8, "largest": 6.9,
            "tolerance": 0.1, "overlap_weight": 2, "inside_weight": 3,
            "likeness_weight": 0.5, "size_weight": {
                "schedule": "linear", "from": 4, "to": 0, "begin": 0,
                "end": 5000}}]

LARGE = {"scale_prior": {"mean": 0.7, "deviation": 0.2}}

TURNED = {"scale": "anisotropic", "rotation": 1.2, "shear": 0.6}

GUMBEL = {"name": "gumbel-softmax", "temperature": 0.7,
          "prior_temperature": 0.5}

VARIANTS = {
    "nvil": {},
    "nvil, difference": {"model": {"controller": {
        "input": "difference", "glimpse_source": "difference"}}},
    "nvil, no feedback": {"model": {"controller": {"feedback": False}}},
    "nvil, geometric": {"model": {"prior": {"count": {
        "name": "geometric", "success": {
            "schedule": "linear", "from": 0.5, "to": 1e-5, "begin": 0,
            "end": 4000}}}}},
    "nvil, anisotropic, rotation, shear": {"model": {"window": {
        "scale": "anisotropic", "rotation": 1.2, "shear": 0.6}}},
    "nvil, linear, embedding": {"model": {
        "window": {"linear": "full", "rotation": 0.5},
        "controller": {"embedding": [8, 5]}}},
    "nvil, bernoulli, background": {"model": {
        "likelihood": {"name": "bernoulli", "epsilon": 1e-6},
        "background": {"name": "mlp", "hidden": [5], "output_bias": -2}}},
    "gumbel-softmax, categorical": {"estimator": {
        **GUMBEL, "relaxed_kl": "categorical"}},
    "gumbel-softmax, density": {"estimator": {
        **GUMBEL, "relaxed_kl": "density"}},
    "gumbel-softmax, soft, straight-through": {"estimator": {
        **GUMBEL, "relaxed_kl": "soft", "straight_through": True,
        "temperature": {"schedule": "cosine", "from": 1.0, "to": 0.4,
                        "begin": 0, "end": 5000}}},
    "nvil, category": {"model": {"appearance": CATEGORY}},
    "nvil, category alone": {"model": {"appearance": {
        **CATEGORY, "attributes": 0}}},
    "gumbel-softmax, category, soft": {
        "model": {"appearance": CATEGORY},
        "estimator": {**GUMBEL, "relaxed_kl": "soft"}},
    "gumbel-softmax, multiplicative, density": {
        "model": {"appearance": {**CATEGORY,
                                 "combination": "multiplicative"}},
        "estimator": {**GUMBEL, "relaxed_kl": "density"}},
    "gumbel-softmax, convolutional, straight-through": {
        "model": {"appearance": {**CATEGORY,
                                 "combination": "convolutional"}},
        "estimator": {**GUMBEL, "straight_through": True}},
    "marginal, category": {"model": {"appearance": CATEGORY},
                           "estimator": {"name": "marginal"}},
    "nvil, memory": {"model": {"appearance": MEMORY},
                     "regularizers": INFORMATION},
    "gumbel-softmax, memory, density": {
        "model": {"appearance": MEMORY, "window": {"scale": "anisotropic"}},
        "regularizers": INFORMATION,
        "estimator": {**GUMBEL, "relaxed_kl": "density",
                      "category_temperature": {
                          "schedule": "linear", "from": 1.0, "to": 0.5,
                          "begin": 0, "end": 5000},
                      "category_prior_temperature": 0.8}},
    "gumbel-softmax, memory, soft, straight-through, bernoulli": {
        "model": {"appearance": MEMORY, "likelihood": {
            "name": "bernoulli", "epsilon": 1e-6}},
        "estimator": {**GUMBEL, "relaxed_kl": "soft",
                      "category_temperature": 0.9,
                      "straight_through": True}},
    "marginal, memory, difference": {
        "model": {"appearance": MEMORY,
                  "controller": {"input": "difference"}},
        "regularizers": [{"name": "information"}],
        "estimator": {"name": "marginal", "temperature": 0.7,
                      "category_temperature": 0.9,
                      "relaxed_kl": "density",
                      "category_prior_temperature": 0.4}},
    "marginal": {"estimator": {"name": "marginal"}},
    "marginal, difference, background, embedding": {
        "model": {"controller": {"input": "difference", "embedding": [6]},
                  "background": {"name": "mlp", "hidden": [],
                                 "output_bias": -2}},
        "estimator": {"name": "marginal"}},
    "nvil, refinement, difference, weights of KLs": {
        "model": {"window": {"refinement": [6], "rotation": 1.2},
                  "controller": {"input": "difference",
                                 "glimpse_source": "difference"}},
        "regularizers": KL_WEIGHTS},
    "nvil, category, balance, weights of KLs": {
        "model": {"appearance": CATEGORY},
        "regularizers": BALANCE + KL_WEIGHTS,
        "estimator": {"centering": True}},
    "gumbel-softmax, refinement, linear, category, balance": {
        "model": {"appearance": CATEGORY, "window": {
            "refinement": [6, 5], "linear": "full"}},
        "regularizers": [{"name": "balance", "weight": {
            "schedule": "cosine", "from": 10, "to": 1, "begin": 0,
            "end": 5000}}],
        "estimator": {**GUMBEL, "relaxed_kl": "soft"}},
    "gumbel-softmax, memory, straight-through, three regularizers": {
        "model": {"appearance": MEMORY, "window": {"refinement": [6]}},
        "regularizers": KL_WEIGHTS + BALANCE + INFORMATION,
        "estimator": {**GUMBEL, "relaxed_kl": "soft",
                      "straight_through": True}},
    "gumbel-softmax, upsampled twice, multiplicative": {
        "model": {"glimpse": 8, "appearance": {
            **CATEGORY, "upsampling": [3, 4],
            "combination": "multiplicative"}},
        "estimator": {**GUMBEL, "relaxed_kl": "density"}},
    "marginal, upsampled, refinement, balance, weights of KLs": {
        "model": {"window": {"refinement": [6]}, "appearance": {
            **CATEGORY, "upsampling": [4], "attributes": 0}},
        "regularizers": BALANCE + KL_WEIGHTS,
        "estimator": {"name": "marginal"}},
    "marginal, memory, refinement, balance": {
        "model": {"appearance": MEMORY, "window": {"refinement": [6]}},
        "regularizers": BALANCE, "estimator": {"name": "marginal"}},
    "nvil, learned prior, count": {
        "model": {"prior": LEARNED}, "regularizers": COUNT},
    "gumbel-softmax, learned prior, turned, density, count": {
        "model": {"prior": LEARNED, "window": TURNED},
        "regularizers": COUNT,
        "estimator": {**GUMBEL, "relaxed_kl": "density"}},
    "marginal, learned prior, no feedback, count, weights of KLs": {
        "model": {"prior": LEARNED, "controller": {"feedback": False}},
        "regularizers": COUNT + KL_WEIGHTS,
        "estimator": {"name": "marginal"}},
    "nvil, always, learned prior, overlap": {
        "model": {"prior": LEARNED, "presence": "always", "window": LARGE},
        "regularizers": OVERLAP},
    "nvil, always, memory, overlap, balance": {
        "model": {"appearance": MEMORY, "presence": "always",
                  "window": LARGE},
        "regularizers": OVERLAP + BALANCE},
    "gumbel-softmax, always, turned, category, overlap": {
        "model": {"prior": LEARNED, "presence": "always",
                  "window": {**LARGE, **TURNED}, "appearance": CATEGORY},
        "regularizers": [{**OVERLAP[0], "mean_size": True}],
        "estimator": {**GUMBEL, "straight_through": True}},
    "marginal, always, anisotropic, overlap": {
        "model": {"presence": "always",
                  "window": {**LARGE, "scale": "anisotropic"}},
        "regularizers": OVERLAP, "estimator": {"name": "marginal"}},
}


def merged(base, changes):
    """Merge sections by key; a changed `name` replaces its section."""
    result = dict(base)
    for key, value in changes.items():
        old = base.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and (
                value.get("name", old.get("name")) == old.get("name")):
            value = merged(old, value)
        result[key] = value
    return result


def synthetic_export(changes, seed, batch=4):
    """Random inputs in the format of an export, with this script's results."""
    random = np.random.default_rng(seed)
    text = yaml.safe_dump(merged(SMALL, changes))
    config = Config(text)
    estimator = config.get("estimator.name")
    export = Export({"config": text, "estimator": estimator, "step": "2500"},
                    {})
    # A baseline with one hidden layer, which only its weight reveals.
    units = config.get("estimator.baseline.hidden", 0)
    layers = {"baseline.layers.0.weight": (units, 4)}
    shapes = expected_inputs(config, estimator, (batch, 1, 11, 9), layers)
    tensors = export.tensors
    for name, shape in shapes.items():
        values = random.normal(size=shape)
        if name.startswith("parameters/"):
            values *= 0.3 if len(shape) == 1 else 1.5 / math.sqrt(shape[0])
            if ".image." in name:
                values *= 0.3
        elif name == "images" or name.startswith(
                ("noise/presence/", "noise/category/", "noise/slot/")):
            values = random.uniform(0.02, 0.98, size=shape)
        elif name == "constants/presence_prior_log_odds":
            values = prior_log_odds(config, export.step)
        elif name == "constants/temperature":
            values = [scheduled(config.get("estimator.temperature"),
                                export.step, "estimator.temperature")]
        elif name == "constants/centering":
            values *= 10
        tensors[name] = np.array(values, dtype=np.float32)
    result, gradients = recompute_export(export)
    for name, penalty in result.penalties.items():
        tensors[f"constants/penalty/{name}"] = penalty.detach().numpy()
    for name, values in result.terms.items():
        tensors[f"terms/{name}"] = values.detach().numpy()
    for name, loss in result.losses.items():
        tensors[f"loss/{name}"] = np.array([loss.item()])
    for name, gradient in gradients.items():
        tensors[f"gradients/{name}"] = gradient.numpy()
    export.tensors = {name: np.asarray(values, dtype=np.float32)
                      for name, values in tensors.items()}
    return export


def damaged(export):
    """(description, export) for damages that the comparison must detect."""
    def changed(name, change):
        tensors = dict(export.tensors)
        change(tensors, name)
        return Export(export.metadata, tensors)

    def scale(factor):
        def apply(tensors, name):
            tensors[name] = tensors[name] * np.float32(factor)
        return apply

    def shift_one(tensors, name):
        values = tensors[name].copy()
        size = np.linalg.norm(values) or 1.0
        values.flat[values.size // 2] += np.float32(3e-4 * size)
        tensors[name] = values

    def poison(tensors, name):
        values = tensors[name].copy()
        values.flat[0] = np.nan
        tensors[name] = values

    def drop(tensors, name):
        del tensors[name]

    def reshape(tensors, name):
        tensors[name] = tensors[name][None]

    def invent(tensors, name):
        tensors[name] = np.zeros(3, dtype=np.float32)

    def reconfigured(changes):
        text = yaml.safe_dump(merged(export.config.tree, changes))
        return Export({**export.metadata, "config": text}, export.tensors)

    for name in export.tensors:
        if name.startswith("gradients/"):
            yield f"one element of {name}", changed(name, shift_one)
            yield f"{name} dropped", changed(name, drop)
        elif name.startswith(("terms/", "loss/", "constants/penalty/")):
            size = 3e-4 if name.endswith("/balance") else 3e-5
            yield f"{name} by {size:.0e}", changed(name, scale(1 + size))
            yield f"{name} dropped", changed(name, drop)
            yield f"{name} not a number", changed(name, poison)
        elif name.startswith(("parameters/", "noise/information/")):
            yield f"{name} dropped", changed(name, drop)
    for name in ("category_temperature", "category_prior_temperature"):
        if export.config.get(f"estimator.{name}", 0) != 0:
            yield f"other config: {name}", reconfigured(
                {"estimator": {name: 0}})
    settings = export.config.get("regularizers", [])
    for index, own in enumerate(settings):
        others = settings[:index] + settings[index + 1:]
        for key, value in {
                "information": {"gamma": 0.6}, "balance": {"weight": 2.9},
                "kl_weights": {"window": 0.4},
                "count": {"counts": [3, 2], "weight": 6,
                          "frequency_weight": 14},
                "overlap": {"smallest": 6.6, "largest": 7.1,
                            "tolerance": 0.2, "overlap_weight": 2.1,
                            "inside_weight": 2.9, "size_weight": 2.1,
                            "likeness_weight": 0.4,
                            "mean_size": not own.get("mean_size", False)},
        }[own["name"]].items():
            yield f"other config: {key} of {own['name']}", reconfigured(
                {"regularizers": others + [{**own, key: value}]})
        yield f"other config: no {own['name']}", reconfigured(
            {"regularizers": others})
    for section, name in (("window", "refinement"),
                          ("appearance", "upsampling")):
        sizes = export.config.sizes(f"model.{section}.{name}", [])
        for others in (sizes[1:], [2] + sizes[1:]) if sizes else ():
            yield f"other config: {name} {others}", reconfigured(
                {"model": {section: {name: others}}})
    name = "constants/presence_prior_log_odds"
    if name in export.tensors:
        yield f"{name} by 3e-5", changed(name, scale(1 + 3e-5))
    yield "presence logits' bias", changed(
        "parameters/head.output.bias", shift_one)
    yield "images transposed", changed("images", reshape)
    for name in ("parameters/head.layers.9.weight", "terms/other",
                 "gradients/other", "loss/other", "other"):
        yield f"{name} added", changed(name, invent)


def check_marginal_identities(seed, changes):
    """Identities between the estimators, checked by enumeration.

    The expectation of NVIL's gradient over the counts is the gradient of the
    marginal estimator, with any baseline and any regularizers.  The analytic
    presence KLs add up to KL(q(n) || p(n)).  Returns both relative errors.
    """
    export = synthetic_export(changes, seed, batch=1)
    config = export.config
    steps = config.get("model.steps")

    def reals(prefix):
        return {name: real(values)
                for name, values in export.under(prefix).items()}

    parameters, noise = reals("parameters/"), reals("noise/")
    constants, images = reals("constants/"), real(
        export.tensors["images"])
    if "presence_prior_log_odds" in constants:
        constants["presence_prior_log_odds"] = real(
            prior_log_odds(config, export.step))
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    exact, expected = recompute(config, "marginal", export.step, parameters,
                                images, noise, constants)
    found = infer(config, parameters, images, noise, False, None)

    def counts(log_odds):  # P(n), n = 0 .. T
        trials = torch.sigmoid(log_odds.detach()[:, 0]).tolist()
        return [math.prod(trials[:n]) * (1 - trials[n] if n < steps else 1.0)
                for n in range(steps + 1)]

    q = counts(found.logits)

    average = {name: torch.zeros_like(p) for name, p in parameters.items()}
    for n in range(steps + 1):
        for t in range(steps):  # noise that forces n objects
            noise[f"presence/{t}"] = torch.full(
                (1,), 1 - 1e-15 if t < n else 1e-15, dtype=torch.float64)
        _, gradients = recompute(config, "nvil", export.step, parameters,
                                 images, noise, constants)
        for name, gradient in gradients.items():
            average[name] += q[n] * gradient
    difference = norm = 0.0
    for name, gradient in expected.items():
        if not name.startswith("baseline."):
            difference += ((average[name] - gradient) ** 2).sum().item()
            norm += (gradient ** 2).sum().item()

    if found.prior is not None:
        p = counts(found.prior)
    else:
        ratio = scheduled(config.get("model.prior.count.ratio"), export.step,
                          "")
        p = [ratio ** n for n in range(steps + 1)]
    divergence = sum(a * math.log(a * sum(p) / b) for a, b in zip(q, p))
    presence_kl = exact.terms["presence_kl"].item()
    return (math.sqrt(difference / norm),
            abs(presence_kl - divergence) / divergence)


def check_slot_identities(seed, changes):
    """NVIL's gradient with memory slots, checked by enumeration.

    Its expectation over the counts and the slots of all steps is the gradient
    of the expected nELBO plus the regularizers per image.  Returns the
    relative error, and the difference of the probabilities' sum from 1.
    """
    export = synthetic_export(merged(changes, {"model": {
        **changes.get("model", {}), "steps": 2,
        "appearance": {**MEMORY, "slots": 3}}}), seed, batch=1)
    config = export.config
    steps, count = config.get("model.steps"), 3

    def reals(prefix):
        return {name: real(values)
                for name, values in export.under(prefix).items()}

    parameters, noise = reals("parameters/"), reals("noise/")
    constants = {**reals("constants/"), "step": export.step}
    images = real(export.tensors["images"])
    for parameter in parameters.values():
        parameter.requires_grad_(True)

    def forced(yes):  # uniforms that decide for any logits
        return torch.tensor([1 - 1e-15 if y else 1e-15 for y in yes],
                            dtype=torch.float64)

    expected = averaged = total = 0.0
    certain = always_present(config)
    for n in [steps] if certain else range(steps + 1):
        for slots in itertools.product(range(count), repeat=steps):
            for t, slot in enumerate(slots):
                noise[f"presence/{t}"] = forced([t < n])
                noise[f"slot/{t}"] = forced(
                    [k == slot for k in range(count)])[None]
            found = infer(config, parameters, images, noise, True,
                          Categorical(config, "nvil", export.step, constants))
            result = nvil(config, found, images, noise, constants)
            log_q = found.log_q["slot"].sum()
            if not certain:
                log_q = (log_q + F.logsigmoid(found.logits[:n]).sum()
                         + F.logsigmoid(-found.logits[n:n + 1]).sum())
            probability = torch.exp(log_q)
            expected = expected + probability * (
                result.terms["nelbo"] + sum(result.own.values())).sum()
            averaged = (averaged + probability.detach()
                        * result.losses["objective"])
            total += probability.item()
    difference = norm = 0.0
    others = ("baseline.",) + ("prior.presence.",) * certain
    weights = [parameter for name, parameter in parameters.items()
               if not name.startswith(others)]
    for exact, score in zip(
            torch.autograd.grad(expected, weights, retain_graph=True),
            torch.autograd.grad(averaged, weights)):
        difference += ((exact - score) ** 2).sum().item()
        norm += (exact ** 2).sum().item()
    return math.sqrt(difference / norm), abs(total - 1)


def slope_error(f, x, random):
    """Compare f's gradient at x along a random direction with differences.

    Returns the relative error.  x, and the argument of f, is a list of
    tensors that require gradients.
    """
    way = [real(random.normal(size=values.shape)) for values in x]
    slope = sum((gradient * part).sum().item() for gradient, part in zip(
        torch.autograd.grad(f(x), x, allow_unused=True), way)
        if gradient is not None)
    with torch.no_grad():
        ahead, behind = (f([values + h * part for values, part
                            in zip(x, way)]).item() for h in (1e-6, -1e-6))
    return abs((ahead - behind) / 2e-6 - slope) / abs(slope)


def check_slope(name, seed):
    """Check the gradient of a whole variant's objective by differences."""
    export = synthetic_export(VARIANTS[name], seed)

    def reals(prefix):
        return {name: real(values)
                for name, values in export.under(prefix).items()}

    names = list(reals("parameters/"))

    def objective(values):
        leaves = [value.detach().requires_grad_(True) for value in values]
        result, gradients = recompute(
            export.config, export.estimator, export.step,
            dict(zip(names, leaves)), real(export.tensors["images"]),
            reals("noise/"), reals("constants/"))
        return result.losses["objective"].item(), gradients

    random = np.random.default_rng(seed)
    x = list(reals("parameters/").values())
    way = [real(random.normal(size=values.shape)) for values in x]
    slope = sum((gradient * part).sum().item() for gradient, part
                in zip(objective(x)[1].values(), way))
    ahead, behind = (objective([values + h * part for values, part
                                in zip(x, way)])[0] for h in (1e-6, -1e-6))
    return abs((ahead - behind) / 2e-6 - slope) / abs(slope)


def check_learned_prior(seed):
    """Compare presence, scale and place of three windows with plain numpy.

    Returns the error.  It is infinite if a window's own place changes its own
    prior, or if its scale changes any part of it except the prior of place.
    """
    config = Config(yaml.safe_dump(merged(SMALL, {"model": {
        "prior": LEARNED, "window": TURNED}})))
    prior, random = learned_prior(config), np.random.default_rng(seed)
    shapes = expected_inputs(config, "marginal", (2, 1, 11, 9), {})
    values = {name.removeprefix("parameters/"): random.normal(size=shape)
              for name, shape in shapes.items()
              if name.startswith("parameters/prior.")}
    parameters = {name: real(value) for name, value in values.items()}
    windows = random.normal(size=(3, 2, 6))
    fixed_mean = [math.log(.23 / .67)] * 2 + [0] * 4
    fixed_deviation = [.03 * .9 / (.23 * .67)] * 2 + [1] * 4

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    h, c = values["prior.hidden"], values["prior.cell"]
    h, c = np.array([h, h]), np.array([c, c])
    state, error = prior.start(parameters, 2), 0.0
    for u in np.concatenate([np.zeros((1, 2, 6)), windows]):
        if u.any():  # the first is z^0
            own = real(u).requires_grad_(True)
            found = prior(parameters, own, state)
            means, raw = zip(*(np.split(plain_mlp(
                values, f"prior.{part}", seen), 2, 1) for part, seen in (
                    ("scale", h), ("place", np.hstack([h, u[:, :2]])))))
            exact = [plain_mlp(values, "prior.presence", h)[:, 0],
                     fixed_mean + fixed_deviation * np.hstack(means),
                     fixed_deviation * (0.01 + np.log1p(
                         np.exp(np.hstack(raw)) * (math.e - 1)))]
            for a, b in zip(found, exact):
                error = max(error, np.abs(a.detach().numpy() - b).max())
            for x, used in ((found[0], 0), (found[1][:, :2], 0),
                            (found[2][:, :2], 0), (found[1][:, 2:], 2),
                            (found[2][:, 2:], 2)):
                slope = (torch.autograd.grad(
                    x.sum(), own, retain_graph=True, allow_unused=True)[0]
                    if x.requires_grad else None)
                seen = 0 if slope is None else int(
                    slope.abs().sum(0).count_nonzero())
                if seen != used or (used and slope[:, used:].any()):
                    return math.inf
            state = prior.advance(parameters, real(u), state)
        i, f, g, o = np.split(u @ values["prior.image.weight"]
                              + values["prior.image.bias"]
                              + h @ values["prior.recurrent.weight"], 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return error


def check_count_penalty(seed):
    """Check the count penalty with plain loops and by differences.

    Returns the error, the error of the slope, and the penalty for a batch of
    equally frequent allowed counts, which should be 0.
    """
    random = np.random.default_rng(seed)
    settings = {"counts": [0, 2, 3]}
    weights = {"weight": 7.0, "frequency_weight": 30.0}
    logits = random.normal(size=(3, 5))
    nearest, shares = 0.0, [0.0] * 4
    for column in logits.T:
        trials = [1 / (1 + math.exp(-x)) for x in column]
        q = [1 - trials[0], trials[0] * (1 - trials[1]),
             trials[0] * trials[1] * (1 - trials[2]), math.prod(trials)]
        nearest += min(-math.log(q[n]) for n in settings["counts"]) / 5
        shares = [share + one / 5 for share, one in zip(shares, q)]
    unequal = sum(1 / 3 * math.log((1 / 3) / shares[n])
                  for n in settings["counts"])
    x = real(logits).requires_grad_(True)
    found = count_penalty(settings, weights, x)
    slope = slope_error(lambda x: count_penalty(settings, weights, x[0]),
                        [x], random)
    met = count_penalty(settings, weights, real(
        [[-60, 60, 60], [60, 60, 60], [60, -60, 60]])).item()
    return (abs(found.item() - 7 * nearest - 30 * unequal), slope, abs(met))


def check_overlap(seed):
    """Check the overlap penalty with plain loops over corners of windows.

    Returns the error (with sizes averaged over the steps and without), the
    error of the slope, and the penalty for windows that meet all constraints.
    """
    random = np.random.default_rng(seed)
    steps, batch, height, width = 3, 4, 24, 30
    settings = {"smallest": 8.0, "largest": 11.0, "tolerance": 1.5}
    weights = {"overlap_weight": 2.0, "inside_weight": 3.0,
               "size_weight": 5.0, "likeness_weight": 7.0}
    window = Window(Config(yaml.safe_dump(merged(SMALL, {
        "model": {"window": {**TURNED, "linear": "full"}}}))))
    latents = 0.7 * random.normal(size=(steps, batch, window.size))
    latents[:, :, :2] -= 1.0

    def hulls(latents):
        return torch.stack([hull(*window.point_map(u), height, width)
                            for u in latents])

    def box(u):
        """Left, right, top and bottom in pixels."""
        matrix, shift = window.point_map(real(u[None]))
        matrix, shift = matrix[0].tolist(), shift[0].tolist()
        x, y = zip(*(((matrix[0][0] * a + matrix[0][1] * b + shift[0] + 1)
                      / 2 * width,
                      (matrix[1][0] * a + matrix[1][1] * b + shift[1] + 1)
                      / 2 * height)
                     for a in (-1, 1) for b in (-1, 1)))
        return min(x), max(x), min(y), max(y)

    def relu(x):
        return max(0.0, x)

    exact = {False: [], True: []}
    active = np.zeros(4)
    for b in range(batch):
        boxes = [box(latents[t, b]) for t in range(steps)]
        sizes = [(x1 - x0, y1 - y0) for x0, x1, y0, y1 in boxes]
        f = np.zeros(4)
        for x0, x1, y0, y1 in boxes:
            f[1] += (relu(-x0) + relu(x1 - width)
                     + relu(-y0) + relu(y1 - height))
        for w, h in sizes:
            for size in (w, h):
                f[2] += (relu(8.0 - size) + relu(size - 11.0)) / 2
        for i, j in itertools.permutations(range(steps), 2):
            one, two = boxes[i], boxes[j]
            f[0] += relu(min(
                (sizes[i][0] + sizes[j][0]) / 2
                - abs(one[0] + one[1] - two[0] - two[1]) / 2,
                (sizes[i][1] + sizes[j][1]) / 2
                - abs(one[2] + one[3] - two[2] - two[3]) / 2))
            for a, c in zip(sizes[i], sizes[j]):
                f[3] += relu(abs(a - c) - 1.5) / 2
        active += f > 0
        for mean_size in exact:
            shares = f / [1, 1, steps if mean_size else 1, 1]
            exact[mean_size].append(np.dot([2.0, 3.0, 5.0, 7.0], shares))
    x = real(latents).requires_grad_(True)

    def cost(x, mean_size):
        return overlap({**settings, "mean_size": mean_size}, weights,
                       hulls(x), height, width)

    error = max(np.abs(cost(x, mean_size).detach().numpy()
                       - exact[mean_size]).max() for mean_size in exact)
    slope = slope_error(lambda x: cost(x[0], False).sum(), [x], random)
    apart = real([[[5, 5, 9, 10]], [[15, 5, 10, 10]], [[5, 16, 10, 9]]])
    met = overlap({**settings, "mean_size": False}, weights, apart, height,
                  width).item()
    return (error if active.all() else math.inf), slope, met


def plain_mlp(values, name, x):
    """An MLP on numpy arrays."""
    index = 0
    while f"{name}.layers.{index}.weight" in values:
        x = np.maximum(0, x @ values[f"{name}.layers.{index}.weight"]
                       + values[f"{name}.layers.{index}.bias"])
        index += 1
    return x @ values[f"{name}.output.weight"] + values[f"{name}.output.bias"]


def check_memory(seed):
    """Check slot logits and the information term, element by element in numpy.

    Returns the largest error of each.
    """
    export = synthetic_export({"model": {"appearance": MEMORY},
                               "regularizers": INFORMATION}, seed)
    looks = appearance(export.config)
    values = {name: np.array(value, dtype=np.float64) for name, value
              in export.under("parameters/appearance.").items()}
    normals = np.array(export.tensors["noise/information/0"],
                       dtype=np.float64)
    memory, kappa = values["memory"], math.exp(values["sharpness"][0])

    def logits(patch):
        b, found = plain_mlp(values, "glimpse_embedding", patch), []
        for slot in memory:
            a = plain_mlp(values, "slot_embedding", slot)
            found.append(kappa * sum(a * b) / math.sqrt(
                (sum(a * a) + 1e-12) * (sum(b * b) + 1e-12)))
        return found

    draws = INFORMATION[0]["patches_per_slot"]
    patches, log_q = [], []
    for k, slot in enumerate(memory):
        mean, raw = np.split(plain_mlp(values, "prior", slot), 2)
        deviation = np.log1p(np.exp(raw)) + 1e-3
        for draw in range(draws):
            noise = mean + deviation * normals[k * draws + draw]
            drawing = plain_mlp(values, "generator",
                                np.concatenate([noise, slot])) - 2
            patches.append(1 / (1 + np.exp(-drawing)))
            scores = logits(patches[-1])
            log_q.append(scores[k] - math.log(sum(map(math.exp, scores))))
    parameters = {f"appearance.{name}": real(value)
                  for name, value in values.items()}
    exact = np.array([logits(patch) for patch in patches])
    error = np.abs(looks.address(parameters, real(patches)).numpy()
                   - exact).max()
    information = looks.information(parameters, real(normals)).item()
    return error, abs(information - sum(log_q) / len(log_q))


def check_refinement(seed):
    """Check the refined window of the first step, by element in numpy.

    Returns the largest error of its KLs, and the KLs without refinement
    relative to those with it.
    """
    export = synthetic_export({"model": {"window": {"refinement": [6]}}},
                              seed)
    config, side = export.config, export.config.get("model.glimpse")
    window = Window(config)
    prior_mean = window.prior_mean.numpy()
    prior_deviation = window.prior_deviation.numpy()
    values = {name: np.array(value, dtype=np.float64)
              for name, value in export.under("parameters/").items()}
    images = np.array(export.tensors["images"], dtype=np.float64)

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def pixel(image, row, column):
        inside = (0 <= row < image.shape[0] and 0 <= column < image.shape[1])
        return image[row, column] if inside else 0.0

    def glimpse(image, u):
        """Bilinear samples at scale * (x, y) + shift for the pixel centers."""
        scale, shift = 0.1 + 0.9 * sigmoid(u[0]), np.tanh(u[1:])
        found = np.zeros((side, side))
        for i, j in itertools.product(range(side), repeat=2):
            x = scale * ((2 * j + 1) / side - 1) + shift[0]
            y = scale * ((2 * i + 1) / side - 1) + shift[1]
            row = ((y + 1) * image.shape[0] - 1) / 2
            column = ((x + 1) * image.shape[1] - 1) / 2
            for k in (math.floor(row), math.floor(row) + 1):
                for m in (math.floor(column), math.floor(column) + 1):
                    found[i, j] += ((1 - abs(row - k)) * (1 - abs(column - m))
                                    * pixel(image, k, m))
        return found.ravel()

    def kl(mean, raw):
        ratio = np.log1p(np.exp(raw))
        return sum((ratio ** 2 + mean ** 2 - 1) / 2 - np.log(ratio))

    exact, unrefined = [], []
    for image in images[:, 0]:
        fed = np.concatenate([values["controller.window"],
                              values["controller.appearance"],
                              values["controller.hidden"]])
        i, f, g, o = np.split(
            image.ravel() @ values["controller.image.weight"]
            + values["controller.image.bias"]
            + fed @ values["controller.recurrent.weight"], 4)
        cell = (sigmoid(f) * values["controller.cell"]
                + sigmoid(i) * np.tanh(g))
        _, mean, raw = np.split(
            plain_mlp(values, "head", sigmoid(o) * np.tanh(cell)), [1, 4])
        raw = raw + math.log(math.exp(0.2) - 1)
        unrefined.append(kl(mean, raw))
        more = plain_mlp(values, "refinement", glimpse(
            image, prior_mean + prior_deviation * mean))
        exact.append(kl(mean + more[:3], raw + more[3:]))
    parameters = {name: real(value) for name, value in values.items()}
    noise = {name: real(value)
             for name, value in export.under("noise/").items()}
    found = infer(config, parameters, real(images), noise, False,
                  None).kls["window"][0].numpy()
    return (np.abs(found - exact).max(),
            np.abs(np.array(unrefined) / exact - 1).min())


def check_upsampling(seed):
    """The error of an upsampled template of two channels, by plain loops."""
    random = np.random.default_rng(seed)
    config = Config(yaml.safe_dump(merged(SMALL, {"model": {
        "glimpse": 8, "appearance": {**CATEGORY, "upsampling": [3, 5]}}})))
    shapes = expected_inputs(config, "marginal", (1, 2, 11, 9), {})
    name = "appearance.template"
    values = {key.removeprefix("parameters/"): random.normal(size=shape)
              for key, shape in shapes.items()
              if key.startswith(f"parameters/{name}.")}
    y = random.dirichlet(np.ones(4), size=2)

    def twice(x, layer):
        """Upsample x [h, w, inputs]: each pixel adds a patch of 4 x 4 pixels."""
        weight, bias = values[f"{layer}.weight"], values[f"{layer}.bias"]
        rows, columns = 2 * x.shape[0], 2 * x.shape[1]
        found = np.zeros((rows, columns, len(bias))) + bias
        for i, j in np.ndindex(x.shape[:2]):
            for a, b in np.ndindex(4, 4):
                row, column = 2 * i + a - 1, 2 * j + b - 1
                if 0 <= row < rows and 0 <= column < columns:
                    found[row, column] += x[i, j] @ weight[:, a, b, :]
        return found

    exact = []
    for image in y:
        x = np.maximum(0, plain_mlp(values, f"{name}.dense", image))
        x = np.maximum(0, twice(x.reshape(2, 2, 3), f"{name}.doublings.0"))
        exact.append(np.concatenate([
            twice(x, f"{name}.output.{channel}").ravel()
            for channel in range(2)]))
    found = appearance(config).template(
        {key: real(value) for key, value in values.items()}, real(y), 2,
        8)
    return np.abs(found.numpy() - exact).max()


def check_balance(seed):
    """Compare the balance of three and a half objects with plain loops.

    Returns the error, which is infinite if a mask gets a gradient.
    """
    logits = np.random.default_rng(seed).normal(size=(2, 3, 4))
    masks = np.array([[1.0, 0.5, 1.0], [1.0, 0.0, 0.0]])
    sums = np.zeros(4)
    for t, b in np.ndindex(2, 3):
        odds = np.exp(logits[t, b])
        for k in range(4):
            sums[k] += masks[t, b] * odds[k] / sum(odds)
    exact = sum(0.25 * math.log(0.25 / (share / 3.5 + 1e-8))
                for share in sums)
    alive = real(masks).requires_grad_(True)
    posterior = torch.softmax(real(logits), 2).requires_grad_(True)
    found = balance(posterior, alive)
    if torch.autograd.grad(found, alive, allow_unused=True)[0] is not None:
        return math.inf
    return abs(found.item() - exact)


def check_window_convention():
    """Check with ramps that reading and writing preserve coordinates.

    An image whose values are its x (or y) coordinates is read as matrix *
    (u, v) + shift at the glimpse's pixel centers.  A glimpse whose values are
    its u (or v) is written so that the canvas holds the inverse.  Returns the
    largest error.
    """
    def centers(size):
        return (2 * torch.arange(size, dtype=torch.float64) + 1) / size - 1

    def ramps(height, width):  # [1, 2, H, W]: x along columns, y along rows
        y, x = torch.meshgrid(centers(height), centers(width),
                              indexing="ij")
        return torch.stack([x, y])[None]

    window = Window(Config(yaml.safe_dump(merged(SMALL, {"model": {"window": {
        "scale": "anisotropic", "rotation": 1.2, "shear": 0.6,
        "linear": "full"}}}))))
    matrix, shift = window.point_map(real(
        [[-0.6, -1.1, 0.12, -0.2, 0.3, 0.4, 0.2, -0.3, 0.5, -0.1]]))
    image, glimpse = ramps(24, 30), ramps(8, 8)

    def mapped(points, matrix, shift):
        return (torch.einsum("bij,bjhw->bihw", matrix, points)
                + shift[:, :, None, None])

    read = sample(image, matrix, shift, 8, 8)
    errors = [(read - mapped(glimpse, matrix, shift)).abs().max().item()]
    back = inverse_map(matrix, shift)
    written, exact = sample(glimpse, *back, 24, 30), mapped(image, *back)
    inside = (exact.abs() <= centers(8)[-1]).all(1, keepdim=True)
    errors.append(((written - exact) * inside).abs().max().item())
    return max(errors) if inside.sum() > 20 else math.inf


def self_test(verbose):
    """Check that synthetic exports agree and that damaged ones do not."""
    failures = checks = 0
    torch.set_num_threads(1)  # more threads are slower for such small tensors

    def expect(truth, text):
        nonlocal failures, checks
        checks += 1
        failures += not truth
        if verbose or not truth:
            print(f"{'ok    ' if truth else 'FAILED'}  {text}")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.safetensors"
        for seed, (name, changes) in enumerate(VARIANTS.items()):
            synthetic_export(changes, seed).write(path)
            export = Export.read(path)
            comparison = compare(export)
            expect(not comparison.problems and comparison.rows,
                   f"{name}: the synthetic export agrees")
            for what, broken in damaged(export):
                if name == "nvil" or any(
                        part in what for part in ("one element", "penalty",
                                                  "information", "config")):
                    expect(compare(broken).problems, f"{name}: {what}")
    weighted = {"regularizers": KL_WEIGHTS}
    counted = {"model": {"prior": LEARNED}, "regularizers": COUNT}
    certain = {"model": {"prior": LEARNED, "presence": "always"},
               "regularizers": OVERLAP}
    for named, changes in (("", {}), (" with weights of KLs", weighted),
                           (" with learned prior and count", counted)):
        score, divergence = check_marginal_identities(99, changes)
        expect(score < 1e-9, "the expectation of NVIL's gradient is the "
               f"marginal's{named}: {score:.1e}")
        expect(divergence < 1e-9, "presence KLs add up to KL(q(n) || p(n))"
               f"{named}: {divergence:.1e}")
    for named, changes in (("", {}), (" with weights of KLs", weighted),
                           (" with certain presence and overlap", certain)):
        score, total = check_slot_identities(98, changes)
        expect(score < 1e-9, "the expectation of NVIL's gradient over counts "
               f"and slots is the expected nELBO's{named}: {score:.1e}")
        expect(total < 1e-9, f"the probabilities of those add up{named}: "
               f"{total:.1e}")
    logits, information = check_memory(seed=97)
    expect(logits < 1e-12, f"slot logits in numpy: {logits:.1e}")
    expect(information < 1e-12, "the information term in plain loops: "
           f"{information:.1e}")
    window, change = check_refinement(seed=96)
    expect(window < 1e-12 and change > 1e-2,
           f"a refined window in plain loops: {window:.1e}; refinement "
           f"changes its KL by {change:.1e} or more")
    template = check_upsampling(seed=95)
    expect(template < 1e-12, "an upsampled template in plain loops: "
           f"{template:.1e}")
    shares = check_balance(seed=94)
    expect(shares < 1e-12, f"the balance in plain loops: {shares:.1e}")
    learned = check_learned_prior(seed=93)
    expect(learned < 1e-12, f"the learned prior in plain loops: {learned:.1e}")
    for what, check in (("counts", check_count_penalty),
                        ("overlaps", check_overlap)):
        error, slope, met = check(seed=92)
        expect(error < 1e-10, f"{what} in plain loops: {error:.1e}")
        expect(slope < 1e-7, f"their slope by differences: {slope:.1e}")
        expect(met < 1e-12, f"what the allowed ones cost: {met:.1e}")
    for name in ("gumbel-softmax, learned prior, turned, density, count",
                 "marginal, learned prior, no feedback, count, weights of KLs",
                 "nvil, always, learned prior, overlap",
                 "marginal, always, anisotropic, overlap"):
        slope = check_slope(name, seed=91)
        expect(slope < 1e-6, f"{name}: slope by differences {slope:.1e}")
    convention = check_window_convention()
    expect(convention < 1e-12, "reading and writing keep coordinates: "
           f"{convention:.1e}")
    # Known values for T = 3, k = 0.01.
    odds = prior_log_odds(Config(json.dumps({"model": {
        "steps": 3, "prior": {"count": {"ratio": 0.01}}}})), 0)
    trials = 1 / (1 + np.exp(-odds))
    expect(np.allclose(trials, [.0099999901, .0099990100, .0099009901],
                       rtol=1e-8), f"trial probabilities {trials}")
    print(f"self-test: {checks} checks, {failures} failed")
    return 1 if failures else 0


# --------------------------------------------------------------------------
# Fixtures
# --------------------------------------------------------------------------

def spread_out(export, spread, seed):
    """The same step with other parameters and, if it centers, other centering."""
    random = np.random.default_rng(seed)
    tensors = dict(export.tensors)
    for name, values in export.tensors.items():
        size = spread if name.startswith("parameters/") else 0
        if name == "constants/centering" and export.config.get(
                "estimator.centering", False):
            size = 10 if spread > 0 else 0
        if size > 0:
            tensors[name] = (values + size * random.normal(
                size=values.shape)).astype(np.float32)
    return Export(export.metadata, tensors)


def write_fixture(export, path, spread, seed):
    """Write the inputs of an export and this script's float64 results."""
    export = spread_out(export, spread, seed)
    result, gradients = recompute_export(export)
    if result.margin is not None and result.margin < MARGIN:
        raise Unusable(f"a presence is only {result.margin:.1e} from its "
                       "threshold; choose another --seed")
    tensors = {name: values for name, values in export.tensors.items()
               if not name.startswith(("terms/", "loss/", "gradients/",
                                       "constants/penalty/"))}
    for name, penalty in result.penalties.items():
        tensors[f"expected/constants/penalty/{name}"] = (
            penalty.detach().numpy())
    for name, values in result.terms.items():
        tensors[f"expected/terms/{name}"] = values.detach().numpy()
    for name, loss in result.losses.items():
        tensors[f"expected/loss/{name}"] = np.array([loss.item()])
    for name, gradient in gradients.items():
        tensors[f"expected/gradients/{name}"] = gradient.numpy()
    Export({**export.metadata,
            "generator": "scripts/parity/air_step.py, float64",
            "torch": torch.__version__,
            "date": datetime.date.today().isoformat()}, tensors).write(path)


def main():
    global PRECISION
    parser = argparse.ArgumentParser(
        description="Recompute an exported AIR training step in float64.")
    parser.add_argument("export", nargs="?", help="EXPORT.safetensors")
    parser.add_argument("--verbose", action="store_true",
                        help="also print the worst element of every tensor")
    parser.add_argument("--single", action="store_true",
                        help="recompute in float32")
    parser.add_argument("--write", metavar="FIXTURE",
                        help="write a fixture for the Swift tests")
    parser.add_argument("--spread", type=float, default=0.0, metavar="S",
                        help="--write: how far parameters are moved first")
    parser.add_argument("--seed", type=int, default=0, metavar="N",
                        help="--write: which way they are moved")
    parser.add_argument("--self-test", action="store_true",
                        help="check this script on synthetic exports")
    arguments = parser.parse_args()
    if arguments.self_test == (arguments.export is not None):
        parser.error("give either an export or --self-test")
    if arguments.self_test:
        return self_test(arguments.verbose)
    if arguments.single:
        PRECISION = torch.float32
    try:
        export = Export.read(arguments.export)
        comparison = compare(export, arguments.verbose)
    except Unusable as error:
        print(f"air_step.py: {error}", file=sys.stderr)
        return 2
    print(f"{export.estimator}, step {export.step}, torch "
          f"{torch.__version__}, {str(PRECISION).removeprefix('torch.')}")
    comparison.show()
    if comparison.problems:
        print(f"{len(comparison.problems)} problem(s)")
        return 1
    print(f"all {len(comparison.rows)} tensors agree")
    if arguments.write:
        try:
            write_fixture(export, arguments.write, arguments.spread,
                          arguments.seed)
        except Unusable as error:
            print(f"air_step.py: {error}", file=sys.stderr)
            return 2
        print(f"wrote {arguments.write}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
