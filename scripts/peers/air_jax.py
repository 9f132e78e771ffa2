#!/usr/bin/env python3
"""Time the training step of `airframe bench air` in JAX.

The step of air_torch.py; sampling, both passes, NVIL and Adam are one jitted
function that gives its buffers back.

--sampler matmul (an axis-aligned window is separable: two small products), or
  gather (bilinear sampling by indexing, as most write it)
--lstm hoist (the image's product once for all steps), or cell (at each step)

The defaults are its best form. The cores that the process may use are as many
as --threads, by which XLA sizes its pool.
"""
from common import arguments, measure, pin

options = arguments(__doc__, ["jit"], sampler=["matmul", "gather"],
                    lstm=["hoist", "cell"])
pin(options.threads)

import jax
import jax.numpy as jnp
from jax.nn import relu, sigmoid, softplus

STEPS, SIDE, GLIMPSE, HIDDEN, CODE, DEVIATION = 3, 50, 28, 256, 50, 0.3


def dense(key, inputs, outputs):
    bound, (first, second) = inputs ** -0.5, jax.random.split(key)
    draw = jax.random.uniform
    return {"w": draw(first, (inputs, outputs), minval=-bound, maxval=bound),
            "b": draw(second, (outputs,), minval=-bound, maxval=bound)}


def apply(layer, x):
    return x @ layer["w"] + layer["b"]


def perceptron(layers, x):
    return apply(layers[1], relu(apply(layers[0], x)))


def initial(key):
    keys = iter(jax.random.split(key, 16))

    def recurrence():
        return {"image": dense(next(keys), SIDE * SIDE, 4 * HIDDEN),
                "rest": dense(next(keys), CODE + 4 + HIDDEN, 4 * HIDDEN)["w"]}

    def two(inputs, hidden, outputs):
        return [dense(next(keys), inputs, hidden),
                dense(next(keys), hidden, outputs)]

    head = two(HIDDEN, 200, 7)
    head[1]["b"] = head[1]["b"].at[1].set(0.7)
    return {"model": {"controller": recurrence(), "head": head,
                      "encoder": two(GLIMPSE ** 2, 200, 2 * CODE),
                      "decoder": two(CODE, 200, GLIMPSE ** 2)},
            "baseline": {"controller": recurrence(),
                         "head": dense(next(keys), HIDDEN, 1)}}


def recur(layer, images, seen, latents, hidden, memory):
    if options.lstm == "hoist":
        gates = seen + jnp.concatenate([latents, hidden], 1) @ layer["rest"]
    else:
        all_weights = jnp.concatenate([layer["image"]["w"], layer["rest"]])
        gates = (jnp.concatenate([images, latents, hidden], 1) @ all_weights
                 + layer["image"]["b"])
    enter, forget, new, leave = jnp.split(gates, 4, 1)
    memory = sigmoid(forget) * memory + sigmoid(enter) * jnp.tanh(new)
    return sigmoid(leave) * jnp.tanh(memory), memory


def places(outputs, inputs, scale, shift):
    """[batch, outputs]: the source coordinate of each output pixel."""
    u = (2 * jnp.arange(outputs) + 1) / outputs - 1
    return ((scale * u + shift + 1) * inputs - 1) / 2


def gather(image, rows, columns):
    n, result = image.shape[0], 0.0
    for down in (0, 1):
        for right in (0, 1):
            y, x = jnp.floor(rows) + down, jnp.floor(columns) + right
            v = (1 - jnp.abs(rows - y)) * ((y >= 0) & (y < n))
            h = (1 - jnp.abs(columns - x)) * ((x >= 0) & (x < n))
            yi = jnp.clip(y, 0, n - 1).astype(int)
            xi = jnp.clip(x, 0, n - 1).astype(int)
            result += v[:, None] * h[None] * image[yi[:, None], xi[None]]
    return result


def sample(images, side, scale, x, y):
    """Reads [batch, n, n] images on a grid of side x side; zero outside."""
    n = images.shape[1]
    rows, columns = places(side, n, scale, y), places(side, n, scale, x)
    if options.sampler == "gather":
        return jax.vmap(gather)(images, rows, columns)

    def weights(place):
        return relu(1 - jnp.abs(place[:, :, None] - jnp.arange(n)))

    return weights(rows) @ images @ weights(columns).transpose(0, 2, 1)


def divergence(mean, deviation):
    return (0.5 * (mean ** 2 + deviation ** 2 - 1)
            - jnp.log(deviation)).sum(1, keepdims=True)


