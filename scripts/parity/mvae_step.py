#!/usr/bin/env python3
"""Recompute one exported training step of MVAE or its VAE in float64.

What: `airframe export-step CONFIG --out FILE` writes the images, the noise,
the parameters and everything the Swift program computed from them (terms per
image, the loss, gradients).  This script recomputes the same quantities in
float64 with PyTorch's automatic differentiation, from the float32 inputs in
that file.  It was written from the paper (Nash et al. 2017, section 2 and the
appendix) and not from the Swift sources.

How:    python mvae_step.py EXPORT.safetensors
        python mvae_step.py EXPORT.safetensors --single
        python mvae_step.py EXPORT.safetensors --write FIXTURE.safetensors
                            [--spread S] [--seed N]

--write makes a fixture for the Swift tests from an export that agrees, as
air_step.py does.  --spread first adds S times standard normal noise to every
parameter.

--single computes in float32, as the program does.  The gradient of the
maximum over objects goes to one of them.  Among the million maxima of a step
with eight objects, a few are so close to a tie that float64 selects another
object.  In an exact tie, the program selects one object, and PyTorch divides
the gradient between the tied ones.

Exit:   0 everything agrees
        1 a value is outside its tolerance, or a tensor is missing or extra
        2 the file or its config cannot be used

Tolerances, a = exported, b = recomputed here, g = the whole gradient b:
        gradients   ||a - b|| <= 1e-4 * max(||b||, 1e-6 * ||g||), per tensor
        terms       |a - b| <= 1e-5 * max(|b|, 1e-4 * the nELBO's root mean
                    square), per image; the count is exact
        loss        |a - b| <= 1e-5 * |b|

Needs:  Python 3.10+, torch, numpy, safetensors, pyyaml.
        Written with torch 2.15.0, numpy 2.4.6, safetensors 0.8.0,
        PyYAML 6.0.3.
"""

import argparse
import datetime
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

sys.path.insert(0, str(Path(__file__).resolve().parent))
from air_step import Config, Unusable, regularizers, scheduled  # noqa: E402

GRADIENT_TOLERANCE, GRADIENT_FLOOR = 1e-4, 1e-6
TERM_TOLERANCE, TERM_FLOOR = 1e-5, 1e-4
MARGIN = 1e-4  # least gap in nats between selected and other places


