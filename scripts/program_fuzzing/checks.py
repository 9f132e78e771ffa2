"""The checks that are made after every command."""

import csv
import hashlib
import io
import json
import os
import re
import stat
import struct
import xml.etree.ElementTree
import zipfile
import zlib

from program_fuzzing.running import MEMORY

STATUSES = {0, 1, 2, 129, 130, 143}
# Output of a trap or debug description of a type, which must not appear in messages.
TRAPS = re.compile(
    rb"Fatal error|Illegal instruction|Backtrace|Optional\(|\.swift:\d|unexpectedly found|AddressSanitizer|BLAS : "
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
LARGE = 8 << 20


def snapshot(folder):
    """All paths below `folder`, with their kinds and contents."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)
            status = os.lstat(path)
            kind = stat.S_IFMT(status.st_mode)
            content = None
            if kind == stat.S_IFREG:
                content = (status.st_size, status.st_mtime_ns)
                if status.st_size <= LARGE:
                    with open(path, "rb") as file:
                        content = hashlib.sha1(file.read()).digest()
            elif kind == stat.S_IFLNK:
                content = os.readlink(path)
            elif kind == stat.S_IFCHR:
                content = status.st_rdev
            found[os.path.relpath(path, folder)] = (kind, content)
    return found


def faults(line, around, outcome, folder, before):
    """All faults in what a command did, as lines of text."""
    found = list(outcome.faults)
    if any("a hang" in fault or "deaf" in fault for fault in found):
        return found
    status = outcome.status
    was_told = outcome.was_stopped or around.signal is not None
    if status < 0 and not (was_told and -status in (1, 2, 15)):
        found.append(f"ended by signal {-status}")
    elif status >= 0 and status not in STATUSES:
        found.append(f"exit status {status}")
    elif status in (129, 130, 143) and not was_told:
        found.append(f"exit status {status} without a signal")
    if outcome.memory > MEMORY:
        found.append(f"took {outcome.memory >> 20} MiB")
    found += messages(around, outcome)
    after = snapshot(folder)
    found += files(line, outcome, folder, before, after)
    if status == 0:
        if around.stdout == "file":
            found += standard_output(line, outcome.stdout)
        for path in sorted(after):
            if before.get(path) != after[path] and after[path][0] == stat.S_IFREG:
                fault = incomplete(os.path.join(folder, path))
                if fault:
                    found.append(f"status 0, but {fault}")
    return found


def messages(around, outcome):
    found = []
    if TRAPS.search(outcome.stderr):
        found.append("a trap or debug text on stderr")
    for name, data in (("stderr", outcome.stderr), ("stdout", outcome.stdout)):
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data" or around.file_size is None:
                found.append(f"{name} is not UTF-8")
            continue
        odd = CONTROL.search(text)
        if odd:
            found.append(f"a control character on {name}: {odd[0]!r}")
    if outcome.status in (1, 2) and around.stderr == "file" and around.file_size is None:
        lines = [text for text in outcome.stderr.decode(errors="replace").splitlines() if text.startswith("airframe: ")]
        if not lines:
            found.append(f"status {outcome.status} without a message")
        elif any(len(text.split()) < 4 for text in lines):
            found.append("a message that says nothing")
    return found


def may_change(line, path):
    """Whether the command may change the file at `path`, as an output or because it trains or measures there."""
    command = line.invocation.path[0]
    if path in (os.path.normpath(output) for output in line.outputs):
        return True
    in_run = path.startswith(("runs/", "out/", "new/")) or command == "run-cell"
    if command == "evaluate":
        return in_run and "evaluation" in path
    if command in ("train", "run-cell", "sweep"):
        return in_run
    return command == "data" and path.startswith("data/")


def may_be_replaced(line, path):
    """Whether an output may replace a file: one provided for this, or, with --replace, any that is not an input."""
    if os.path.basename(path).startswith("old."):
        return True
    inputs = [os.path.normpath(word.rpartition("=")[2]) for word in line.words if word.rpartition("=")[2] not in line.outputs]
    return "--replace" in line.words and not any(path == name or path.startswith(name + "/") for name in inputs)


def files(line, outcome, folder, before, after):
    """Faults in the files: changed inputs, and files that are lost, which is a fault with any exit status."""
    found = []
    outputs = {os.path.normpath(output) for output in line.outputs}
    for path, (kind, content) in before.items():
        now = after.get(path)
        if now == (kind, content):
            continue
        if not may_change(line, path):
            found.append(f"{path} {'is gone' if now is None else 'changed'}")
        elif path in outputs and kind not in (stat.S_IFREG, stat.S_IFLNK):
            found.append(f"the output {path} was no regular file, and was replaced")
        elif path in outputs and kind == stat.S_IFREG and not may_be_replaced(line, path):
            found.append(f"the output replaced the input {path}")
        elif outcome.status != 0 and path in outputs:
            # The output is complete if only the message about it could not be printed.
            fault = "it is gone" if now is None else incomplete(os.path.join(folder, path))
            if fault:
                found.append(f"status {outcome.status}, and {path} was replaced: {fault}")
        elif outcome.status == 2 and os.path.basename(path) not in ("lock", "log.txt", "status.json"):
            found.append(f"status 2, but {path} {'is gone' if now is None else 'changed'}")
        elif outcome.status != 0 and path.endswith(".safetensors") and now is None and not outcome.was_stopped:
            found.append(f"status {outcome.status}, and {path} is lost")
    for path in after:
        name = os.path.basename(path)
        if path not in before and (".tmp-" in name or name.startswith(".tmp")):
            found.append(f"left {re.sub('[0-9a-z]{4,}', '*', path)} behind")
    return found


def standard_output(line, data):
    command, words = line.invocation.path, line.words
    text = data.decode(errors="replace")
    if data and not data.endswith(b"\n"):
        return ["status 0, but stdout does not end its last line"]
    formats = {"json", "csv", "markdown"}
    # With --out, the format is that of the file.
    given = [word.rpartition("=")[2] for word in words if word.rpartition("=")[2] in formats and not line.outputs]
    is_json = command == ["config", "schema"] or "--json" in words or given == ["json"]
    if not data:
        return []
    try:
        if is_json:
            json.loads(text, parse_constant=refuse)
        elif given == ["csv"]:
            rectangular(text)
        elif given == ["markdown"]:
            rows = [row for row in text.splitlines() if row.startswith("|")]
            if len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) > 1:
                return ["status 0, but the Markdown table is not rectangular"]
    except ValueError as error:
        return [f"status 0, but stdout is broken: {error}"]
    return []


def refuse(word):
    raise ValueError(f"{word} is not JSON")


def rectangular(text):
    widths = {len(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)}
    if len(widths) > 1:
        raise ValueError(f"CSV of {sorted(widths)} columns")


def incomplete(path):
    """The fault in a file that a command wrote, checked according to its suffix; None if there is no fault."""
    name = os.path.basename(path)
    try:
        if os.path.getsize(path) > LARGE:
            return None
        with open(path, "rb") as file:
            data = file.read()
        if name.endswith(".png"):
            whole_png(data)
        elif name.endswith(".json"):
            json.loads(data)
        elif name.endswith(".jsonl"):
            if data and not data.endswith(b"\n"):
                raise ValueError("half a line")
            for row in data.splitlines():
                json.loads(row)
        elif name.endswith(".csv"):
            rectangular(data.decode())
        elif name.endswith(".npz"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if archive.testzip() is not None:
                    raise ValueError("damaged member")
        elif name.endswith(".svg"):
            xml.etree.ElementTree.fromstring(data)
        elif name.endswith(".pdf") and not (data.startswith(b"%PDF") and b"%%EOF" in data[-20:]):
            raise ValueError("no PDF")
        elif name.endswith(".safetensors"):
            length = struct.unpack("<Q", data[:8])[0]
            header = json.loads(data[8 : 8 + length])
            ends = [value["data_offsets"][1] for key, value in header.items() if key != "__metadata__"]
            if 8 + length + max(ends, default=0) != len(data):
                raise ValueError("cut")
    except (ValueError, KeyError, struct.error, zipfile.BadZipFile, xml.etree.ElementTree.ParseError) as error:
        return f"{re.sub('[0-9]+', 'N', name)} is broken: {error}"
    return None


def whole_png(data):
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError("no PNG")
    at, kind = 8, b""
    while at < len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if zlib.crc32(kind + body) != struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0]:
            raise ValueError("checksum")
        at += 12 + length
    if kind != b"IEND":
        raise ValueError("cut")
