"""The kinds of cases: which files are damaged, which command is run on them, and in which environment."""

import os
import random as randomness
import shutil
import signal

from program_fuzzing import grammar, mutations, running
from program_fuzzing.materials import Materials, npy, odd_npz

# The kinds of cases and their relative frequencies.
KINDS = {"words": 25, "config": 15, "experiment": 15, "run": 30, "data": 15}
CONFIGS = ["tiny.yaml", "discrete.yaml", "code.yaml", "images.yaml"]
EXPERIMENTS = ["e.yaml", "grid.yaml", "random.yaml"]
DATA = [
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


class Case:
    """One command with its folder, determined by the seed and the index of the case."""

    def __init__(self, fuzzer, index, here, kind=None):
        self.materials, self.invocations, self.keys = fuzzer.materials, fuzzer.invocations, fuzzer.keys
        self.index, self.here = index, here
        self.random = randomness.Random(f"{fuzzer.seed} {index}")
        drawn = self.random.choices(list(KINDS), KINDS.values())[0]
        self.kind = kind or drawn
        # The damage that was done to files, for reports.
        self.notes = []
        shutil.copytree(self.materials.root, here, symlinks=True, ignore=shutil.ignore_patterns("bin", "pipe"))
        os.mkfifo(here / "pipe")
        self.has_devices = Materials.add_devices(here)
        self.line = getattr(self, self.kind)(fuzzer)
        # Expensive commands are told to stop before they finish.
        self.line.may_work |= self.kind != "words" and self.line.invocation.path[0] not in (
            "config",
            "table",
            "runs",
            "data",
        )
        # There are many training scenes.
        self.line.may_work |= any(word.endswith("train") for word in self.line.words[1:])
        self.around = self.surroundings()

    def chance(self, share):
        return self.random.random() < share

    def writer(self, wildness=0):
        return grammar.Writer(self.random, self.materials, self.keys, wildness)

    def reader(self, *placeholders):
        """A random command that takes one of these placeholders."""
        return self.random.choice([invocation for invocation in self.invocations if invocation.takes() & set(placeholders)])

    def damage(self, name, kinds=mutations.KINDS):
        path = self.here / name
        # An earlier damage may have removed it.
        if path.exists() and not path.is_symlink():
            kind = mutations.damage(path, self.random.choice(kinds), self.random, self.here / "victim", self.has_devices)
            self.notes.append(f"{name}: {kind}")

    def damage_text(self, name):
        """Damages a text, mostly by changing single words: after other damage, few commands get past reading it."""
        kinds = ["number", "tree"] if self.chance(0.85) else mutations.KINDS
        for _ in range(self.random.choice([1, 1, 2, 3])):
            if (self.here / name).is_file():
                self.damage(name, kinds)

    # --- the kinds ---

    def words(self, fuzzer):
        invocation = self.random.choice(self.invocations)
        if invocation.path == ["bench"] and self.chance(0.8):
            invocation = self.random.choice(self.invocations)
        line = self.writer(self.random.choice([0, 0.05, 0.15, 0.5])).line(invocation)
        if self.chance(0.05):
            line.words = line.words[1:] or [self.random.choice(grammar.ODD_TEXTS)]
        return line

    def config(self, fuzzer):
        name = self.random.choice(CONFIGS)
        self.damage_text(name)
        if name == "discrete.yaml" and self.chance(0.3):
            self.damage_text("tiny.yaml")
        return self.writer().line(self.reader("CONFIG", "RUN|CONFIG"), {"CONFIG": name, "RUN|CONFIG": name})

    def experiment(self, fuzzer):
        name = self.random.choice(EXPERIMENTS)
        self.damage_text(name if self.chance(0.9) else "tiny.yaml")
        invocation = self.reader("EXPERIMENT") if self.chance(0.6) else self.reader("CONFIG")
        line = self.writer().line(invocation, {"CONFIG": name, "RUN|CONFIG": name, "EXPERIMENT": name})
        if invocation.path == ["sweep"] and self.chance(0.7):
            line.words.append(self.random.choice(["--dry-run", "--status", "--launcher=slurm"]))
            line.words = list(dict.fromkeys(line.words))
        return line

    def run(self, fuzzer):
        run, file, kind, invocation = fuzzer.run_cases[self.index % len(fuzzer.run_cases)]
        names = self.materials.run_files[run]
        self.damage(f"{run}/{names[file]}", [kind])
        if self.chance(0.15):
            self.damage(f"{run}/{self.random.choice(names)}")
        other = self.random.choice(self.materials.runs)
        pins = {"RUN": run, "RUN|CONFIG": run, "OTHER": other, "EXPERIMENT": "e.yaml", "FOLDER": "runs"}
        if self.chance(0.2):
            pins.update({"RUN": other, "OTHER": run})
        if invocation.path == ["run-cell"]:
            pins.update({"CONFIG": f"{run}/config.yaml", "FOLDER": run})
        return self.writer().line(invocation, pins, ["training.steps=6"] if invocation.path == ["train"] else [])

    def data(self, fuzzer):
        what = self.random.choice(["picture", "archive", "table", "scene", "any"])
        if what == "table":
            self.damage_text("curves.csv")
            return self.writer().line(self.reader("FILE.csv"), {"FILE.csv": "curves.csv"})
        if what == "scene":
            index = self.random.randrange(2)
            name = ["scene.yaml", "discrete-scene.yaml"][index]
            self.damage_text(name)
            return self.writer().line(self.reader("SCENE.yaml"), {"SCENE.yaml": name, "RUN": self.materials.runs[index]})
        if what == "picture":
            name = f"images/{self.random.randrange(6)}.png"
            self.damage(name)
            name = self.random.choice(["images", name])
        elif what == "archive" and self.chance(0.6):
            name = "d.npz"
            (self.here / name).write_bytes(odd_npz(self.random))
            self.notes.append(f"{name}: odd arrays")
        else:
            name = "d.npz" if what == "archive" else self.random.choice(DATA)
            if name not in ("pipe", "dev/zero") and (what == "archive" or self.chance(0.5)):
                self.damage(name)
        keys = [f"dataset.path=./{name}"]
        if self.chance(0.05):
            boxes = self.random.choice([b"image,x,y,width,height\n0.png,1,1,4,4\n", npy((2, 2)), b"image,x\r\n"])
            (self.here / "boxes.csv").write_bytes(boxes)
            keys.append("dataset.boxes=./boxes.csv")
        invocation = self.reader("CONFIG", "FILE")
        pins = {"CONFIG": "images.yaml", "RUN|CONFIG": "images.yaml", "FILE": name}
        return self.writer().line(invocation, pins, keys if invocation.keys and "FILE" not in invocation.takes() else [])

    def surroundings(self):
        around = running.Surroundings(fake=self.random.choice([0, 0, 1, 2, 3, 4, 5]))
        drawn = self.random.random()
        if drawn < 0.12:
            around.stdout = self.random.choice(["full", "full", "closed", "broken"])
        elif drawn < 0.15:
            around.stderr = self.random.choice(["full", "closed", "broken"])
        elif drawn < 0.18:
            around.file_size = self.random.choice([0, 100, 1000, 4096, 20000, 100000])
        elif drawn < 0.20:
            around.files = self.random.choice([4, 5, 6, 8, 10, 16])
        elif drawn < 0.23:
            around.signal = self.random.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
            around.signal_after = self.random.random() ** 3
        return around
