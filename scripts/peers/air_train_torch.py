#!/usr/bin/env python3
"""Train AIR with NVIL on multi-MNIST in PyTorch until it counts well.

The peer of `airframe bench accuracy`. Scenes are those of Airframe's default:
0, 1 or 2 digits of 28 / N(1.3, 0.1) pixels at uniform places of 50 x 50, inks
summed, drawn again where a sum exceeds 1. Model and settings are those of
Pyro's tutorial on AIR (priors N(3, 0.2) on the inverse scale and p(n) ~ 0.01^n,
deviation 0.3, decoder's bias -2) with three changes without which it does not
come to count in this time: a rate of 3e-4 in place of 1e-4, a moving average
of the cost beside the baseline, and a prior that falls to 1e-9^n between steps
1,000 and 6,000.

Every --every steps it counts the digits of 2,000 held-out scenes and prints a
line of JSON. Seconds count from the first step: making the scenes is left out,
evaluations are not. It ends once it has reached 98 %, or after --steps.

usage: air_train_torch.py --data FOLDER   (which holds mnist/)
"""
import argparse
import gzip
import json
import os
import time

from common import pin

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", default="data")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--steps", type=int, default=10000)
parser.add_argument("--every", type=int, default=100)
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--rate", type=float, default=3e-4)
parser.add_argument("--scenes", type=int, default=60000)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--goal", type=float, default=0.98)
options = parser.parse_args()
pin(options.threads)

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from air_parts import SplitLSTM, divergence, perceptron, sample

torch.set_num_threads(options.threads)
torch.manual_seed(options.seed)
STEPS, SIDE, GLIMPSE, HIDDEN, CODE, DEVIATION = 3, 50, 28, 256, 50, 0.3


def digits(split):
    path = os.path.join(options.data, "mnist", f"{split}-images-idx3-ubyte.gz")
    with gzip.open(path) as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16)
    return torch.from_numpy(images.reshape(-1, 1, 28, 28).astype(np.float32) / 255)


def scenes(images, count, seed):
    """[count, SIDE * SIDE] bytes, and how many digits each scene has."""
    random = np.random.default_rng(seed)
    numbers = random.permutation(np.arange(count) % 3)
    made = np.zeros((count, SIDE, SIDE), np.uint8)
    for scene, number in zip(made, numbers):
        while True:
            canvas = np.zeros((SIDE, SIDE), np.float32)
            for _ in range(number):
                side = round(28 / random.normal(1.3, 0.1))
                digit = F.interpolate(
                    images[random.integers(len(images))][None], (side, side),
                    mode="bilinear", antialias=True, align_corners=False)
                y, x = random.integers(SIDE - side + 1, size=2)
                canvas[y:y + side, x:x + side] += digit[0, 0].numpy()
            if canvas.max() <= 1:
                break
        scene[:] = np.round(255 * canvas)
    return made.reshape(count, -1), numbers


def count_logits(k):
    """Log odds of a further object at each step, for p(n) ~ k^n up to STEPS."""
    shares = [k ** n for n in range(STEPS + 1)]
    odds = [sum(shares[t + 1:]) / shares[t] for t in range(STEPS)]
    return torch.tensor(odds).log()


