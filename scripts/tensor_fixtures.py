#!/usr/bin/env python3
"""Generate fixtures for the tensor operations with PyTorch.

What: one file `<operation>.safetensors` per operation, with inputs, outputs,
output cotangents (random, never all ones) and the resulting gradients of the
inputs.  Inputs and cotangents are rounded to float32 first.  The rest is
computed from those values in float64 and stored as float32, so a fixture is
accurate to the last digit of float32.

How:    python tensor_fixtures.py [--out DIR] [--date YYYY-MM-DD]
                (default DIR: Tests/TensorsTests/Fixtures in this repository)

The same versions and date give the same bytes: every case has its own random
stream, which its name determines.

Layout: all tensors are F32, little endian, row-major.
        <case>/inputs/<name>       <case>/outputs/<name>
                <case>/cotangents/<name>   one for each output, same name and shape
                <case>/gradients/<name>    one for each input that has a gradient
    Optimizers (no cotangents):
        <case>/inputs/initial, <case>/inputs/gradient.<n>, n = 1, 2, 3
        <case>/outputs/parameter.<n>: the parameter after n updates
    Metadata (strings): `generator`, `torch`, `numpy`, `date`, `operation`,
    `cases` (names, separated by spaces) and `<case>.<key>` for parameters of
    an operation.

Written with Python 3.11, torch 2.15.0, numpy 2.4.6, safetensors 0.8.0.
"""

import argparse
import datetime
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load

LARGEST_FILE = 30_000
LARGEST_TOTAL = 400_000

FIXTURES = {}  # operation -> function that fills a Fixture


def operation(function):
    """Register a function that fills <its name>.safetensors."""
    FIXTURES[function.__name__] = function
    return function


def safetensors_bytes(tensors, metadata):
    """A safetensors file with all entries sorted by name.

    The library's writer puts the metadata in random order, so that no two
    files are the same.
    """
    header, offset = {"__metadata__": dict(sorted(metadata.items()))}, 0
    for name, values in sorted(tensors.items()):
        assert values.dtype == np.float32
        end = offset + values.nbytes
        header[name] = {"dtype": "F32", "shape": list(values.shape),
                        "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text]
                    + [values.astype("<f4").tobytes()
                       for _, values in sorted(tensors.items())])


class Fixture:
    """The cases of one operation."""

    def __init__(self, operation):
        self.operation = operation
        self.cases, self.tensors, self.metadata = [], {}, {}

    def random(self, case):
        """The random stream of a case."""
        return np.random.default_rng(
            zlib.crc32(f"{self.operation}/{case}".encode()))

    def begin(self, case, settings):
        assert case not in self.cases
        self.cases.append(case)
        for key, value in settings.items():
            self.metadata[f"{case}.{key}"] = str(value)

    def store(self, case, group, name, values):
        values = np.asarray(values, dtype=np.float32)
        assert np.isfinite(values).all(), (self.operation, case, group, name)
        self.tensors[f"{case}/{group}/{name}"] = np.ascontiguousarray(values)

    def add(self, case, function, inputs, constants=(), **settings):
        """Run a case.

        function: called with the inputs by name, in float64; returns a
            tensor, or a dict of tensors for several outputs.
        inputs: name -> array, rounded to float32 here.
        constants: names of the inputs without a gradient.
        """
        self.begin(case, settings)
        leaves = {}
        for name, values in inputs.items():
            rounded = np.asarray(values, dtype=np.float32)
            self.store(case, "inputs", name, rounded)
            leaves[name] = torch.from_numpy(rounded.astype(np.float64))
        sources = {name: leaf.requires_grad_(True)
                   for name, leaf in leaves.items() if name not in constants}
        outputs = function(**leaves)
        if not isinstance(outputs, dict):
            outputs = {"output": outputs}
        random = self.random(f"{case}/cotangents")
        cotangents = {}
        for name, output in outputs.items():
            assert output.dtype == torch.float64
            values = random.normal(size=output.shape).astype(np.float32)
            self.store(case, "outputs", name, output.detach())
            self.store(case, "cotangents", name, values)
            cotangents[name] = torch.from_numpy(values.astype(np.float64))
        gradients = torch.autograd.grad(
            list(outputs.values()), list(sources.values()),
            list(cotangents.values()))
        for name, gradient in zip(sources, gradients):
            self.store(case, "gradients", name, gradient)

    def write(self, folder, date):
        metadata = {
            "generator": "scripts/tensor_fixtures.py",
            "torch": torch.__version__,
            "numpy": np.__version__,
            "date": date,
            "operation": self.operation,
            "cases": " ".join(self.cases),
            **self.metadata,
        }
        data = safetensors_bytes(self.tensors, metadata)
        for name, values in load(data).items():  # check that the library reads it
            np.testing.assert_array_equal(values, self.tensors[name])
        assert len(data) < LARGEST_FILE, f"{self.operation}: {len(data)}"
        (folder / f"{self.operation}.safetensors").write_bytes(data)
        return len(data)


