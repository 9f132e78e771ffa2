#!/usr/bin/env python3
"""Time the training step of `airframe bench mvae` in PyTorch.

The same step: batch 64 of 64 x 64 x 3 images; an encoder of four 3 x 3
convolutions (32, 32, 64, 64; pooled by 2 after the first three), two channels
of coordinates, 3 x 3 to 64 and 1 x 1 to 24: the means and log-variances of
8 x 8 posteriors over 12 numbers; the 5 of highest KL are sampled and decoded
(12 -> 256 -> 16 x 8 x 8, 32 and 32 channels, each doubled), united by their
maximum, and drawn (32, doubled, 32, 3 logits); Bernoulli likelihood and KL;
Adam at 1e-3.  Eager, or compiled with --compile; maps with their channels
last, or first with --channels-first.

How:    MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184
        MALLOC_TOP_PAD_=268435456 python mvae_torch.py --threads 1

(Those keep the C library from giving large buffers back between steps, which
costs PyTorch 10 to 45 % of a step.)  Prints one line of JSON.

Needs:  Python 3.10+, torch, numpy.  Written with torch 2.15.0.
"""

import argparse
import json
import resource
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

OBJECTS, SIZE, BATCH, SIDE = 5, 12, 64, 64


def convolution(inputs, outputs, side=3):
    return nn.Conv2d(inputs, outputs, side, padding=side // 2)


def doubled(maps):
    return F.interpolate(maps, scale_factor=2, mode="bilinear",
                         align_corners=False)


class MVAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleList([
            convolution(3, 32), convolution(32, 32), convolution(32, 64),
            convolution(64, 64)])
        self.places = convolution(66, 64)
        self.output = convolution(64, 2 * SIZE, 1)
        self.dense = nn.ModuleList([nn.Linear(SIZE, 256),
                                    nn.Linear(256, 1024)])
        self.object = nn.ModuleList([convolution(16, 32), convolution(32, 32)])
        self.scene = nn.ModuleList([convolution(32, 32), convolution(32, 32)])
        self.logits = convolution(32, 3)
        at = (2 * torch.arange(8) + 1) / 8 - 1
        self.register_buffer("tags", torch.stack([
            at.expand(8, 8), at[:, None].expand(8, 8)])[None])

    def forward(self, images, noise):
        maps = images
        for index, layer in enumerate(self.encoder):
            maps = F.elu(layer(maps))
            if index < 3:
                maps = F.max_pool2d(maps, 2)
        maps = torch.cat([maps, self.tags.expand(len(maps), -1, -1, -1)], 1)
        found = self.output(F.elu(self.places(maps)))
        found = found.permute(0, 2, 3, 1).reshape(len(images), 64, 2 * SIZE)
        mean, log_variance = found.chunk(2, dim=2)
        kl = 0.5 * (log_variance.exp() + mean ** 2 - 1 - log_variance).sum(2)
        kl, best = kl.topk(OBJECTS, dim=1)
        index = best[:, :, None].expand(-1, -1, SIZE)
        codes = (mean.gather(1, index)
                 + (log_variance.gather(1, index) / 2).exp() * noise)
        x = codes.reshape(-1, SIZE)
        for layer in self.dense:
            x = F.elu(layer(x))
        maps = x.reshape(-1, 16, 8, 8)
        if images.is_contiguous(memory_format=torch.channels_last):
            maps = maps.contiguous(memory_format=torch.channels_last)
        for layer in self.object:
            maps = doubled(F.elu(layer(maps)))
        maps = maps.reshape(len(images), OBJECTS, *maps.shape[1:]).amax(1)
        maps = doubled(F.elu(self.scene[0](maps)))
        logits = self.logits(F.elu(self.scene[1](maps)))
        likelihood = -F.binary_cross_entropy_with_logits(
            logits, images, reduction="none").sum((1, 2, 3))
        return (kl.sum(1) - likelihood).mean()


def main():
    parser = argparse.ArgumentParser(
        description="Time a training step of MVAE in PyTorch.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--channels-first", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    layout = (torch.contiguous_format if arguments.channels_first
              else torch.channels_last)
    model = MVAE().to(memory_format=layout)
    run = torch.compile(model) if arguments.compile else model
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=True)
    images = torch.rand(BATCH, 3, SIDE, SIDE)
    images = (images * (images > 0.8)).to(memory_format=layout)

    def step():
        loss = run(images, torch.randn(BATCH, OBJECTS, SIZE))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss

    for _ in range(3):
        step()
    times, end = [], time.perf_counter() + arguments.seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        loss = step()
        times.append(1000 * (time.perf_counter() - start))
    print(json.dumps({
        "benchmark": "mvae", "torch": torch.__version__,
        "threads": arguments.threads,
        "ms_per_step_median": round(float(np.median(times)), 2),
        "ms_per_step_minimum": round(min(times), 2), "steps": len(times),
        "parameters": sum(p.numel() for p in model.parameters()),
        "loss": round(loss.item(), 1),
        "peak_megabytes": round(resource.getrusage(
            resource.RUSAGE_SELF).ru_maxrss * 1.024 / 1000, 1)}))


if __name__ == "__main__":
    main()
