#!/usr/bin/env python3
"""Runs the program with random command lines and damaged files: configs, experiments, run folders, data, outputs.

usage: scripts/fuzz-program.py [--program PATH] [--seconds S] [--seed N] [--jobs N] [--kind KIND] [--work DIR]
              scripts/fuzz-program.py --seed N --case I     repeats one case and shows its command and folder

Command lines are generated from the program's own help. No command may end by a signal, hang, use too much memory,
change files that it was not asked to change, or report success with truncated output; docs/fuzzing.md has the whole list.

The cases depend only on the seed, which is printed. For each failure the script prints the command and keeps two copies
of its folder: `before` is the state before the command, and `here` the state after it. Needs only python3. The exit
status is 1 if a case failed.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import collections
import errno
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
from program_fuzzing.cases import KINDS, Case
from program_fuzzing.materials import Materials


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
        self.keys = self.materials.call(self.program, self.environment, "config", "keys", "tiny.yaml").split()
        # All combinations of a file of a run, a kind of damage and a command that reads runs, in a seeded random order.
        readers = [i for i in self.invocations if i.takes() & {"RUN", "OTHER", "RUN|CONFIG", "EXPERIMENT", "FOLDER"}]
        self.run_cases = [
            (run, index, kind, reader)
            for run in self.materials.runs
            for index in range(len(self.materials.run_files[run]))
            for kind in mutations.KINDS
            for reader in readers
        ]
        randomness.Random(f"{self.seed} runs").shuffle(self.run_cases)

    def case(self, index, kind=None, keep=False):
        """Runs one case; returns its kind, its status, and the text of its failure, or None."""
        folder = self.work / f"case-{index}"
        folder.mkdir()
        case = Case(self, index, folder / "here", kind)
        before = checks.snapshot(case.here)
        try:
            outcome = self.run(case, case.around)
            found = checks.faults(case.line, case.around, outcome, case.here, before)
            # If a command cannot print its output, it must not report success.
            if outcome.status == 0 and case.around.stdout != "file" and self.prints(case, folder):
                found.append(f"status 0, but stdout is {case.around.stdout}")
        except OSError as error:
            if error.errno != errno.E2BIG:
                raise
            # The system does not accept so long an argument list.
            found, outcome = [], running.Outcome()
        report = None
        if found or keep:
            Case(self, index, folder / "before", kind)
            report = self.report(case, outcome, found, folder)
        else:
            shutil.rmtree(folder)
        return case.kind, outcome.status, report

    def run(self, case, around):
        argv = [self.program, *(word.encode(errors="surrogateescape") for word in case.line.words)]
        return running.run(argv, case.here, self.environment, around, case.line.may_work)

    def prints(self, case, folder):
        """Whether the command succeeds and prints something under normal circumstances."""
        (folder / "twin").mkdir()
        twin = Case(self, case.index, folder / "twin" / "here", case.kind)
        outcome = self.run(twin, running.Surroundings())
        return outcome.status == 0 and outcome.stdout != b""

    def report(self, case, outcome, found, folder):
        """A key by which equal failures are recognized, and the text that is printed."""
        title, prefix, suffix = case.line.invocation.title, *case.around.shell()
        words = " ".join(quoted(word) for word in case.line.words)
        texts = [
            f"{title}: {'; '.join(found) or 'fine'}",
            f"  case {case.index} ({case.kind}): {'; '.join(case.notes) or 'no file is damaged'}",
            f"  cd {folder}/before && {prefix}{self.program} {words}{suffix}",
            f"  status {outcome.status} after {outcome.seconds:.2f} s",
        ]
        for text in outcome.stderr.decode(errors="backslashreplace").strip().split("\n")[-3:]:
            texts.append(f"  | {printable(text[:300])}")
        return re.sub(r"\d+", "N", f"{title}: {'; '.join(found)}"), "\n".join(texts)


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
        parser.error(f"{options.program} is not a program; build it with `make build`")
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
            print("fuzz-program: a worker of this script ended or hangs", file=sys.stderr)
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
            # Only the folder of the first failure of each kind is kept.
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