def away_from_zero(random, shape, least=0.05):
    """Normal values, none of them close to a kink at zero."""
    values = random.normal(size=shape)
    return np.where(values < 0, values - least, values + least)


def softplus(x):
    """Without the linear part that torch's own has beyond 20."""
    return torch.logaddexp(x, torch.zeros((), dtype=x.dtype))


# --------------------------------------------------------------------------
# Products and layers
# --------------------------------------------------------------------------

@operation
def matmul(fixture):
    """op(a) op(b), where op is the transposition or the identity."""
    m, n, k = 5, 4, 7
    for case, left, right in (("plain", False, False),
                              ("transposed-left", True, False),
                              ("transposed-right", False, True),
                              ("transposed-both", True, True)):
        random = fixture.random(case)
        fixture.add(
            case,
            lambda a, b, left=left, right=right: (
                (a.T if left else a) @ (b.T if right else b)),
            {"a": random.normal(size=(k, m) if left else (m, k)),
             "b": random.normal(size=(n, k) if right else (k, n))},
            transposed_left=str(left).lower(),
            transposed_right=str(right).lower())


@operation
def dense(fixture):
    """activation(x W + b), W [inputs, outputs]."""
    activations = {"identity": lambda x: x, "relu": torch.relu,
                   "sigmoid": torch.sigmoid, "tanh": torch.tanh,
                   "softplus": softplus}
    for case, activation in activations.items():
        random = fixture.random(case)
        while True:
            inputs = {"input": random.normal(size=(6, 9)),
                      "weight": random.normal(size=(9, 5)) * 0.6,
                      "bias": random.normal(size=5)}
            before = inputs["input"] @ inputs["weight"] + inputs["bias"]
            if np.abs(before).min() > 1e-2:  # away from the kink of relu
                break
        fixture.add(
            case,
            lambda input, weight, bias, activation=activation: activation(
                input @ weight + bias),
            inputs, activation=case)


@operation
def transposed_convolution(fixture):
    """Transposed convolution with channels last (torch has them first)."""
    for case, shape, outputs, side, stride, padding in (
            ("doubling", (2, 3, 4, 5), 3, 4, 2, 1),
            ("odd", (1, 4, 2, 2), 4, 3, 1, 0),
            ("gaps", (2, 2, 3, 1), 2, 2, 3, 0),
            ("cropped", (1, 3, 3, 2), 1, 5, 2, 2)):
        random = fixture.random(case)
        fixture.add(
            case,
            lambda input, kernel, stride=stride, padding=padding:
                F.conv_transpose2d(
                    input.permute(0, 3, 1, 2), kernel.permute(0, 3, 1, 2),
                    stride=stride, padding=padding).permute(0, 2, 3, 1),
            {"input": random.normal(size=shape),
             "kernel": random.normal(size=(shape[3], side, side, outputs))},
            stride=stride, padding=padding)