class Air(nn.Module):
    def __init__(self):
        super().__init__()
        self.controller = SplitLSTM(SIDE * SIDE, CODE + 4, HIDDEN)
        self.head = perceptron(HIDDEN, 200, 7)
        self.encoder = perceptron(GLIMPSE ** 2, 200, 2 * CODE)
        self.decoder = perceptron(CODE, 200, GLIMPSE ** 2)
        self.baseline = SplitLSTM(SIDE * SIDE, CODE + 4, HIDDEN)
        self.baseline_head = perceptron(HIDDEN, 200, 1)
        self.first_where = nn.Parameter(torch.zeros(1, 3))
        self.first_code = nn.Parameter(torch.zeros(1, CODE))
        with torch.no_grad():
            self.decoder[2].bias -= 2

    def forward(self, images, prior, average=None):
        """With the average cost of what follows each step [STEPS]: the loss,
        and those costs. Without: how many objects each image has, each present
        where that is likelier than not, all else at its mean."""
        trains, batch = average is not None, len(images)
        pixels = images.view(batch, SIDE, SIDE)
        canvas = images.new_zeros(batch, SIDE, SIDE)
        seen = self.controller.look(images)
        seen_too = self.baseline.look(images) if trains else None
        state = state_too = (images.new_zeros(batch, HIDDEN),) * 2
        where = self.first_where.expand(batch, -1)
        code = self.first_code.expand(batch, -1)
        present = images.new_ones(batch, 1)
        number, costs, scores, baselines, alives = 0, [], [], [], []
        for t in range(STEPS):
            alive, latents = present, torch.cat([where, code, present], 1)
            state = self.controller(seen, latents, *state)
            output = self.head(state[0])
            logit = output[:, :1].clamp(-15, 15)
            share = logit.sigmoid()
            present = alive * (torch.bernoulli(share.detach()) if trains
                               else (share > 0.5).float())
            number = number + present
            mean, deviation = output[:, 1:4], F.softplus(output[:, 4:])
            where = mean + deviation * torch.randn_like(mean) if trains else mean
            place = present * divergence(mean, deviation)
            # The prior of the inverse scale is N(3, 0.2), of the shift N(0, 1).
            scale = 1 / (3 + 0.2 * where[:, :1]).clamp(min=0.5)
            x, y = -where[:, 1:2] * scale, -where[:, 2:] * scale
            glimpse = sample(pixels, GLIMPSE, scale, x, y)
            mean, deviation = self.encoder(glimpse.reshape(batch, -1)).chunk(2, 1)
            deviation = F.softplus(deviation)
            code = mean + deviation * torch.randn_like(mean) if trains else mean
            if not trains:
                continue
            state_too = self.baseline(seen_too, latents.detach(), *state_too)
            baselines.append(self.baseline_head(state_too[0]))
            scores.append(-F.softplus(torch.where(present > 0, -logit, logit)))
            alives.append(alive)
            count = alive * (share * (logit - prior[t]) - F.softplus(logit)
                             + F.softplus(prior[t]))
            costs += [count, place + present * divergence(mean, deviation)]
            patch = self.decoder(code).sigmoid().view(batch, GLIMPSE, GLIMPSE)
            canvas = canvas + present[:, :, None] * sample(
                patch, SIDE, 1 / scale, -x / scale, -y / scale)
        if not trains:
            return number[:, 0]
        error = ((pixels - canvas) ** 2).sum((1, 2))[:, None]
        costs = torch.cat(costs + [error / (2 * DEVIATION ** 2)], 1)
        alive = torch.cat(alives, 1)
        # What a decision can still change: all that comes after it.
        rest = costs.detach().flip(1).cumsum(1).flip(1)[:, 1:-1:2]
        misfit = (rest - average - torch.cat(baselines, 1)) * alive
        surrogate = (misfit.detach() * torch.cat(scores, 1)).sum(1)
        loss = (costs.sum(1) + surrogate + (misfit ** 2).sum(1)).mean()
        return loss, (rest * alive).sum(0) / alive.sum(0).clamp(min=1)


train, _ = scenes(digits("train"), options.scenes, 1)
held_out, numbers = scenes(digits("t10k"), 2000, 2)
held_out, numbers = torch.from_numpy(held_out), torch.from_numpy(numbers)
model = Air()
named = list(model.named_parameters())
optimizer = torch.optim.Adam(
    [{"params": [p for n, p in named if not n.startswith("baseline")],
      "lr": options.rate},
     {"params": [p for n, p in named if n.startswith("baseline")], "lr": 1e-3}],
    fused=True)
random = np.random.default_rng(options.seed)
average, start = None, time.perf_counter()
for step in range(1, options.steps + 1):
    share = min(max((step - 1000) / 5000, 0), 1)
    batch = train[random.integers(len(train), size=options.batch)]
    loss, rest = model(torch.from_numpy(batch).float() / 255,
                       count_logits(0.01 * 1e-7 ** share),
                       torch.zeros(STEPS) if average is None else average)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    average = rest if average is None else 0.99 * average + 0.01 * rest
    if step % options.every:
        continue
    with torch.no_grad():
        found = torch.cat([model(part.float() / 255, None)
                           for part in held_out.split(256)])
    accuracy = (found == numbers).float().mean().item()
    print(json.dumps({"seed": options.seed, "step": step,
                      "seconds": round(time.perf_counter() - start, 1),
                      "count_accuracy": round(accuracy, 4)}), flush=True)
    if accuracy >= options.goal:
        break
