#!/usr/bin/env python3
"""Runs the program on invented command lines and damaged files: configs, experiments, run folders, data, outputs.

usage: scripts/fuzz-program.py [--program PATH] [--seconds S] [--seed N] [--jobs N] [--kind KIND] [--work DIR]
       scripts/fuzz-program.py --seed N --case I     one case again, with its command and folder

Command lines come from the program's own help. No command may end by a signal, hang, take too much memory, touch what it
was not asked to, or report success with cut output; docs/fuzzing.md has the whole list. The cases depend on the seed alone,
which is printed. Of every failure the command is printed, and its folder kept: `before` as the command found it, `here` as it
left it. Needs python3 and nothing else. The status is 1 when something failed.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import collections
import multiprocessing
import os
import pathlib
import random as randomness
import re
import shlex
import shutil
import signal
import tempfile
import time
import traceback

from program_fuzzing import checks, grammar, mutations, running
from program_fuzzing.materials import Materials, npy, odd_npz

# Kinds of cases, with their shares.
KINDS = {"words": 25, "config": 15, "experiment": 15, "run": 30, "data": 15}


class Fuzzer:
    def __init__(self, program, seed, work):
        self.program, self.seed, self.work = program, seed, pathlib.Path(work)
        self.materials = Materials(self.work / "materials")
        self.environment = {
            "PATH": f"{self.materials.root}/bin:/usr/bin:/bin", "HOME": str(self.work), "LC_ALL": "C", "TMPDIR": str(self.work),
            "SWIFT_BACKTRACE": "enable=no", "https_proxy": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1",
        }  # fmt: skip

    def make(self):
        self.invocations = grammar.read(self.program)
        self.materials.make(self.program, self.environment)
        keys = running.subprocess.run(
            [self.program, "config", "keys", "tiny.yaml"], cwd=self.materials.root, capture_output=True, text=True
        )
        self.keys = keys.stdout.split()
        # Every file of a run with every damage and every command that reads runs, in an order of the seed's.
        readers = [i for i in self.invocations if i.takes() & {"RUN", "OTHER", "RUN|CONFIG", "EXPERIMENT", "FOLDER"}]
        self.run_cases = [
            (run, index, kind, reader)
            for run in self.materials.runs
            for index in range(len(self.materials.run_files[run]))
            for kind in mutations.KINDS
            for reader in readers
        ]
        randomness.Random(f"{self.seed} runs").shuffle(self.run_cases)

    # --- one case ---

    def prepare(self, index, here, kind=None):
        """Makes the folder of a case; returns its command line, surroundings, and what was done to the files."""
        random = randomness.Random(f"{self.seed} {index}")
        drawn = random.choices(list(KINDS), KINDS.values())[0]
        kind = kind or drawn
        ignored = shutil.ignore_patterns("bin")
        shutil.copytree(
            self.materials.root, here, symlinks=True, ignore=lambda place, names: ignored(place, names) | pipes(place, names)
        )
        os.mkfifo(here / "pipe")
        devices = Materials.add_devices(here)
        damage = lambda path, kind: mutations.damage(path, kind, random, here / "victim", devices)
        line, notes = getattr(self, f"{kind}_case")(random, here, index, damage)
        line.may_work |= kind in ("config", "experiment") and line.invocation.path[0] not in ("config", "table", "runs")
        return kind, line, self.surroundings(random), notes

    def writer(self, random, wildness):
        return grammar.Writer(random, self.materials, self.keys, wildness)

    def readers(self, *placeholders):
        return [invocation for invocation in self.invocations if invocation.takes() & set(placeholders)]

    def words_case(self, random, here, index, damage):
        invocation = random.choice(self.invocations)
        if invocation.path == ["bench"] and random.random() < 0.8:
            invocation = random.choice(self.invocations)
        line = self.writer(random, random.choice([0, 0.05, 0.15, 0.5])).line(invocation)
        if random.random() < 0.05:
            line.words = line.words[1:] or [random.choice(grammar.ODD_TEXTS)]
        return line, []

    def config_case(self, random, here, index, damage):
        name = random.choice(["tiny.yaml", "discrete.yaml", "code.yaml", "images.yaml"])
        notes = self.damage_text(random, here / name, damage)
        if name == "discrete.yaml" and random.random() < 0.3:
            notes += self.damage_text(random, here / "tiny.yaml", damage)
        invocation = random.choice(self.readers("CONFIG", "RUN|CONFIG"))
        line = self.writer(random, 0).line(invocation, {"CONFIG": name, "RUN|CONFIG": name})
        return line, notes

    def experiment_case(self, random, here, index, damage):
        name = random.choice(["e.yaml", "grid.yaml", "random.yaml"])
        damaged = name if random.random() < 0.9 else "tiny.yaml"
        notes = self.damage_text(random, here / damaged, damage)
        invocation = random.choice(self.readers("EXPERIMENT") * 3 + self.readers("CONFIG"))
        line = self.writer(random, 0).line(invocation, {"CONFIG": name, "RUN|CONFIG": name, "EXPERIMENT": name})
        if invocation.path == ["sweep"] and random.random() < 0.7:
            line.words.append(random.choice(["--dry-run", "--status", "--launcher=slurm"]))
            line.words = list(dict.fromkeys(line.words))
        return line, notes

    def damage_text(self, random, path, damage):
        """Text is mostly changed in its words: whatever else is damaged, few commands get past reading it."""
        kinds = ["number", "tree"] if random.random() < 0.85 else mutations.KINDS
        notes = []
        for _ in range(random.choice([1, 1, 2, 3])):
            if path.is_file() and not path.is_symlink():
                notes.append(f"{path.name}: {damage(path, random.choice(kinds))}")
        return notes

    def run_case(self, random, here, index, damage):
        # Cases of this kind are about every third.
        run, file, kind, invocation = self.run_cases[index % len(self.run_cases)]
        name = self.materials.run_files[run][file]
        notes = [f"{run}/{name}: {damage(here / run / name, kind)}"]
        if random.random() < 0.15:
            other = random.choice(self.materials.run_files[run])
            if (here / run / other).exists():
                notes.append(f"{run}/{other}: {damage(here / run / other, random.choice(mutations.KINDS))}")
        pins = {
            "RUN": run,
            "RUN|CONFIG": run,
            "OTHER": random.choice(self.materials.runs),
            "EXPERIMENT": "e.yaml",
            "FOLDER": "runs",
        }
        if random.random() < 0.2:
            pins["RUN"], pins["OTHER"] = pins["OTHER"], run
        if invocation.path == ["run-cell"]:
            pins.update({"CONFIG": f"{run}/config.yaml", "FOLDER": run})
        more = ["training.steps=6"] if invocation.path == ["train"] else []
        line = self.writer(random, 0).line(invocation, pins, more)
        line.may_work |= invocation.path[0] in ("train", "sweep", "run-cell", "evaluate")
        return line, notes

    def data_case(self, random, here, index, damage):
        what = random.randrange(5)
        config = {"CONFIG": "images.yaml", "RUN|CONFIG": "images.yaml"}
        if what == 0:
            path = here / "images" / f"{random.randrange(6)}.png"
            notes = [f"{path.name}: {damage(path, random.choice(mutations.KINDS))}"]
            invocation, pins, more = (
                random.choice(self.readers("CONFIG", "FILE")),
                {"FILE": random.choice(["images", str(path.relative_to(here))])},
                [],
            )
        elif what == 1:
            if random.random() < 0.5:
                (here / "d.npz").write_bytes(odd_npz(random))
                notes = ["d.npz: odd arrays"]
            else:
                notes = [f"d.npz: {damage(here / 'd.npz', random.choice(mutations.KINDS))}"]
            invocation, pins, more = (
                random.choice(self.readers("CONFIG", "FILE")),
                {"FILE": "d.npz"},
                ["dataset.path=./d.npz"],
            )
        elif what == 2:
            notes = self.damage_text(random, here / "curves.csv", damage)
            invocation, pins, more = random.choice(self.readers("FILE.csv")), {"FILE.csv": "curves.csv"}, []
        elif what == 3:
            name = random.choice(["scene.yaml", "discrete-scene.yaml"])
            notes = self.damage_text(random, here / name, damage)
            invocation, pins, more = (
                random.choice(self.readers("SCENE.yaml")),
                {"SCENE.yaml": name, "RUN": self.materials.runs[name[0] == "d"]},
                [],
            )
        else:
            name = random.choice(
                [
                    "images",
                    "d.npz",
                    "d.npy",
                    "bomb.npz",
                    "curves.csv",
                    "pipe",
                    "dev/zero",
                    "empty",
                    "victim",
                    "link.png",
                    "bench.json",
                ]
            )
            if name not in ("pipe", "dev/zero") and random.random() < 0.5:
                notes = [f"{name}: {damage(here / name, random.choice(mutations.KINDS))}"]
            else:
                notes = []
            invocation, pins, more = (
                random.choice(self.readers("CONFIG", "FILE")),
                {"FILE": name},
                [f"dataset.path=./{name}"],
            )
        if random.random() < 0.05 and what in (1, 4):
            (here / "boxes.csv").write_bytes(random.choice([b"image,x,y,width,height\n0.png,1,1,4,4\n", npy((2, 2))]))
            more = more + ["dataset.boxes=./boxes.csv"]
        line = self.writer(random, 0).line(invocation, {**config, **pins}, more if invocation.keys else [])
        line.may_work |= invocation.path[0] in ("train", "sweep", "run-cell")
        return line, notes

    def surroundings(self, random):
        around = running.Surroundings(fake=random.choice([0, 0, 1, 2, 3, 4, 5]))
        drawn = random.random()
        if drawn < 0.12:
            around.stdout = random.choice(["full", "full", "closed", "broken"])
        elif drawn < 0.15:
            around.stderr = random.choice(["full", "closed", "broken"])
        elif drawn < 0.18:
            around.file_size = random.choice([0, 100, 1000, 4096, 20000, 100000])
        elif drawn < 0.20:
            around.files = random.choice([4, 5, 6, 8, 10, 16])
        elif drawn < 0.23:
            around.signal = random.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
            around.signal_after = random.random() ** 3
        return around

    def case(self, index, kind=None, keep=False):
        """Runs one case; returns its kind, its status, and the text of its failure, or None."""
        folder = self.work / f"case-{index}"
        here = folder / "here"
        folder.mkdir()
        kind, line, around, notes = self.prepare(index, here, kind)
        before = checks.snapshot(here)
        argv = [self.program, *(word.encode(errors="surrogateescape") for word in line.words)]
        try:
            outcome = running.run(argv, here, self.environment, around, line.may_work)
            found = checks.faults(line, around, outcome, here, before)
            # What a command would print must not get lost without a word.
            if outcome.status == 0 and around.stdout != "file" and self.prints(index, folder, kind, argv, line):
                found.append(f"status 0, but stdout is {around.stdout}")
        except OSError as error:
            # No command of the system's takes words that are as long.
            if error.errno != 7:
                raise
            found, outcome = [], running.Outcome()
        report = None
        if found or keep:
            self.prepare(index, folder / "before", kind)
            prefix, suffix = around.shell()
            words = " ".join(quoted(word) for word in line.words)
            ending = b"\n".join(outcome.stderr.strip().splitlines()[-3:]).decode(errors="backslashreplace")
            signature = line.invocation.title + ": " + "; ".join(found)
            report = (
                re.sub(r"\d+", "N", signature),
                f"{line.invocation.title}: {'; '.join(found) or 'fine'}\n  case {index} ({kind}): {'; '.join(notes) or 'no file is damaged'}\n"
                f"  cd {folder}/before && {prefix}{self.program} {words}{suffix}\n  status {outcome.status} after {outcome.seconds:.2f} s"
                + "".join(f"\n  | {printable(text[:300])}" for text in ending.split("\n") if text),
            )
        else:
            shutil.rmtree(folder)
        return kind, outcome.status, report

    def prints(self, index, folder, kind, argv, line):
        """Whether the command ends well and prints something where nothing is in its way."""
        twin = folder / "twin" / "here"
        twin.parent.mkdir()
        self.prepare(index, twin, kind)
        outcome = running.run(argv, twin, self.environment, running.Surroundings(), line.may_work)
        return outcome.status == 0 and outcome.stdout != b""


def pipes(place, names):
    return {name for name in names if name == "pipe"}


def quoted(word):
    if all(char.isprintable() and not "\ud800" <= char <= "\udfff" for char in word):
        return shlex.quote(word) if len(word) < 500 else f"$(python3 -c 'print({word[:3]!r}...)')  # {len(word)} characters"
    return (
        "$'"
        + "".join(
            f"\\x{byte:02x}" if byte < 32 or byte in (39, 92) or byte > 126 else chr(byte)
            for byte in word.encode(errors="surrogateescape")
        )
        + "'"
    )


def printable(text):
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def work(fuzzer, first, step, deadline, kind, queue):
    # Ctrl-C ends the parent, which ends the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    index = first
    try:
        while time.monotonic() < deadline:
            queue.put((index, *fuzzer.case(index, kind)))
            index += step
        queue.put(None)
    except Exception:
        queue.put(f"case {index}: {traceback.format_exc()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", default=".build/release/airframe")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--kind", choices=KINDS, default=None)
    parser.add_argument("--case", type=int, default=None)
    parser.add_argument("--work", default=None, help="where folders of failures stay (default: a new temporary folder)")
    options = parser.parse_args()
    program = os.path.realpath(options.program)
    if not os.access(program, os.X_OK):
        parser.error(f"{options.program} is no program; build it with `make build`")
    seed = options.seed if options.seed is not None else randomness.SystemRandom().randrange(10**6)
    work_folder = tempfile.mkdtemp(prefix="fuzz-program-", dir=options.work)
    print(f"fuzz-program: seed {seed}, folder {work_folder}", flush=True)
    fuzzer = Fuzzer(program, seed, work_folder)
    fuzzer.make()
    if options.case is not None:
        _, _, report = fuzzer.case(options.case, options.kind, keep=True)
        print(report[1])
        return 0 if report[1].split("\n")[0].endswith(": fine") else 1

    start = time.monotonic()
    queue = multiprocessing.Queue()
    deadline = start + options.seconds
    workers = [
        multiprocessing.Process(target=work, args=(fuzzer, job, options.jobs, deadline, options.kind, queue), daemon=True)
        for job in range(options.jobs)
    ]
    for worker in workers:
        worker.start()
    kinds, statuses, failures = collections.Counter(), collections.Counter(), collections.Counter()
    running_workers = len(workers)
    while running_workers:
        try:
            message = queue.get(timeout=120)
        except Exception:
            print("fuzz-program: a worker of this script ended or stands still", file=sys.stderr)
            return 1
        if isinstance(message, str):
            print(f"fuzz-program: a fault of this script: {message}", file=sys.stderr)
            return 1
        if message is None:
            running_workers -= 1
            continue
        index, kind, status, report = message
        kinds[kind] += 1
        statuses[status] += 1
        if report:
            signature, text = report
            failures[signature] += 1
            # The folder of the first failure of each kind is enough.
            if failures[signature] == 1:
                print(f"\nFAILED {text}", flush=True)
            else:
                shutil.rmtree(f"{work_folder}/case-{index}", ignore_errors=True)
    seconds = time.monotonic() - start
    print(
        f"\nfuzz-program: {sum(kinds.values())} commands in {seconds:.0f} s:",
        ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()),
    )
    print("fuzz-program: by status:", ", ".join(f"{status}: {count}" for status, count in statuses.most_common()))
    if failures:
        for signature, count in failures.most_common():
            print(f"{count:6} {printable(signature)}")
        print(
            f"fuzz-program: {sum(failures.values())} failures of {len(failures)} kinds; seed {seed}, folders in {work_folder}"
        )
        return 1
    shutil.rmtree(work_folder)
    print("fuzz-program: nothing failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