@operation
def convolution(fixture):
    """Convolution of maps with channels last (torch has them first).

    The maps are upsampled, convolved, activated and pooled, in this order.
    """
    for case, shape, outputs, side, settings in (
            ("plain", (2, 4, 5, 3), 4, 3, {"padding": 1}),
            ("strided", (1, 6, 7, 2), 3, 3, {"stride": 2}),
            ("pointwise", (2, 3, 2, 6), 5, 1, {}),
            ("wide", (1, 5, 4, 17), 2, 5, {"padding": 2}),
            ("pooled", (2, 4, 4, 3), 5, 3, {"padding": 1, "pooling": 2}),
            ("enlarged", (2, 3, 2, 4), 3, 3,
             {"padding": 1, "upsampling": 2})):
        random = fixture.random(case)
        settings = {"stride": 1, "padding": 0, "upsampling": 1, "pooling": 1,
                    **settings}

        def layer(input, kernel, bias, s=settings):
            maps = input.permute(0, 3, 1, 2)
            if s["upsampling"] > 1:
                maps = F.interpolate(
                    maps, scale_factor=s["upsampling"], mode="bilinear",
                    align_corners=False)
            maps = F.elu(F.conv2d(
                maps, kernel.permute(3, 2, 0, 1), bias, stride=s["stride"],
                padding=s["padding"]))
            return F.max_pool2d(maps, s["pooling"]).permute(0, 2, 3, 1)

        fixture.add(
            case, layer,
            {"input": random.normal(size=shape),
             "kernel": random.normal(size=(side, side, shape[3], outputs)),
             "bias": random.normal(size=outputs)}, **settings)


@operation
def maps(fixture):
    """Pooling and upsampling of maps with channels last."""
    for case, shape, function in (
            ("max-pool-2", (2, 4, 6, 3), lambda x: F.max_pool2d(x, 2)),
            ("max-pool-3", (1, 6, 3, 2), lambda x: F.max_pool2d(x, 3)),
            ("upsample-2", (2, 3, 4, 3), lambda x: F.interpolate(
                x, scale_factor=2, mode="bilinear", align_corners=False)),
            ("upsample-3", (1, 2, 3, 2), lambda x: F.interpolate(
                x, scale_factor=3, mode="bilinear", align_corners=False))):
        fixture.add(
            case,
            lambda input, function=function:
                function(input.permute(0, 3, 1, 2)).permute(0, 2, 3, 1),
            {"input": fixture.random(case).normal(size=shape)})


@operation
def objects(fixture):
    """Combine several objects [image, object, ...] into one image."""
    for case, function in (("max", lambda x: x.amax(dim=1)),
                           ("sum", lambda x: x.sum(dim=1))):
        fixture.add(case, lambda input, function=function: function(input),
                    {"input": fixture.random(case).normal(size=(2, 3, 4, 5))})


@operation
def top_places(fixture):
    """The rows of the places with the highest scores, in this order."""
    for case, count in (("three", 3), ("all", 6)):
        random = fixture.random(case)

        def pick(table, scores, count=count):
            best = scores.topk(count, dim=1).indices
            return table.gather(
                1, best[:, :, None].expand(-1, -1, table.shape[2]))

        fixture.add(case, pick,
                    {"table": random.normal(size=(2, 6, 4)),
                     "scores": random.normal(size=(2, 6))},
                    constants=("scores",), count=count)


@operation
def bernoulli_logits(fixture):
    """log p(image | logits), summed over pixels; gray pixels are soft."""
    for case, spread in (("ordinary", 1.0), ("large", 40.0)):
        random = fixture.random(case)
        fixture.add(
            case,
            lambda image, logits: -F.binary_cross_entropy_with_logits(
                logits, image, reduction="none").sum(dim=(1, 2)),
            {"image": random.uniform(size=(3, 4, 5)),
             "logits": random.normal(size=(3, 4, 5)) * spread},
            constants=("image",))


@operation
def lstm_cell(fixture):
    """Gates in the order input, forget, cell, output (torch.nn.LSTMCell)."""
    def cell_of(gates, cell):
        i, f, g, o = gates.chunk(4, dim=1)
        following = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        return {"hidden": torch.sigmoid(o) * torch.tanh(following),
                "cell": following}

    def torch_cell(gates, cell):
        """The same by torch.nn.LSTMCell with the identity as input weight."""
        units = cell.shape[1]
        layer = torch.nn.LSTMCell(4 * units, units, bias=False,
                                  dtype=torch.float64)
        with torch.no_grad():
            layer.weight_ih.copy_(torch.eye(4 * units))
            layer.weight_hh.zero_()
        return layer(gates, (torch.zeros_like(cell), cell))

    for case, spread in (("ordinary", 1.0), ("saturated", 15.0)):
        random = fixture.random(case)
        inputs = {"gates": random.normal(size=(4, 4 * 6)) * spread,
                  "cell": random.normal(size=(4, 6))}
        given = [torch.from_numpy(values) for values in inputs.values()]
        for a, b in zip(cell_of(*given).values(), torch_cell(*given)):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)
        fixture.add(case, cell_of, inputs, units=6,
                    gates="input forget cell output")


