"""The folder from which every case starts: tiny configs, data, and runs that the program itself trained."""

import io
import os
import pathlib
import random as randomness
import stat
import struct
import subprocess
import zipfile
import zlib

from program_fuzzing import mutations

TINY = """\
model:
  name: air
  steps: 2
  glimpse: 6
  controller: { hidden: 6 }
  head: [6]
  window: { scale_prior: { mean: 0.4, deviation: 0.1 } }
  appearance: { name: gaussian, size: 3, encoder: [6], decoder: [6] }
dataset:
  name: multi-sprites
  side: 16
  counts: { 0: 8, 1: 8, 2: 8 }
  diameter: { smallest: 5, largest: 7 }
  validation_size: 6
  test_size: 6
estimator: { name: nvil, baseline: { hidden: 5, layers: [4] } }
training: { steps: 4, batch: 2, threads: 1, log_every: 1, evaluate_every: 2, checkpoint_every: 2, picture_every: 4 }
evaluation: { iwae_samples: 2, batch: 6 }
"""
CONFIGS = {
    "tiny.yaml": TINY,
    "discrete.yaml": """\
extends: tiny.yaml
model: { name: discrete-air, appearance: { name: category, categories: 3, attributes: 1 }, window: { rotation: 1.5 } }
regularizers: [{ name: balance, weight: 10 }]
estimator: { name: gumbel-softmax, temperature: { schedule: exponential, from: 1, to: 0.5, begin: 0, end: 4 } }
training: { steps: 2, evaluate_every: 1, checkpoint_every: 1, picture_every: 2 }
""",
    "code.yaml": """\
model:
  name: mvae
  objects: 2
  size: 3
  encoder: { channels: [2, 2, 2, 2], hidden: [4] }
  decoder: { dense: [6], maps: 2, object: [2, 2], scene: [2, 2] }
dataset: { name: multi-dsprites, side: 32, sprites: 2, diameter: { smallest: 5, largest: 9 }, validation_size: 4, test_size: 4 }
estimator: { name: marginal }
training: { steps: 2, batch: 2, threads: 1, log_every: 1, evaluate_every: 2, checkpoint_every: 1, picture_every: 2 }
evaluation: { iwae_samples: 2, batch: 4 }
""",
    "images.yaml": """\
model: { name: air, steps: 1, glimpse: 6, controller: { hidden: 6 }, head: [6], appearance: { size: 2, encoder: [6], decoder: [6] } }
dataset: { name: images, path: ./images, validation_share: 0.3, test_share: 0.3 }
estimator: { name: marginal }
training: { steps: 2, batch: 2, threads: 1, log_every: 1, evaluate_every: 2, checkpoint_every: 2, picture_every: 2 }
evaluation: { iwae_samples: 2, batch: 2 }
""",
}
EXPERIMENTS = {
    "e.yaml": """\
base: tiny.yaml
seeds: [0]
rows:
  a: { training.batch: 2 }
  b: { training: { batch: 3 } }
columns: [nelbo, count_accuracy]
budgets: { short: { training.steps: 2 } }
""",
    "grid.yaml": """\
base: tiny.yaml
seeds: [0, 1]
rows:
  list:
    - plain: { training: { steps: 2 } }
    - product:
        - { training.batch: [2, 3], estimator.name: [nvil, marginal] }
        - { training.optimizer.rate: [0.0001, 0.001] }
      exclude: [{ training.batch: 3, estimator.name: marginal }]
columns: [nelbo, squared_error]
slurm: { at_once: 2, time_limit: "10:00", options: [--nice=1] }
""",
    "random.yaml": """\
base: tiny.yaml
seeds: [0]
rows: { random: { samples: 3, seed: 0, training.batch: { choice: [2, 3, 4, 5] }, training.optimizer.rate: { log_uniform: [0.0001, 0.01] } } }
columns: [nelbo]
""",
}
SCENE = "objects:\n  - { x: 8, y: 8, size: 6, attributes: [0.5] }\n  - { x: 3, y: 12, width: 5, height: 4 }\n"
DISCRETE_SCENE = "objects: [{ category: 1, x: 8, y: 8, size: 6, angle: 30, attributes: [0.5] }]\n"

