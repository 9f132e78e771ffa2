"""Reads a run folder with common Python packages, and compares what they read with the run's own files.

usage: python scripts/check_run_with_python.py RUN        (needs: pip install tensorboard safetensors numpy)
"""

import json
import pathlib
import sys

from safetensors import safe_open
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = pathlib.Path(sys.argv[1])

events = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0})
events.Reload()
found = {
    (tag, event.step): event.value for tag in events.Tags()["scalars"] for event in events.Scalars(tag)
}
wanted = {}
for line in (run / "metrics.jsonl").read_text().splitlines():
    values = json.loads(line)
    split = values.pop("split", "train")
    step = values.pop("step")
    wanted.update({(f"{split}/{name}", step): value for name, value in values.items()})
assert found.keys() == wanted.keys(), found.keys() ^ wanted.keys()
for key, value in wanted.items():
    assert abs(found[key] - value) <= 1e-6 * max(1, abs(value)), (key, found[key], value)

pictures = events.Images("scenes")
files = sorted((run / "images").glob("step-*.png"), key=lambda path: int(path.stem[5:]))
assert [picture.step for picture in pictures] == [int(path.stem[5:]) for path in files]
for picture, path in zip(pictures, files):
    assert picture.encoded_image_string == path.read_bytes(), path

checkpoints = sorted((run / "checkpoints").glob("step-*.safetensors"))
assert checkpoints
for path in checkpoints:
    with safe_open(path, "np") as file:
        assert path.stem == f"step-{file.metadata()['step']}"
        count = sum(file.get_tensor(name).size for name in file.keys() if name.startswith("parameters/"))
summary = json.loads((run / "summary.json").read_text())
print(
    f"{len(wanted)} scalars and {len(pictures)} pictures read by TensorBoard, {len(checkpoints)} checkpoints of {count} "
    f"parameters by safetensors; the model has {summary['parameters']}"
)