# --------------------------------------------------------------------------
# Elementwise
# --------------------------------------------------------------------------

@operation
def unary(fixture):
    """One case per function: ordinary values, then large and small ones."""
    far = [-100, -88, -50, -30, -20.5, -10, -5, 5, 10, 20.5, 30, 50, 88, 100]
    tiny = [1e-3, -1e-3, 1e-6, -1e-6, 1e-12, -1e-12]
    positive = [1e-30, 1e-12, 1e-6, 1e-3, 0.999999, 1.000001, 10, 1e3, 1e6,
                1e12, 1e30]
    functions = {
        "exp": (torch.exp, [-87, -50, -20, -10, -5, 5, 10, 20, 50, 80]
                + tiny),
        "log": (torch.log, positive),
        "sigmoid": (torch.sigmoid, far + tiny),
        "tanh": (torch.tanh, far + tiny),
        "softplus": (softplus, far + tiny),
        "relu": (torch.relu, far + tiny),
        "elu": (F.elu, far + tiny),
        "square": (torch.square, far + tiny + [1e15, -1e15]),
        "sqrt": (torch.sqrt, positive),
    }
    for case, (function, extremes) in functions.items():
        values = away_from_zero(fixture.random(case), 16, least=1e-2) * 2
        if case in ("log", "sqrt"):
            values = np.abs(values)
        settings = {"alpha": 1.0} if case == "elu" else {}
        fixture.add(case, function=lambda input, f=function: f(input),
                    inputs={"input": np.concatenate([values, extremes])},
                    **settings)


# --------------------------------------------------------------------------
# Reductions
# --------------------------------------------------------------------------

def reduction_cases(fixture, function):
    """Ordinary, widely spread and distant logits; the last axis, then 1."""
    for case, shape, spread, offset, axis in (
            ("ordinary", (4, 6), 1.0, 0.0, -1),
            ("spread", (4, 6), 40.0, 0.0, -1),
            ("far-off", (4, 6), 2.0, 1000.0, -1),
            ("far-off-negative", (4, 6), 2.0, -1000.0, -1),
            ("single", (3, 1), 1.0, 0.0, -1),
            ("rank-3", (2, 3, 5), 2.0, 0.0, -1),
            ("middle-axis", (2, 3, 5), 2.0, 0.0, 1)):
        values = fixture.random(case).normal(size=shape) * spread + offset
        fixture.add(case, lambda input, axis=axis: function(input, dim=axis),
                    {"input": values},
                    axis=axis % len(shape))


@operation
def softmax(fixture):
    reduction_cases(fixture, torch.softmax)


@operation
def logsumexp(fixture):
    """logsumexp; the output lacks the reduced axis."""
    reduction_cases(fixture, torch.logsumexp)


# --------------------------------------------------------------------------
# Sampling through a window
# --------------------------------------------------------------------------