# Replaces curl, sbatch, git and other programs. The answer depends on FAKE.
FAKE = """\
#!/bin/sh
case ${FAKE:-0} in
0) exit 1 ;;
1) echo garbage ;;
2) echo 12 ;;
3) exit 0 ;;
4) head -c 100000 /dev/zero ;;
5) echo trouble >&2; exit 22 ;;
esac
"""


def picture(random, side=16):
    rows = b"".join(b"\0" + bytes(random.choice([0, 0, 0, 90, 255]) for _ in range(side)) for _ in range(side))
    return mutations.png(
        [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    )


def npy(shape, kind="|u1", data=None, order="False"):
    header = f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}"
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    size = 1
    for side in shape:
        size *= side
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + (bytes(size * int(kind[2:])) if data is None else data)
    )


def npz(arrays):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def odd_npz(random):
    """An archive with an array that is valid, unusual, or different from what its header states."""
    sizes = [0, 1, 2, 3, 16, 17, 4096, 10**9, 2**31, 2**62]
    shape = tuple(random.choice(sizes) for _ in range(random.choice([0, 1, 2, 3, 3, 4, 5])))
    kind = random.choice(
        ["|u1", "|b1", "<u2", ">u2", "<i4", "<i8", "<u8", "<f2", "<f4", ">f8", "<c8", "|O1", "|S4", "|V3", "<m8"]
    )
    count = 1
    for side in shape:
        count *= side
    data = (
        random.choice([b"", None, bytes(8), random.randbytes(4096)]) if count < 10**6 else random.choice([b"", bytes(10**5)])
    )
    name = random.choice(["images", "images", "images", "imgs", "arr_0", "../images", "", "x" * 3000])
    return npz({name: npy(shape, kind, data, random.choice(["False", "False", "True", "x"]))})


