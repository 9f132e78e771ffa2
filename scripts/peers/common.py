"""What the steps of the peers share: scenes, timing, and the line of JSON.

Scenes are made in memory before anything is timed; taking a batch from them is
part of a step, as it is of `airframe bench`.
"""
import argparse
import json
import os
import resource
import time

import numpy as np


def scenes(count=1024, side=50, seed=0):
    """[count, side * side] float32 in 0...1: up to two bright discs each.

    About as many pixels are not blank as in multi-MNIST (6 %), like the scenes
    of `airframe bench air`.
    """
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    images = np.zeros((count, side, side), np.float32)
    for image in images:
        for _ in range(random.integers(3)):
            radius = random.uniform(7, 10)
            y, x = random.uniform(radius, side - radius, 2)
            inside = (rows - y) ** 2 + (columns - x) ** 2 < radius ** 2
            image[inside] = random.uniform(0.5, 1)
    return images.reshape(count, side * side)


def arguments(description, modes, **choices):
    """Arguments of all peers, and `choices` with their first as the default."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10,
                        help="how long steps are timed")
    parser.add_argument("--warmup", type=int, default=5)
    for name, names in choices.items():
        parser.add_argument("--" + name, choices=names, default=names[0])
    return parser.parse_args()


def pin(threads):
    """Keeps the process on as many cores as threads; before any library that
    sizes its pool by the cores is imported."""
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def measure(peer, version, options, step):
    """Times `step(batch)`, which trains once and returns the loss as a float."""
    images = scenes()
    random = np.random.default_rng(1)

    def batch():
        return images[random.integers(len(images), size=options.batch)]

    first = step(batch())
    for _ in range(options.warmup):
        step(batch())
    times, losses = [], []
    end = time.perf_counter() + options.seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        losses.append(step(batch()))
        times.append(1000 * (time.perf_counter() - start))
    report(peer, version, options, times, loss_first=round(first, 1),
           loss_last=round(float(np.mean(losses[-20:])), 1))


def report(peer, version, options, times, **more):
    """Prints the line of JSON."""
    print(json.dumps({
        "peer": peer, "version": version, "mode": options.mode,
        "threads": options.threads, "steps": len(times),
        "ms_per_step_median": round(float(np.median(times)), 2),
        "ms_per_step_minimum": round(min(times), 2),
        "ms_per_step_p90": round(float(np.percentile(times, 90)), 2),
        "peak_megabytes": round(resource.getrusage(
            resource.RUSAGE_SELF).ru_maxrss * 1.024 / 1000, 1),
        **more}), flush=True)