@operation
def affine_sampling(fixture):
    """Bilinear sampling at [[a, b, tx], [c, d, ty]] (x, y, 1).

    `transforms` [batch, 6] hold (a, b, tx, c, d, ty); (x, y) are the
    output's pixel centers at (2 i + 1) / N - 1, x along the columns; zero
    outside (F.grid_sample, bilinear, zeros, align_corners=False).
    """
    def sampled(image, transforms, height, width):
        size = (image.shape[0], image.shape[1], height, width)
        grid = F.affine_grid(transforms.reshape(-1, 2, 3), size,
                             align_corners=False)
        return F.grid_sample(image, grid, mode="bilinear",
                             padding_mode="zeros", align_corners=False)

    def clearance(transforms, source, target):
        """The smallest distance of a sample from a row or column of the source."""
        grid = F.affine_grid(
            torch.from_numpy(transforms).reshape(-1, 2, 3),
            (len(transforms), 1, *target), align_corners=False)
        x = ((grid[..., 0] + 1) * source[1] - 1) / 2
        y = ((grid[..., 1] + 1) * source[0] - 1) / 2
        return min((v - v.round()).abs().min().item() for v in (x, y))

    def rotated_sheared(random, batch):
        angle = random.uniform(-1.5, 1.5, size=batch)
        shear = random.uniform(-0.5, 0.5, size=batch)
        scale = random.uniform(0.3, 0.8, size=(batch, 2))
        rotation = np.array([[np.cos(angle), -np.sin(angle)],
                             [np.sin(angle), np.cos(angle)]])
        shears = np.array([[np.ones(batch), shear],
                           [np.zeros(batch), np.ones(batch)]])
        matrix = np.einsum("bi,ijb,jkb->bik", scale, rotation, shears)
        return matrix, random.uniform(-0.3, 0.3, size=(batch, 2))

    def aligned(random, batch):
        scale = random.uniform(0.3, 0.9, size=(batch, 2))
        matrix = np.einsum("bi,ij->bij", scale, np.eye(2))
        return matrix, random.uniform(-0.4, 0.4, size=(batch, 2))

    def half_outside(random, batch):
        matrix, _ = aligned(random, batch)
        sign = random.choice([-1, 1], size=(batch, 2))
        return matrix, sign * random.uniform(0.7, 1.2, size=(batch, 2))

    def magnified(random, batch):
        """Sampling finer than a pixel: many samples between the same four pixels."""
        matrix, shift = rotated_sheared(random, batch)
        return 0.2 * matrix, shift

    def inverse_of(function, share):
        def maps(random, batch):
            matrix, shift = function(random, batch)
            matrix = np.linalg.inv(share * matrix)
            return matrix, -np.einsum("bij,bj->bi", matrix, shift)
        return maps

    for case, maps, batch, channels, source, target in (
            ("read-rotated-sheared", rotated_sheared, 2, 2, (12, 10), (7, 6)),
            ("read-aligned", aligned, 3, 1, (12, 10), (7, 6)),
            ("read-aligned-channels", aligned, 2, 3, (7, 8), (5, 6)),
            ("read-half-outside", half_outside, 2, 1, (12, 10), (7, 6)),
            ("read-magnified", magnified, 2, 1, (8, 7), (7, 6)),
            ("write-aligned", inverse_of(aligned, 0.5), 2, 1, (6, 5),
             (13, 14)),
            ("write-rotated-sheared", inverse_of(rotated_sheared, 0.6), 2, 1,
             (6, 5), (11, 12))):
        random = fixture.random(case)
        while True:  # no sample at a jump of the gradient
            matrix, shift = maps(random, batch)
            transforms = np.concatenate(
                [matrix, shift[:, :, None]], axis=2).reshape(batch, 6)
            transforms = transforms.astype(np.float32).astype(np.float64)
            if clearance(transforms, source, target) > 1e-4:
                break
        fixture.add(
            case,
            lambda image, transforms, size=target: sampled(
                image, transforms, *size),
            {"image": random.normal(size=(batch, channels, *source)),
             "transforms": transforms},
            height=target[0], width=target[1])
        output = fixture.tensors[f"{case}/outputs/output"]
        if case.startswith("write"):
            assert (output == 0).mean() > 0.5, case
        if case == "read-half-outside":
            assert 0.1 < (output == 0).mean() < 0.9, case


# --------------------------------------------------------------------------
# Distributions
# --------------------------------------------------------------------------

@operation
def normal_kl(fixture):
    """KL(N(mean, deviation^2) || prior), summed over the last axis."""
    def divergence(mean, deviation, prior_mean, prior_deviation):
        return torch.distributions.kl_divergence(
            torch.distributions.Normal(mean, deviation),
            torch.distributions.Normal(prior_mean, prior_deviation)).sum(-1)

    for case, prior_shape in (("prior-per-row", (5, 3)),
                              ("prior-shared", (3,)),
                              ("narrow", (3,))):
        random = fixture.random(case)
        least, most = (1e-3, 1e-2) if case == "narrow" else (0.2, 2.0)
        fixture.add(case, divergence, {
            "mean": random.normal(size=(5, 3)),
            "deviation": random.uniform(least, most, size=(5, 3)),
            "prior_mean": random.normal(size=prior_shape),
            "prior_deviation": random.uniform(0.2, 2.0, size=prior_shape)})