class Materials:
    """The files of a case, by the placeholders of the help."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.runs = ["runs/tiny/r", "runs/discrete/r", "runs/code/r", "runs/e/a/seed-0"]
        self.run_files = {}

    def make(self, program, environment):
        root = self.root
        random = randomness.Random(0)
        root.mkdir(parents=True)
        for name, text in {**CONFIGS, **EXPERIMENTS, "scene.yaml": SCENE, "discrete-scene.yaml": DISCRETE_SCENE}.items():
            (root / name).write_text(text)
        (root / "images").mkdir()
        for index in range(6):
            (root / "images" / f"{index}.png").write_bytes(picture(random))
        (root / "d.npz").write_bytes(npz({"images": npy((6, 16, 16), data=random.randbytes(6 * 256))}))
        (root / "d.npy").write_bytes(npy((6, 16, 16)))
        (root / "bomb.npz").write_bytes(npz({"images": npy((2 * 10**5, 16, 16))}))
        (root / "curves.csv").write_text('step,a,"b, c"\n1,5,2\n2,6,1e3\n3,nan,0\n')
        (root / "old.csv").write_text("x,y\n1,2\n")
        (root / "old.png").write_bytes(picture(random))
        (root / "old.json").write_text("{}\n")
        (root / "old.npz").write_bytes(npz({"images": npy((1, 16, 16))}))
        (root / "bench.json").write_text('{"name": "startup", "figures": {}}\n')
        (root / "victim").write_text("nothing may change this\n")
        (root / "empty").mkdir()
        (root / "link.png").symlink_to("victim")
        (root / "nothing.yaml").symlink_to("nowhere")
        (root / "loop.yaml").symlink_to("loop.yaml")
        (root / "data" / "mnist").mkdir(parents=True)
        (root / "data" / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"<html>")
        (root / "bin").mkdir()
        for name in ("curl", "sha256sum", "sbatch", "squeue", "sacct", "scontrol", "scancel", "sinfo", "git"):
            (root / "bin" / name).write_text(FAKE)
            (root / "bin" / name).chmod(0o755)
        for config in ("tiny", "discrete", "code"):
            self.call(program, environment, "train", f"{config}.yaml", "--name", "r")
        self.call(program, environment, "sweep", "e.yaml", "--jobs", "1")
        self.call(program, environment, "evaluate", "runs/tiny/r")
        self.call(program, environment, "evaluate", "runs/e/a/seed-0")
        os.mkfifo(root / "pipe")
        for run in self.runs:
            found = [path.relative_to(root / run).as_posix() for path in (root / run).rglob("*")]
            # The event file's name contains the time and the host. The order must not depend on them.
            self.run_files[run] = sorted(found, key=lambda name: "events" if name.startswith("events.") else name) + ["."]

    def call(self, program, environment, *words):
        result = subprocess.run(
            [program, *words], cwd=self.root, env=environment, capture_output=True, text=True, timeout=120
        )
        if result.returncode != 0:
            raise SystemExit(f"fuzz-program: {' '.join(words)}: status {result.returncode}\n{result.stderr}")
        return result.stdout

    @staticmethod
    def add_devices(folder):
        """Creates devices in the folder of the case. Returns False if the system forbids it."""
        try:
            (folder / "dev").mkdir()
            for name, minor in (("null", 3), ("zero", 5), ("full", 7)):
                os.mknod(folder / "dev" / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
            (folder / "dev" / "zero").open("rb").close()
            return True
        except OSError:
            return False

    def values(self, placeholder, option, wildness):
        odd_paths = [
            "missing",
            "pipe",
            "dev/zero",
            "empty",
            "victim",
            "loop.yaml",
            "nothing.yaml",
            "images/0.png",
            "d.npz",
            "runs",
            ".",
            "victim/x",
        ]
        configs = ["tiny.yaml", "discrete.yaml", "code.yaml", "images.yaml", "./tiny.yaml", "runs/tiny/r/config.yaml"]
        experiments = ["e.yaml", "grid.yaml", "random.yaml", "./e.yaml"]
        sane = {
            "CONFIG": configs * 2 + experiments,
            "EXPERIMENT": experiments,
            "RUN": self.runs,
            "OTHER": self.runs,
            "RUN|CONFIG": self.runs + configs,
            "FILE": ["bench.json"] if option == "--compare" else ["images/0.png", "images", "d.npz"],
            "FILE.csv": ["curves.csv", "old.csv"],
            "SCENE.yaml": ["scene.yaml", "discrete-scene.yaml"],
            "FOLDER": ["runs", "runs/tiny", "runs/new/cell", "runs/e/a/seed-0"],
            "DIR": ["data"] if option == "--data" else ["runs", "out", "./runs", "new/er"],
            "URL": ["file:./data/mnist/", "https://localhost:1/mnist/"],
            "ROW": ["a", "b", "plain"],
            "ROW,...": ["a", "b", "a,b", "plain"],
            "ROW,ROW": ["a,b", "b,a"],
            "KEY": ["training.batch", "model", "training.optimizer", "step", "-step", "nelbo", "status"],
            "KEY,...": ["all", "step,nelbo", "training.batch,status"],
            "NAME": {"--metric": ["nelbo", "count_accuracy"], "--budget": ["short"]}.get(
                option, ["x", "seed-0", "r", "name with space"]
            ),
            "TIME": ["10", "2:00:00", "1-00:00"],
            "OPTIONS": ["--nice", "--mem=1G --nice=2"],
            "N": ["1", "2"],
            "S": ["0", "1"],
        }.get(placeholder, ["text", "a b", "nelbo"])
        names = ["../x", "a/b", ".hidden", "a,b", "c|d", "x^2 ~ {y}", "\x1b[31m", "-n", "ä"]
        odd = names if placeholder in ("NAME", "ROW", "TEXT") else odd_paths
        return sane * 4 + odd * round(4 * wildness * len(sane) / len(odd) + (wildness > 0))

    def outputs(self, placeholder, wildness):
        suffix = placeholder.partition(".")[2]
        endings = [suffix] if suffix else ["png", "csv", "json", "npz", "svg", "safetensors"]
        sane = [f"o.{ending}" for ending in endings] * 3 + [
            f"old.{ending}" for ending in endings if ending in ("png", "csv", "json", "npz")
        ]
        odd = [
            "tiny.yaml",
            "images/0.png",
            "d.npz",
            "curves.csv",
            "runs/tiny/r/config.yaml",
            "runs/tiny/r/metrics.jsonl",
            "link.png",
            "pipe",
            "dev/null",
        ]
        odd += [
            "dev/full",
            "empty",
            "empty/",
            "missing/o.png",
            "o",
            "o.pdf",
            "o.txt",
            "o.PNG",
            ".png",
            "loop.yaml",
            "victim/x.png",
            "new\x1b[31m.png",
        ]
        return sane * 3 + odd * round(4 * wildness)
