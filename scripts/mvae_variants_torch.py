#!/usr/bin/env python3
"""Train several variants of MVAE at once in PyTorch on a GPU, and measure how well they count objects.

This is an independent check of whole trainings, and a faster way to try
recipes than on a CPU.  It trains the model of scripts/parity/mvae_step.py from
Airframe's initial parameters, on scenes that the script draws according to
the definition of multi-dsprites (docs/datasets.md).  Each training step is one
CUDA graph.

How:    airframe export-step configs/mvae/multi-dsprites.yaml --out start.safetensors
        python scripts/mvae_variants_torch.py start.safetensors VARIANTS.json

VARIANTS.json: {"name": {"objects": 3, "sprites": 3, "steps": 20000,
"seed": 0, "weight": W, "rate": R}, ...}.  All of them may be left out; the
numbers shown are the defaults.  The seed is that of scenes and noise.  W is the
weight of the KL (default 1) and R the learning rate (default 1e-3).  Each is a
number, or [from, to, begin, end] for an exponential schedule between two steps.

Prints a line of JSON every --every steps: the nELBO; the KL threshold (in
nats) that counts best on 6,656 scenes; and the count accuracy with this
threshold on 6,656 other scenes: over all scenes, as the mean over the numbers
of objects from 1 on, and for each number.

Needs:  Python 3.10+, torch with CUDA, and the packages of mvae_step.py.  Matrix
products use TF32 precision.  It also runs without a GPU, but slowly.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent / "parity"))
from mvae_step import Export, decode, divergence, encode  # noqa: E402

BATCH, SIDE, EVALUATED = 32, 64, 512
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
HEART = (3 * 2 ** 0.5 - 2) / 4  # half the side of the square in a heart


def scenes(count, sprites, generator):
    """Images [count, 3, SIDE, SIDE] and the number of sprites in each."""
    total = count * sprites

    def uniform(*shape):
        return torch.rand(*shape, device=DEVICE, generator=generator)

    diameter = 14 + 10 * uniform(total)
    radius = diameter / 2
    x, y = (radius + (SIDE - diameter) * uniform(total) for _ in range(2))
    angle = 2 * math.pi * uniform(total)
    kind = (uniform(total) * 3).long()[:, None, None]
    present = (uniform(total) < 0.5).float()
    color = uniform(total, 3)
    for _ in range(6):  # enough draws that almost always one channel is bright
        color = torch.where(color.amax(1, keepdim=True) < 0.5,
                            uniform(total, 3), color)

    at = torch.arange(SIDE, device=DEVICE) + 0.5
    x, y = at - x[:, None], at - y[:, None]
    across, down = ((f(angle) / radius)[:, None, None]
                    for f in (torch.cos, torch.sin))
    x, y = x[:, None, :], y[:, :, None]
    x, y = x * across + y * down, y * across - x * down
    # Distances to the outline in units of the radius, negative inside.
    square = torch.maximum(x.abs(), y.abs()) - 0.5 ** 0.5
    inner = (x * x + 4 * y * y).sqrt()
    ellipse = inner * (inner - 1) / (x * x + 16 * y * y).sqrt().clamp(1e-6)
    tip = y - (1 - HEART * 2 ** 0.5)
    along, up = ((x.abs() + s * tip) * 0.5 ** 0.5 for s in (1, -1))
    heart = torch.minimum(
        torch.maximum(along.abs(), up.abs()) - HEART,
        (along * along + (up - HEART) ** 2).sqrt() - HEART)
    distance = torch.where(kind == 0, square,
                           torch.where(kind == 1, ellipse, heart))
    ink = (0.5 - distance * radius[:, None, None]).clamp(0, 1)
    ink = ink * present[:, None, None]
    images = ink[:, None] * color[:, :, None, None]
    images = images.view(count, sprites, 3, SIDE, SIDE).sum(1).clamp(max=1)
    return ((images * 255).round() / 255,
            present.view(count, sprites).sum(1))


def at_step(value, step):
    if not isinstance(value, list):
        return value
    first, last, begin, end = value
    share = min(max((step - begin) / (end - begin), 0), 1)
    return first * (last / first) ** share


class Training:
    def __init__(self, name, variant, start):
        known = {"objects", "sprites", "steps", "seed", "weight", "rate"}
        if set(variant) - known:
            sys.exit(f"{name}: unknown {sorted(set(variant) - known)}")
        self.name, self.variant, self.step = name, variant, 0
        self.objects = variant.get("objects", 3)
        self.sprites = variant.get("sprites", 3)
        self.steps = variant.get("steps", 20000)
        self.config = start.config
        self.parameters = {
            name: torch.tensor(values, device=DEVICE, requires_grad=True)
            for name, values in start.under("parameters/").items()}
        self.generator = torch.Generator(DEVICE)
        self.generator.manual_seed(variant.get("seed", 0))
        self.rate = torch.tensor(1e-12, device=DEVICE)
        self.weight = torch.tensor(1.0, device=DEVICE)
        self.optimizer = torch.optim.Adam(
            self.parameters.values(), lr=self.rate, fused=True,
            capturable=DEVICE == "cuda")
        self.graph = None
        if DEVICE == "cuda":
            self.stream = torch.cuda.Stream()
            with torch.cuda.stream(self.stream):
                for _ in range(3):  # buffers that are allocated once
                    self.once()
            torch.cuda.synchronize()
            self.graph = torch.cuda.CUDAGraph()
            self.graph.register_generator_state(self.generator)
            self.optimizer.zero_grad(set_to_none=True)
            with torch.cuda.graph(self.graph, stream=self.stream):
                self.once()

    def bound(self, images, generator):
        """The log-likelihood, the KL of the selected codes, and the KL of each code."""
        size = self.config.get("model.size")
        places = encode(self.config, self.parameters, images)
        places = places.reshape(len(images), -1, 2 * size)
        kl, best = divergence(places[..., :size], places[..., size:]).topk(
            self.objects, 1)
        kept = places.gather(1, best[:, :, None].expand(-1, -1, 2 * size))
        mean, log_variance = kept[..., :size], kept[..., size:]
        codes = mean + (log_variance / 2).exp() * torch.randn(
            mean.shape, device=DEVICE, generator=generator)
        logits = decode(self.config, self.parameters, codes, images, "max")
        likelihood = -F.binary_cross_entropy_with_logits(
            logits, images, reduction="none").sum(dim=(1, 2, 3))
        return likelihood, kl.sum(1), kl

    def once(self):
        images, _ = scenes(BATCH, self.sprites, self.generator)
        likelihood, total, _ = self.bound(images, self.generator)
        self.optimizer.zero_grad(set_to_none=True)
        (self.weight * total - likelihood).mean().backward()
        self.optimizer.step()

    def advance(self):
        scheduled = self.step % 50 == 0
        rate, weight = (at_step(self.variant.get(key, value), self.step)
                        for key, value in (("rate", 1e-3), ("weight", 1.0)))
        self.step += 1
        if self.graph is None:
            self.rate.fill_(rate), self.weight.fill_(weight)
            return self.once()
        with torch.cuda.stream(self.stream):
            if scheduled:
                self.rate.fill_(rate), self.weight.fill_(weight)
            self.graph.replay()

    @torch.no_grad()
    def count(self):
        generator = torch.Generator(DEVICE)
        generator.manual_seed(7)
        nelbo, codes, numbers = [], [], []
        for _ in range(2 * 13):
            images, present = scenes(EVALUATED, self.sprites, generator)
            likelihood, total, kl = self.bound(images, generator)
            nelbo.append((total - likelihood).mean().item())
            codes.append(kl)
            numbers.append(present)
        codes = torch.cat(codes).cpu().numpy()
        numbers = torch.cat(numbers).cpu().numpy()
        half = len(numbers) // 2
        candidates = np.unique(np.quantile(codes[:half],
                                           np.linspace(0, 1, 240)))
        threshold = max(candidates, key=lambda x: (
            (codes[:half] > x).sum(1) == numbers[:half]).mean())
        right = (codes[half:] > threshold).sum(1) == numbers[half:]
        by_number = [right[numbers[half:] == n].mean()
                     for n in range(self.sprites + 1)]
        print(json.dumps({
            "name": self.name, "step": self.step,
            "nelbo": round(float(np.mean(nelbo)), 1),
            "threshold": round(float(threshold), 1),
            "accuracy": round(float(right.mean()), 4),
            "balanced": round(float(np.mean(by_number[1:])), 4),
            "by_number": [round(float(x), 3) for x in by_number]}),
            flush=True)


def main():
    parser = argparse.ArgumentParser(
        description="Train variants of MVAE in PyTorch.")
    parser.add_argument("start", help="EXPORT.safetensors, for parameters")
    parser.add_argument("variants", help="VARIANTS.json")
    parser.add_argument("--every", type=int, default=2500, metavar="STEPS",
                        help="count so often (default: 2500)")
    arguments = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    start = Export.read(arguments.start)
    variants = json.loads(Path(arguments.variants).read_text())
    trainings = [Training(name, variant, start)
                 for name, variant in variants.items()]
    while trainings:
        for _ in range(arguments.every):
            for training in trainings:
                if training.step < training.steps:
                    training.advance()
        if DEVICE == "cuda":
            torch.cuda.synchronize()
        for training in trainings:
            training.count()
        trainings = [t for t in trainings if t.step < t.steps]
    return 0


if __name__ == "__main__":
    sys.exit(main())