@operation
def normal_log_likelihood(fixture):
    """log N(image; canvas, deviation^2) with its constant, summed."""
    deviation = 0.3
    for case in ("ordinary", "far"):
        random = fixture.random(case)
        image = random.uniform(0, 1, size=(4, 30))
        canvas = random.uniform(0, 1.3, size=(4, 30))
        if case == "far":
            canvas = canvas + 20 * random.normal(size=canvas.shape)
        fixture.add(
            case,
            lambda image, canvas: torch.distributions.Normal(
                canvas, deviation).log_prob(image).sum(-1),
            {"image": image, "canvas": canvas}, deviation=deviation)


class ClippedBernoulli(torch.autograd.Function):
    """x log y + (1 - x) log(1 - y), where y is the canvas clipped on both sides.

    The gradient is zero where the canvas is below epsilon; where it is above
    1 - epsilon it is the gradient at the clip (straight-through).
    """

    @staticmethod
    def forward(context, image, canvas, epsilon):
        y = canvas.clamp(epsilon, 1 - epsilon)
        context.save_for_backward(image, canvas, y)
        context.epsilon = epsilon
        return image * torch.log(y) + (1 - image) * torch.log1p(-y)

    @staticmethod
    def backward(context, cotangent):
        image, canvas, y = context.saved_tensors
        slope = image / y - (1 - image) / (1 - y)
        slope = torch.where(canvas < context.epsilon, 0.0, slope)
        return None, cotangent * slope, None


@operation
def bernoulli_log_likelihood(fixture):
    """The likelihood summed over the last axis; gray pixels are soft targets."""
    epsilon = 1e-6
    edges = [0.0, 1e-7, 9e-7, 1.1e-6, 1e-5, 1e-3, 0.999, 0.99999, 1.0, 1.2,
             2.5]
    for case in ("binary", "gray", "clipped"):
        random = fixture.random(case)
        image = random.uniform(0, 1, size=(4, 22))
        if case != "gray":
            image = np.round(image)
        canvas = random.uniform(0.01, 0.99, size=(4, 22))
        if case == "clipped":  # each clipping edge, with a black and a white target
            canvas[:] = np.repeat(edges, 2)
            image[:2] = np.tile([0.0, 1.0], len(edges))
        fixture.add(
            case,
            lambda image, canvas: ClippedBernoulli.apply(
                image, canvas, epsilon).sum(-1),
            {"image": image, "canvas": canvas}, constants=("image",),
            epsilon="1e-6")


# --------------------------------------------------------------------------
# Rearranging values
# --------------------------------------------------------------------------

@operation
def gather(fixture):
    """Rows of a table by index; the indices are whole numbers in F32."""
    for case, rows, shape, indices in (
            ("repeated", 6, (4,), [5, 0, 2, 2, 2, 5, 1]),
            ("single", 3, (2,), [1]),
            ("rank-3", 4, (2, 3), [3, 3, 0])):
        table = fixture.random(case).normal(size=(rows, *shape))
        fixture.add(case, lambda table, indices: table[indices.long()],
                    {"table": table, "indices": indices},
                    constants=("indices",))


@operation
def concatenation(fixture):
    """Inputs `0`, `1`, .. concatenated along an axis."""
    for case, axis, shapes in (
            ("last-axis", 1, [(3, 2), (3, 4), (3, 1)]),
            ("first-axis", 0, [(2, 3), (1, 3)]),
            ("middle-axis", 1, [(2, 3, 2), (2, 1, 2), (2, 2, 2)]),
            ("one", 1, [(3, 2)])):
        random = fixture.random(case)
        fixture.add(
            case,
            lambda axis=axis, **parts: torch.cat(list(parts.values()), axis),
            {str(i): random.normal(size=shape)
             for i, shape in enumerate(shapes)}, axis=axis)


# --------------------------------------------------------------------------
# Optimizers
# --------------------------------------------------------------------------