def convolution(p, name, maps, side):
    """Kernels are stored [side, side, inputs, outputs]."""
    return F.conv2d(maps, p[f"{name}.weight"].permute(3, 2, 0, 1),
                    p[f"{name}.bias"], padding=side // 2)


def doubled(maps):
    return F.interpolate(maps, scale_factor=2, mode="bilinear",
                         align_corners=False)


def linear(p, name, x):
    return x @ p[f"{name}.weight"] + p[f"{name}.bias"]


def encode(config, p, images):
    """The posterior parameters of all places, [image, row, column, n]."""
    get = lambda key: config.get(f"model.encoder.{key}")  # noqa: E731
    side, maps = get("side"), images
    for index, pool in enumerate(get("pooling")):
        maps = F.elu(convolution(p, f"encoder.convolutions.{index}", maps,
                                 side))
        maps = F.max_pool2d(maps, pool)
    batch, _, rows, columns = maps.shape

    def centers(count):
        return (2 * torch.arange(count, dtype=maps.dtype,
                                 device=maps.device) + 1) / count - 1

    x = centers(columns).expand(batch, 1, rows, columns)
    y = centers(rows)[:, None].expand(batch, 1, rows, columns)
    maps = torch.cat([maps, x, y], dim=1)
    for index in range(len(get("hidden"))):
        maps = F.elu(convolution(p, f"encoder.places.{index}", maps, side))
    return convolution(p, "encoder.output", maps, 1).permute(0, 2, 3, 1)


def decode(config, p, codes, images, aggregation):
    """Decode codes [image, object, size] to logits of the images' shape."""
    get = lambda key: config.get(f"model.decoder.{key}")  # noqa: E731
    side, (batch, objects, size) = get("side"), codes.shape
    x = codes.reshape(batch * objects, size)
    for index in range(len(get("dense"))):
        x = F.elu(linear(p, f"decoder.dense.layers.{index}", x))
    x = F.elu(linear(p, "decoder.dense.output", x))
    shrunk = 2 ** (len(get("object")) + 1)
    height, width = images.shape[2] // shrunk, images.shape[3] // shrunk
    maps = x.reshape(-1, height, width, get("maps")).permute(0, 3, 1, 2)
    for index in range(len(get("object"))):
        maps = doubled(F.elu(convolution(
            p, f"decoder.object.{index}", maps, side)))
    maps = maps.reshape(batch, objects, *maps.shape[1:])
    maps = maps.amax(dim=1) if aggregation == "max" else maps.sum(dim=1)
    for index in range(len(get("scene"))):
        maps = F.elu(convolution(p, f"decoder.scene.{index}", maps, side))
        if index == 0:
            maps = doubled(maps)
    return convolution(p, "decoder.output", maps, side)


def divergence(mean, log_variance):
    """KL(N(mean, variance) || N(0, 1)) in nats, over the last axis."""
    return 0.5 * (log_variance.exp() + mean ** 2 - 1 - log_variance).sum(-1)


def penalty(config, name, total, number):
    """The term of kl_weights in each image's loss; None if it is not used."""
    weights = regularizers(config).get("kl_weights")
    if weights is None:
        return None
    weight = scheduled(weights[name.removesuffix("_kl")], number, name)
    return (weight - 1) * total


def step(config, p, images, noise, number):
    """Terms by name, the loss, the penalty in it (or None), and the smallest
    margin of a selection, at training step `number`."""
    size, found = config.get("model.size"), encode(config, p, images)
    batch, margin = len(images), np.inf
    if config.get("model.name") == "mvae":
        objects = config.get("model.objects")
        threshold = config.get("model.count_threshold")
        places = found.reshape(batch, -1, 2 * size)
        kl = divergence(places[..., :size], places[..., size:])
        order = kl.sort(dim=1, descending=True)
        gaps = order.values[:, :objects] - order.values[:, 1:objects + 1] \
            if objects < kl.shape[1] else torch.ones(1)
        margin = min(gaps.min().item(),
                     (kl - threshold).abs().min().item())
        best = order.indices[:, :objects]
        chosen = places.gather(
            1, best[:, :, None].expand(-1, -1, 2 * size))
        mean, log_variance = chosen[..., :size], chosen[..., size:]
        epsilon = torch.stack([noise[f"object/{n}"] for n in range(objects)],
                              dim=1)
        total = divergence(mean, log_variance).sum(1)
        count = (kl.gather(1, best) > threshold).sum(1).to(torch.float64)
        name, aggregation = "object_kl", config.get("model.aggregation")
    else:
        numbers = linear(p, "head", found.reshape(batch, -1))[:, None]
        mean, log_variance = numbers[..., :size], numbers[..., size:]
        epsilon = noise["scene/0"][:, None]
        total = divergence(mean, log_variance).sum(1)
        count = None
        name, aggregation = "scene_kl", "max"
    codes = mean + (log_variance / 2).exp() * epsilon
    logits = decode(config, p, codes, images, aggregation)
    likelihood = -F.binary_cross_entropy_with_logits(
        logits, images, reduction="none").sum(dim=(1, 2, 3))
    terms = {"log_likelihood": likelihood, name: total,
             "nelbo": total - likelihood}
    if count is not None:
        terms["count"] = count
    added = penalty(config, name, total, number)
    if added is None:
        return terms, terms["nelbo"].mean(), None, margin
    return terms, (terms["nelbo"] + added).mean(), added.mean(), margin


class Export:
    def __init__(self, metadata, tensors):
        self.metadata, self.tensors = metadata, tensors
        self.config = Config(metadata.get("config", ""))
        if self.config.get("model.name") not in ("mvae", "vae"):
            raise Unusable("model.name is neither mvae nor vae")
        if set(regularizers(self.config)) - {"kl_weights"}:
            raise Unusable("of regularizers only kl_weights is written here")

    @staticmethod
    def read(path):
        try:
            with safe_open(path, "np") as file:
                return Export(file.metadata() or {}, {
                    name: file.get_tensor(name) for name in file.keys()})
        except (OSError, SafetensorError) as error:
            raise Unusable(f"{path}: {error}") from error

    def under(self, prefix):
        return {name.removeprefix(prefix): values
                for name, values in self.tensors.items()
                if name.startswith(prefix)}

    def recompute(self, dtype=torch.float64):
        def tensor(values, leaf=False):
            return torch.tensor(values, dtype=dtype, requires_grad=leaf)

        parameters = {name: tensor(values, True)
                      for name, values in self.under("parameters/").items()}
        noise = {name: tensor(values)
                 for name, values in self.under("noise/").items()}
        try:
            terms, loss, added, margin = step(
                self.config, parameters, tensor(self.tensors["images"]),
                noise, int(self.metadata.get("step", 0)))
        except KeyError as error:
            raise Unusable(f"{error} is missing") from error
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        constants = {} if added is None else {
            "penalty/kl_weights": np.array([added.item()])}
        return ({name: value.detach().double().numpy()
                 for name, value in terms.items()}, loss.item(), constants,
                {name: gradient.double().numpy()
                 for name, gradient in zip(parameters, gradients)}, margin)


def compare(export, dtype):
    """Print a line per tensor; return the differences."""
    terms, loss, constants, gradients, margin = export.recompute(dtype)
    expected = {**{f"terms/{name}": value for name, value in terms.items()},
                **{f"constants/{name}": v for name, v in constants.items()},
                "loss/objective": np.array([loss]),
                **{f"gradients/{name}": value
                   for name, value in gradients.items()}}
    given = {name for name in export.tensors
             if name.startswith(("terms/", "loss/", "gradients/",
                                 "constants/"))}
    given.discard("constants/temperature")  # this model relaxes nothing
    problems = [f"{name}: only in one of the two"
                for name in sorted(given ^ set(expected))]
    whole = np.sqrt(sum((g ** 2).sum() for g in gradients.values()))
    usual = np.sqrt((terms["nelbo"] ** 2).mean())
    for name in sorted(given & set(expected)):
        a, b = export.tensors[name].astype(np.float64), expected[name]
        if a.shape != b.shape:
            problems.append(f"{name}: shape {a.shape}, not {b.shape}")
            continue
        if name.startswith("gradients/"):
            floor = max(np.linalg.norm(b), GRADIENT_FLOOR * whole)
            error = np.linalg.norm(a - b) / floor / GRADIENT_TOLERANCE
        elif name == "terms/count":
            error = np.abs(a - b).max() * 2
        else:
            floor = np.maximum(np.abs(b), TERM_FLOOR * usual)
            error = (np.abs(a - b) / floor).max() / TERM_TOLERANCE
        print(f"{name:<44} {error:8.4f} of what is allowed")
        if not error <= 1:
            problems.append(f"{name}: {error:.2f} times what is allowed")
    if problems and margin < 1e-4:
        problems.append(f"(a choice is only {margin:.1e} nats wide)")
    return problems, len(expected)


def write_fixture(export, path, spread, seed):
    random = np.random.default_rng(seed)
    tensors = {name: values for name, values in export.tensors.items()
               if name.startswith(("parameters/", "images", "noise/"))}
    for name, values in sorted(tensors.items()):
        if name.startswith("parameters/"):
            tensors[name] = (values + spread * random.normal(
                size=values.shape)).astype(np.float32)
    moved = Export(export.metadata, tensors)
    terms, loss, _, gradients, margin = moved.recompute()
    if margin < MARGIN:
        raise Unusable(f"a choice of places is only {margin:.1e} nats wide; "
                       "choose another --seed")
    made = {**tensors, "expected/loss/objective": np.array([loss]),
            **{f"expected/terms/{name}": v for name, v in terms.items()},
            **{f"expected/gradients/{name}": v
               for name, v in gradients.items()}}
    save_file({name: np.ascontiguousarray(values, dtype=np.float32)
               for name, values in made.items()}, path,
              metadata={**export.metadata,
                        "generator": "scripts/parity/mvae_step.py, float64",
                        "torch": torch.__version__,
                        "date": datetime.date.today().isoformat()})


def main():
    parser = argparse.ArgumentParser(
        description="Recompute an exported MVAE training step in float64.")
    parser.add_argument("export", help="EXPORT.safetensors")
    parser.add_argument("--single", action="store_true",
                        help="recompute in float32")
    parser.add_argument("--write", metavar="FIXTURE",
                        help="write a fixture for the Swift tests")
    parser.add_argument("--spread", type=float, default=0.0, metavar="S",
                        help="--write: how far parameters are moved first")
    parser.add_argument("--seed", type=int, default=0, metavar="N",
                        help="--write: which way they are moved")
    arguments = parser.parse_args()
    try:
        export = Export.read(arguments.export)
        problems, count = compare(
            export, torch.float32 if arguments.single else torch.float64)
        if problems:
            print("\n".join(problems) + f"\n{len(problems)} problem(s)")
            return 1
        print(f"all {count} tensors agree")
        if arguments.write:
            write_fixture(export, arguments.write, arguments.spread,
                          arguments.seed)
            print(f"wrote {arguments.write}")
    except Unusable as error:
        print(f"mvae_step.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