def loss(parameters, images, key, center):
    model, baseline = parameters["model"], parameters["baseline"]
    stop, batch = jax.lax.stop_gradient, len(images)
    pixels, canvas = images.reshape(-1, SIDE, SIDE), jnp.zeros((batch, SIDE, SIDE))
    seen, seen_too = (
        apply(part["controller"]["image"], images)
        if options.lstm == "hoist" else None for part in (model, baseline))
    state = state_too = (jnp.zeros((batch, HIDDEN)),) * 2
    where, code = jnp.zeros((batch, 3)), jnp.zeros((batch, CODE))
    present, alive = jnp.zeros((batch, 1)), jnp.ones((batch, 1))
    kl, scores, baselines = 0.0, [], []
    for step_key in jax.random.split(key, STEPS):
        first, second, third = jax.random.split(step_key, 3)
        latents = jnp.concatenate([where, code, present], 1)
        state = recur(model["controller"], images, seen, latents, *state)
        state_too = recur(baseline["controller"], images, seen_too,
                          stop(latents), *state_too)
        output = perceptron(model["head"], state[0])
        logit = jnp.clip(output[:, :1], -10, 10)
        share = sigmoid(logit)
        present = alive * (jax.random.uniform(first, (batch, 1)) < stop(share))
        scores.append(-alive * softplus(jnp.where(present > 0, -logit, logit)))
        baselines.append(alive * apply(baseline["head"], state_too[0]))
        kl += alive * (share * logit - softplus(logit) + 0.6931472)
        mean, deviation = output[:, 1:4], softplus(output[:, 4:])
        where = mean + deviation * jax.random.normal(second, mean.shape)
        kl += present * divergence(mean, deviation)
        scale = jnp.maximum(where[:, :1], 0.1)
        x, y = where[:, 1:2], where[:, 2:]
        glimpse = sample(pixels, GLIMPSE, scale, x, y).reshape(batch, -1)
        mean, deviation = jnp.split(perceptron(model["encoder"], glimpse), 2, 1)
        deviation = softplus(deviation)
        code = mean + deviation * jax.random.normal(third, mean.shape)
        kl += present * divergence(mean, deviation)
        patch = sigmoid(perceptron(model["decoder"], code))
        canvas += present[:, :, None] * sample(
            patch.reshape(batch, GLIMPSE, GLIMPSE), SIDE, 1 / scale,
            -x / scale, -y / scale)
        alive = present
    error = ((pixels - canvas) ** 2).sum((1, 2))[:, None]
    bound = error / (2 * DEVIATION ** 2) + kl
    signal = stop(bound) - center
    baselines, scores = (jnp.concatenate(v, 1) for v in (baselines, scores))
    surrogate = ((signal - stop(baselines)) * scores).sum(1)
    misfit = ((signal - baselines) ** 2 * (scores != 0)).sum(1)
    return (bound[:, 0] + surrogate + misfit).mean(), bound.mean()


def adam(value, slope, first, second, time, rate):
    first = 0.9 * first + 0.1 * slope
    second = 0.999 * second + 0.001 * slope * slope
    step = first / (1 - 0.9 ** time)
    step /= jnp.sqrt(second / (1 - 0.999 ** time)) + 1e-8
    return value - rate * step, first, second


@jax.jit(donate_argnums=0)
def train(state, images):
    parameters, first, second, time, center = state
    time = time + 1
    key = jax.random.fold_in(jax.random.key(0), time)
    (_, bound), slopes = jax.value_and_grad(loss, has_aux=True)(
        parameters, images, key, center)
    new = {
        part: jax.tree.map(lambda *leaves: adam(*leaves, time, rate),
                           parameters[part], slopes[part], first[part],
                           second[part])
        for part, rate in (("model", 1e-4), ("baseline", 1e-3))}
    parameters, first, second = (
        jax.tree.map(lambda leaf: leaf[index], new,
                     is_leaf=lambda leaf: isinstance(leaf, tuple))
        for index in range(3))
    center = 0.9 * center + 0.1 * bound
    return (parameters, first, second, time, center), bound


values = initial(jax.random.key(1))
state = (values, jax.tree.map(jnp.zeros_like, values),
         jax.tree.map(jnp.zeros_like, values), jnp.int32(0), jnp.float32(0))


def step(batch):
    global state
    state, bound = train(state, batch)
    jax.block_until_ready(state)
    return float(bound)


measure("jax", jax.__version__, options, step)