def optimizer_case(fixture, case, optimizer, rule, settings, labels=None):
    """Three updates by torch.optim, checked against the update rule.

    rule(parameter, gradient, state, n) returns the parameter after update n.
    """
    random = fixture.random(case)
    shape = (4, 6)
    initial = random.normal(size=shape).astype(np.float32)
    # Magnitudes from 1e-4 to 1e3, one element that never gets a gradient and
    # one whose first gradient is zero.
    size = 10.0 ** random.uniform(-4, 3, size=shape)
    gradients = [(random.normal(size=shape) * size).astype(np.float32)
                 for _ in range(3)]
    for gradient in gradients:
        gradient[0, 0] = 0
    gradients[0][1, 1] = 0

    fixture.begin(case, {**settings, **(labels or {})})
    fixture.store(case, "inputs", "initial", initial)
    parameter = torch.nn.Parameter(
        torch.from_numpy(initial.astype(np.float64)))
    updates = optimizer([parameter])
    written_out, state = initial.astype(np.float64), {}
    for n, gradient in enumerate(gradients, start=1):
        fixture.store(case, "inputs", f"gradient.{n}", gradient)
        parameter.grad = torch.from_numpy(gradient.astype(np.float64))
        updates.step()
        written_out = rule(written_out, gradient.astype(np.float64), state, n)
        np.testing.assert_allclose(parameter.detach().numpy(), written_out,
                                   rtol=1e-10, atol=1e-14)
        fixture.store(case, "outputs", f"parameter.{n}", parameter.detach())


@operation
def adam(fixture):
    """m, v with bias correction: p -= rate m^ / (sqrt(v^) + epsilon)."""
    for case, rate, beta1, beta2, epsilon in (
            ("defaults", 1e-3, 0.9, 0.999, 1e-8),
            ("other", 0.1, 0.5, 0.9, 1e-3)):
        def rule(p, g, state, n, rate=rate, beta1=beta1, beta2=beta2,
                 epsilon=epsilon):
            m = state["m"] = beta1 * state.get("m", 0) + (1 - beta1) * g
            v = state["v"] = beta2 * state.get("v", 0) + (1 - beta2) * g * g
            return p - rate * (m / (1 - beta1 ** n)) / (
                np.sqrt(v / (1 - beta2 ** n)) + epsilon)

        optimizer_case(
            fixture, case,
            lambda p, rate=rate, betas=(beta1, beta2), epsilon=epsilon:
            torch.optim.Adam(p, lr=rate, betas=betas, eps=epsilon),
            rule, {"rate": rate, "beta1": beta1, "beta2": beta2,
                   "epsilon": epsilon})


@operation
def rmsprop(fixture):
    """v = decay v + (1 - decay) g^2; b = momentum b + rate g / (sqrt v + e).

    p -= b.  torch keeps b without the rate, which is the same for a constant
    rate.
    """
    for case, rate, decay, momentum, epsilon in (
            ("momentum", 1e-2, 0.9, 0.9, 1e-8),
            ("plain", 1e-3, 0.99, 0.0, 1e-8),
            ("large-epsilon", 1e-2, 0.9, 0.5, 0.1)):
        def rule(p, g, state, n, rate=rate, decay=decay, momentum=momentum,
                 epsilon=epsilon):
            v = state["v"] = decay * state.get("v", 0) + (1 - decay) * g * g
            b = state["b"] = (momentum * state.get("b", 0)
                              + rate * g / (np.sqrt(v) + epsilon))
            return p - b

        optimizer_case(
            fixture, case,
            lambda p, rate=rate, decay=decay, momentum=momentum,
            epsilon=epsilon: torch.optim.RMSprop(
                p, lr=rate, alpha=decay, momentum=momentum, eps=epsilon),
            rule, {"rate": rate, "decay": decay, "momentum": momentum,
                   "epsilon": epsilon})


@operation
def sgd(fixture):
    """b = momentum b + g; p -= rate b."""
    for case, rate, momentum in (("momentum", 1e-2, 0.9),
                                 ("plain", 1e-1, 0.0)):
        def rule(p, g, state, n, rate=rate, momentum=momentum):
            b = state["b"] = momentum * state.get("b", 0) + g
            return p - rate * b

        optimizer_case(
            fixture, case,
            lambda p, rate=rate, momentum=momentum: torch.optim.SGD(
                p, lr=rate, momentum=momentum),
            rule, {"rate": rate, "momentum": momentum})


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        description="Generate fixtures for the tensor operations.")
    parser.add_argument(
        "--out", type=Path,
        default=root / "Tests" / "TensorsTests" / "Fixtures")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    total = 0
    for operation, fill in FIXTURES.items():
        made = Fixture(operation)
        fill(made)
        size = made.write(arguments.out, arguments.date)
        total += size
        print(f"{operation:<26} {len(made.cases)} cases, {size:6d} bytes")
    assert total < LARGEST_TOTAL, total
    print(f"{len(FIXTURES)} files, {total} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
