#!/usr/bin/env python3
"""Kills a training with SIGKILL before each of its file calls in turn, resumes it, and compares the resulting files.

usage: scripts/kill-test.py [--program PATH] [--every N] [--jobs N]

strace counts the file calls of two small trainings: one that writes checkpoints, evaluates, draws pictures and removes
old checkpoints, and a resumed one that first truncates its logs. Each is then run again once for every call (with
--every N: for every N-th call) and killed as it enters that call. After each kill

- all files in the folder must be readable, and the newest finished checkpoint must still exist;
- `train --resume` must continue from that checkpoint or a later one;
- the final files must be bit for bit those of an uninterrupted training, and no unfinished file may be left.

Needs python3 and strace, which it installs with apt if it is missing.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from program_fuzzing.checks import incomplete
from program_fuzzing.materials import TINY

# Calls that create, change, rename, remove, sync, open or lock files.
CALLS = (
    "open openat openat2 creat mkdir mkdirat rename renameat renameat2 unlink unlinkat rmdir link linkat symlink symlinkat write writev pwrite64 "
    "pwritev pwritev2 ftruncate truncate fallocate fsync fdatasync syncfs sync_file_range copy_file_range sendfile flock fcntl utimensat fchmod"
).split()
# These files contain times and properties of the machine, which differ.
APART = {"timing.jsonl", "environment.json", "summary.json", "log.txt"}
TRAINING = [
    "training.steps=6",
    "training.checkpoint_every=2",
    "training.keep_checkpoints=1",
    "training.evaluate_every=3",
    "training.picture_every=3",
]


class Point(collections.namedtuple("Point", "call count text")):
    """The `count`-th time that the main thread makes the system call `call`."""


class KillTest:
    def __init__(self, program, work):
        self.program, self.work = program, pathlib.Path(work)
        # The run records git's answer, so git must be found. Its own calls are not tested.
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(work), "LC_ALL": "C", "SWIFT_BACKTRACE": "enable=no"}

    def run(self, place, words, strace=()):
        argv = [*strace, self.program, *words]
        return subprocess.run(
            argv, cwd=place, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )

    @staticmethod
    def train(place):
        return ["train", "tiny.yaml", "--out", ".", "--name", "run", *TRAINING]

    def whole(self):
        place = self.folder("whole")
        result = self.run(place, self.train(place))
        if result.returncode != 0:
            raise SystemExit(f"kill-test: {result.stderr}")
        return place / "tiny" / "run"

    def folder(self, name, start=None):
        place = self.work / name
        if start:
            shutil.copytree(start, place)
        else:
            place.mkdir()
            (place / "tiny.yaml").write_text(TINY)
        return place

    def points(self, name, words, start=None):
        """All file calls of the main thread, from the first that names the run's folder to the end."""
        place = self.folder(name, start)
        trace = place / "trace"
        known = ",".join(f"?{call}" for call in CALLS)
        result = self.run(
            place, words(place), ["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(trace), "-e", f"trace={known}"]
        )
        if result.returncode != 0:
            raise SystemExit(f"kill-test: strace: {result.stderr}")
        counts, points, main = collections.Counter(), [], None
        for text in trace.read_text(errors="replace").splitlines():
            match = re.match(r"(\d+) +(\w+)\(", text)
            if not match:
                continue
            main = main or match[1]
            names_run = "tiny/run" in text
            if match[1] != main:
                # `kill` uses strace without -f, which would not see this call.
                if names_run:
                    raise SystemExit(f"kill-test: another thread than the main one uses files: {text}")
                continue
            counts[match[2]] += 1
            if names_run or points:
                points.append(Point(match[2], counts[match[2]], text[len(match[1]) + 1 :]))
        return points

    def kill(self, name, point, words, whole, start=None):
        """Runs `words` until `point`, then resumes. Returns whether it was killed, and the faults."""
        place = self.folder(name, start)
        run, trace = place / "tiny" / "run", place / "trace"
        # Renames show which checkpoints were finished.
        traced = ",".join(f"?{call}" for call in {point.call, "rename", "renameat", "renameat2"})
        killer = [
            "strace",
            "-qq",
            "-y",
            "-s",
            "0",
            "-o",
            str(trace),
            "-e",
            f"trace={traced}",
            "-e",
            f"inject={point.call}:signal=SIGKILL:when={point.count}",
        ]
        result = self.run(place, words(place), killer)
        was_killed = result.returncode in (-9, 137)
        found = []
        if not was_killed and result.returncode != 0:
            found.append(f"status {result.returncode}: {result.stderr}")
        finished = [
            int(step)
            for step in re.findall(r"step-(\d+)\.safetensors\"[^\n]*\) += 0$", trace.read_text(errors="replace"), re.M)
        ]
        kept = max([0, *finished, *(self.steps(start / "tiny" / "run") if start else [])])
        for path in sorted(run.rglob("*")) if run.exists() else []:
            if path.is_file() and not path.name.startswith(".tmp-"):
                fault = incomplete(path)
                if fault:
                    found.append(f"after the kill {fault}")
        if kept and kept not in self.steps(run):
            found.append(f"the checkpoint of step {kept} is lost")
        has_config = (run / "config.yaml").exists()
        if start and not has_config:
            found.append("config.yaml is lost")
        resumed = self.run(place, ["train", "--resume", "tiny/run"] if has_config else self.train(place))
        if resumed.returncode != 0:
            found.append(f"it does not go on: status {resumed.returncode}: {resumed.stderr.strip()}")
        else:
            steps = re.findall(r"resumes after step (\d+)", (run / "log.txt").read_text())
            if has_config and (not steps or int(steps[-1]) < kept):
                found.append(f"it went on after step {steps[-1:]}, not after {kept}")
            found += different(run, whole)
        if not found:
            shutil.rmtree(place)
        return was_killed, found

    @staticmethod
    def steps(run):
        return [int(path.stem[5:]) for path in (run / "checkpoints").glob("step-*.safetensors")]


def contents(run):
    files = {}
    for path in run.rglob("*"):
        if path.is_file() and path.name not in APART:
            # The event file's name contains the time and the host.
            name = "events" if path.name.startswith("events.") else str(path.relative_to(run))
            files[name] = path.read_bytes()
    return files


def different(run, whole):
    own, other = contents(run), contents(whole)
    found = [f"{name} {'differs' if name in own and name in other else 'is missing' if name in other else 'should not be there'}"
             for name in sorted(own.keys() | other.keys()) if own.get(name) != other.get(name)]  # fmt: skip
    results = [json.loads((folder / "summary.json").read_text()) for folder in (run, whole)]
    for result in results:
        for key in [key for key in result if re.search("second|memory|resident|time|rate|per_", key)]:
            del result[key]
    if results[0] != results[1]:
        found.append("summary.json differs")
    lines = [sum(1 for _ in open(folder / "timing.jsonl")) for folder in (run, whole)]
    if lines[0] != lines[1]:
        found.append(f"timing.jsonl has {lines[0]} lines, not {lines[1]}")
    return found


def install():
    if shutil.which("strace"):
        return
    if os.getuid() != 0 or not shutil.which("apt-get"):
        print("kill-test: skipped, since strace is missing: install it, or run this as root on Debian or its kin")
        sys.exit(0)
    packages = ["apt-get", "install", "-y", "--no-install-recommends", "strace"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(packages, env=environment, capture_output=True).returncode != 0:
        subprocess.run(["apt-get", "update"], capture_output=True)
        subprocess.run(packages, env=environment, stdout=subprocess.DEVNULL, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", default=".build/release/airframe")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    install()
    work = pathlib.Path(tempfile.mkdtemp(prefix="kill-test-"))
    test = KillTest(os.path.realpath(options.program), work)
    whole = test.whole()

    # A training that was killed just before it renamed its second checkpoint must truncate its logs when it resumes.
    train, resume = test.train, lambda place: ["train", "--resume", "tiny/run"]
    fresh = test.points("trace-fresh", train)
    renames = [point for point in fresh if point.call.startswith("rename") and "step-4" in point.text]
    half = test.folder("half")
    test.run(
        half,
        train(half),
        ["strace", "-qq", "-o", "/dev/null", "-e", f"inject={renames[0].call}:signal=SIGKILL:when={renames[0].count}"],
    )
    resumed = test.points("trace-resumed", resume, half)

    kills = [("fresh", point, train, None) for point in fresh] + [("resumed", point, resume, half) for point in resumed]
    chosen = kills[:: options.every]
    failures, not_killed = [], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = {pool.submit(test.kill, f"{kind}-{point.call}-{point.count}", point, words, whole, start): (kind, point)
                   for kind, point, words, start in chosen}  # fmt: skip
        for future in concurrent.futures.as_completed(waiting):
            kind, point = waiting[future]
            was_killed, found = future.result()
            if not was_killed:
                not_killed.append(f"{kind} {point.text}")
            if found:
                failures.append(point)
                print(f"FAILED {kind} training, killed at {point.call} {point.count}: {point.text}\n  " + "\n  ".join(found)
                      + f"\n  {work}/{kind}-{point.call}-{point.count}", flush=True)  # fmt: skip
    # The number of timing-dependent calls may be smaller the next time.
    if len(not_killed) > len(chosen) // 20:
        print(f"FAILED {len(not_killed)} trainings ended before they were killed, such as {not_killed[:3]}")
        failures.append(None)
    print(f"kill-test: {len(chosen) - len(not_killed)} kills at {len(chosen)} of {len(kills)} file calls "
          f"({len(fresh)} of a training, {len(resumed)} of a resumed one), {len(failures)} failures")  # fmt: skip
    if failures:
        print(f"kill-test: folders in {work}")
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
