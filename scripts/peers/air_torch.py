#!/usr/bin/env python3
"""Time the training step of `airframe bench air` in PyTorch.

Batch 64 of 50 x 50 images, 3 inference steps; an LSTM of 256 over the image and
the previous latents; heads 256-200-7; 28 x 28 glimpses; encoder 784-200-100,
decoder 50-200-784; Normal likelihood of deviation 0.3; NVIL with a second LSTM
as the baseline; Adam. 6.155 million parameters.

--mode eager, or compile (inductor; Adam stays the fused kernel)
--sampler matmul (an axis-aligned window is separable: two small products), or
  grid (grid_sample, as most write it)
--lstm hoist (the image's product once for all steps), or cell (nn.LSTMCell)

The defaults are its best form. MALLOC_MMAP_THRESHOLD_=8589934592
MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456 keep the C library
from giving large buffers back between steps, which costs PyTorch 10 to 45 %.
"""
from common import arguments, measure, pin

options = arguments(__doc__, ["eager", "compile"], sampler=["matmul", "grid"],
                    lstm=["hoist", "cell"])
pin(options.threads)

import torch
import torch.nn.functional as F
from torch import nn

from air_parts import SplitLSTM, divergence, perceptron, sample

torch.set_num_threads(options.threads)
torch.manual_seed(0)
STEPS, SIDE, GLIMPSE, HIDDEN, CODE, DEVIATION = 3, 50, 28, 256, 50, 0.3


class Cell(nn.Module):
    """The same with the library's cell, which multiplies the image at each step."""

    def __init__(self, pixels, fed, hidden):
        super().__init__()
        self.cell = nn.LSTMCell(pixels + fed, hidden)

    def look(self, images):
        return images

    def forward(self, images, fed, hidden, memory):
        return self.cell(torch.cat([images, fed], 1), (hidden, memory))


def grid_sample(images, side, scale, x, y):
    """`sample` with the library's function."""
    zero = torch.zeros_like(scale)
    matrix = torch.stack([torch.cat([scale, zero, x], 1),
                          torch.cat([zero, scale, y], 1)], 1)
    grid = F.affine_grid(matrix, [len(images), 1, side, side],
                         align_corners=False)
    return F.grid_sample(images[:, None], grid, align_corners=False)[:, 0]


def recurrence():
    kind = Cell if options.lstm == "cell" else SplitLSTM
    return kind(SIDE * SIDE, CODE + 4, HIDDEN)


read = grid_sample if options.sampler == "grid" else sample


class Air(nn.Module):
    def __init__(self):
        super().__init__()
        self.controller = recurrence()
        self.head = perceptron(HIDDEN, 200, 7)
        self.encoder = perceptron(GLIMPSE ** 2, 200, 2 * CODE)
        self.decoder = perceptron(CODE, 200, GLIMPSE ** 2)
        self.baseline, self.baseline_head = recurrence(), nn.Linear(HIDDEN, 1)
        with torch.no_grad():
            self.head[2].bias[1] = 0.7

    def forward(self, images, center):
        """The loss to differentiate and the mean negative bound."""
        batch, canvas = len(images), images.new_zeros(len(images), SIDE, SIDE)
        pixels = images.view(batch, SIDE, SIDE)
        seen, seen_too = self.controller.look(images), self.baseline.look(images)
        state = state_too = (images.new_zeros(batch, HIDDEN),) * 2
        where, code = images.new_zeros(batch, 3), images.new_zeros(batch, CODE)
        present, alive = images.new_zeros(batch, 1), images.new_ones(batch, 1)
        kl, scores, baselines = 0, [], []
        for _ in range(STEPS):
            latents = torch.cat([where, code, present], 1)
            state = self.controller(seen, latents, *state)
            state_too = self.baseline(seen_too, latents.detach(), *state_too)
            output = self.head(state[0])
            logit = output[:, :1].clamp(-10, 10)
            share = logit.sigmoid()
            present = torch.bernoulli(share.detach()) * alive
            scores.append(-alive * F.softplus(
                torch.where(present > 0, -logit, logit)))
            baselines.append(alive * self.baseline_head(state_too[0]))
            # From Bernoulli(1/2), as long as the last object was there.
            kl = kl + alive * (share * logit - F.softplus(logit) + 0.6931472)
            mean, deviation = output[:, 1:4], F.softplus(output[:, 4:])
            where = mean + deviation * torch.randn_like(deviation)
            kl = kl + present * divergence(mean, deviation)
            scale = where[:, :1].clamp(min=0.1)
            x, y = where[:, 1:2], where[:, 2:]
            glimpse = read(pixels, GLIMPSE, scale, x, y)
            mean, deviation = self.encoder(glimpse.reshape(batch, -1)).chunk(2, 1)
            deviation = F.softplus(deviation)
            code = mean + deviation * torch.randn_like(deviation)
            kl = kl + present * divergence(mean, deviation)
            patch = self.decoder(code).sigmoid().view(batch, GLIMPSE, GLIMPSE)
            canvas = canvas + present[:, :, None] * read(
                patch, SIDE, 1 / scale, -x / scale, -y / scale)
            alive = present
        error = ((pixels - canvas) ** 2).sum((1, 2))[:, None]
        bound = error / (2 * DEVIATION ** 2) + kl
        signal = bound.detach() - center
        baselines, scores = torch.cat(baselines, 1), torch.cat(scores, 1)
        surrogate = ((signal - baselines.detach()) * scores).sum(1)
        misfit = ((signal - baselines) ** 2 * (scores != 0)).sum(1)
        return (bound[:, 0] + surrogate + misfit).mean(), bound.detach().mean()


model = Air()
named = list(model.named_parameters())
optimizer = torch.optim.Adam(
    [{"params": [p for n, p in named if not n.startswith("baseline")], "lr": 1e-4},
     {"params": [p for n, p in named if n.startswith("baseline")], "lr": 1e-3}],
    fused=True)
run = torch.compile(model) if options.mode == "compile" else model
center = torch.zeros(())


def step(batch):
    loss, bound = run(torch.from_numpy(batch), center)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    center.mul_(0.9).add_(bound, alpha=0.1)
    return bound.item()


measure("torch", torch.__version__, options, step)
