"""Damages files and folders. All random choices use the generator that the caller passes."""

import json
import os
import pathlib
import re
import shutil
import stat
import struct
import zlib

NUMBERS = [
    "0", "-1", "1", "2", "3", "255", "256", "65536", "1000000", "2147483647", "2147483648", "4294967296", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1e18", "1e308", "1e999", "-1e999", "1e-320", "0.5", "-0.0",
    "nan", ".nan", "-.inf", "1_000", "0x10", "0o7", "1e", "9" * 300,
]  # fmt: skip
WORDS = [
    '""',
    "~",
    "null",
    "true",
    "[]",
    "{}",
    "[[]]",
    "{0: 1}",
    '"\\0"',
    '"a\\0b"',
    '"\\e[31m"',
    "'a\n\n  b'",
    "!!binary AAAA",
    "*a",
    "&a 1",
    "ä",
]
FOREIGN = [
    b"<!DOCTYPE html><html><body>404</body></html>\n", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", b"GIF89a\x01\x00\x01\x00", b"\x1f\x8b\x08\x00",
    b"\x89HDF\r\n\x1a\n", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x89PNG\r\n\x1a\n", b"%TAG ! x\n" * 20000,
    b"\xef\xbb\xbf", b"\xff\xfea\x00", b"\n" * 100000, b"[" * 100000, b'{"a":' * 50000, b"- " * 50000, b"{a: " * 5000, b"a: &a [*a]\n",
    b"<<: *x\n", b"---\n---\n", b"a: |\n" + b" x\n" * 50000, b"\x00" * 4096, struct.pack("<Q", 2**63), struct.pack("<Q", 90_000_000) + b"{" + b" " * 4096,
]  # fmt: skip

# The kinds of damage. Some replace a whole file or folder; the others change the bytes of a file.
KINDS = [
    "missing", "empty", "cut", "cut", "flipped", "flipped", "folder", "link to itself", "link to nothing", "link outside", "fifo", "device",
    "sparse", "foreign", "number", "number", "tree", "tree", "bytes", "bytes", "swapped", "moved behind a link",
]  # fmt: skip


def damage(path, kind, random, victim, devices):
    """Damages the file or folder `path` and returns how. `victim` is a file that no command may change."""
    path = pathlib.Path(path)
    data = None
    if path.is_file():
        # A file that an earlier damage made sparse is not read.
        data = path.read_bytes() if path.stat().st_size < 64 << 20 else b""
    if (
        data is None
        and kind not in ("missing", "empty", "fifo", "device", "moved behind a link")
        and not kind.startswith("link")
    ):
        kind = random.choice(["missing", "empty", "foreign"])
    if kind == "moved behind a link":
        path.rename(path.parent / (path.name + ".moved"))
        path.symlink_to(path.name + ".moved")
        return kind
    if kind in ("flipped", "cut", "number", "tree", "bytes", "swapped"):
        path.write_bytes(changed(data, kind, random, path))
        return kind
    if kind == "sparse":
        os.truncate(path, random.choice([2**20, 3 * 2**30, 2**40]))
        return kind
    folder_wanted = data is None
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    if kind == "empty":
        path.mkdir() if folder_wanted else path.write_bytes(b"")
    elif kind == "folder":
        path.mkdir()
        if random.random() < 0.5:
            (path / "x").write_bytes(b"x")
    elif kind == "link to itself":
        path.symlink_to(path.name)
    elif kind == "link to nothing":
        path.symlink_to("nothing/here")
    elif kind == "link outside":
        path.symlink_to(os.path.relpath(victim, path.parent))
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device" and devices:
        # The case gets its own devices, so that a program that runs as root cannot replace the system's.
        major, minor = random.choice([(1, 5), (1, 7), (1, 3)])
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
    elif kind == "foreign":
        path.write_bytes(random.choice(FOREIGN))
    return kind


def changed(data, kind, random, path=None):
    """`data` with a change of the given kind."""
    if not data:
        return random.choice(FOREIGN)
    if kind == "cut":
        return data[: random.choice([1, 7, 8, len(data) // 2, len(data) - 1, random.randrange(len(data))])]
    if kind == "flipped":
        # Half of all flips affect only the start of the file, because headers are there.
        end = random.choice([len(data), min(len(data), 512)])
        data = bytearray(data)
        for _ in range(random.choice([1, 1, 2, 8, 64])):
            data[random.randrange(end)] ^= 1 << random.randrange(8)
        return bytes(data)
    if kind == "number":
        return number_changed(data, random)
    if kind == "tree":
        return tree_changed(data, random, path)
    if kind == "swapped" and path is not None:
        others = sorted(other for other in path.parent.iterdir() if other.is_file() and other != path)
        return random.choice(others).read_bytes() if others else b""
    return bytes_changed(data, random)


def bytes_changed(data, random):
    at, to = sorted(random.randrange(len(data) + 1) for _ in range(2))
    what = random.randrange(8)
    if what == 0:
        return data[:at] + data[to:]
    if what == 1:
        return data[:to] + data[at:to] * random.choice([1, 2, 50]) + data[to:]
    if what == 2:
        return data[:at] + bytes(to - at) + data[to:]
    if what == 3:
        return data[:at] + random.randbytes(random.choice([1, 4, 64])) + data[at:]
    if what == 4:
        return data + random.choice([data, b"\n", b"\x00", b"}", b"half a line"])
    if what == 5:
        return data.replace(b"\n", random.choice([b"\r\n", b"\r", b"", b"\n\n", b"\n\x00"]))
    if what == 6:
        return random.choice([b"\xef\xbb\xbf", b"\n", b" ", b"\t"]) + data
    lines = data.split(b"\n")
    first, second = random.randrange(len(lines)), random.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    if random.random() < 0.5:
        lines.insert(first, lines[second])
    return b"\n".join(lines)


def number_changed(data, random):
    """Replaces numbers or words of a text by extreme ones.

    In a safetensors file the header is changed, and its length is adapted.
    """
    header = safetensors_header(data)
    if header is not None:
        new = number_changed(header, random)
        return struct.pack("<Q", len(new)) + new + data[8 + len(header) :]
    spots = list(re.finditer(rb"(?<![\w.])-?\d[\d.e+-]*(?![\w])|(?<=: )[A-Za-z_.~]+", data[:200_000]))
    if not spots:
        return bytes_changed(data, random)
    for spot in sorted(random.sample(spots, min(len(spots), random.choice([1, 1, 2, 4]))), key=lambda s: -s.start()):
        new = random.choice(NUMBERS if random.random() < 0.7 else WORDS)
        data = data[: spot.start()] + new.encode() + data[spot.end() :]
    return data


def safetensors_header(data):
    if len(data) < 10 or data[8:9] != b"{":
        return None
    length = struct.unpack("<Q", data[:8])[0]
    return data[8 : 8 + length] if length <= len(data) - 8 else None


def tree_changed(data, random, path):
    """Changes the structure of a file according to its format.

    In JSON, or in one line of JSON lines, a value is replaced or removed; in a PNG, chunks are changed and get correct
    checksums; in other texts, YAML lines are changed.
    """
    header = safetensors_header(data)
    if header is not None:
        new = json_changed(header, random)
        if new is None:
            # The header is not JSON, because of an earlier damage.
            return bytes_changed(data, random)
        new += b" " * (-len(new) % 8)
        return struct.pack("<Q", len(new)) + new + data[8 + len(header) :]
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return png_changed(data, random)
    if data.lstrip()[:1] in (b"{", b"["):
        whole = json_changed(data, random)
        if whole is not None:
            return whole
        lines = data.splitlines()
        at = random.randrange(len(lines))
        line = json_changed(lines[at], random)
        lines[at] = lines[at] if line is None else line
        return b"\n".join(lines) + b"\n"
    return yaml_changed(data, random)


def json_changed(text, random):
    """`text` with a value replaced or removed; None if it is not JSON."""
    try:
        tree = json.loads(text)
    except ValueError:
        return None
    spots = []

    def walk(node):
        for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []:
            spots.append((node, key))
            # A text within JSON may itself be JSON or YAML.
            walk(node[key])

    walk(tree)
    if not spots:
        return b"0"
    node, key = random.choice(spots)
    what = random.randrange(10)
    if what == 0:
        del node[key]
    elif what == 1 and isinstance(node, dict):
        node[random.choice(["", "a\u0000b", "\x1b[31m", "x" * 5000, "step", "../../x", str(key) + " "])] = node.pop(key)
    elif what == 2 and isinstance(node[key], str):
        node[key] = bytes_changed(node[key].encode(), random).decode(errors="replace")
    elif what == 3 and isinstance(node[key], str):
        node[key] = number_changed(node[key].encode(), random).decode(errors="replace")
    elif what == 4 and isinstance(node, list):
        node += [node[key]] * random.choice([1, 100])
    else:
        node[key] = "@RAW@"
        raw = random.choice(
            NUMBERS[:26]
            + ['""', "null", "true", "[]", "{}", '"a\\u0000b"', '"\\u001b[31m"', '"' + "x" * 5000 + '"', "[" * 5000]
        )
        return json.dumps(tree).replace('"@RAW@"', raw, 1).encode()
    return json.dumps(tree, ensure_ascii=random.random() < 0.5).encode()


def png_changed(data, random):
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    what = random.randrange(6)
    if what == 0:
        del chunks[random.randrange(len(chunks))]
    elif what == 1:
        chunks.insert(random.randrange(len(chunks)), random.choice(chunks))
    elif what == 2:
        kind = random.choice([b"tRNS", b"gAMA", b"PLTE", b"acTL", b"iCCP", b"zTXt", b"sBIT", b"xxxx", b"XXXX"])
        chunks.insert(random.randrange(len(chunks) + 1), (kind, random.randbytes(random.choice([0, 1, 4, 6, 768]))))
    elif what == 3:
        chunks[0] = (b"IHDR", bytes_changed(chunks[0][1], random))
    else:
        sizes = [0, 1, 16, 17, 4096, 65535, 2**31 - 1, 2**31, 2**32 - 1]
        header = struct.pack(">IIBBBBB", random.choice(sizes), random.choice(sizes), random.choice([1, 2, 4, 8, 16, 3]),
                             random.choice([0, 2, 3, 4, 6, 1]), 0, 0, random.choice([0, 1, 2]))  # fmt: skip
        chunks[0] = (b"IHDR", header)
    return png(chunks)


def png(chunks):
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in chunks:
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


def yaml_changed(data, random):
    lines = data.decode(errors="replace").split("\n")
    at = random.randrange(len(lines))
    what = random.randrange(12)
    new = random.choice(NUMBERS + WORDS)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(at, lines[random.randrange(len(lines))])
    elif what == 2:
        lines[at] = "  " * random.choice([0, 1, 2]) + lines[at].strip()
    elif what == 3:
        other = random.choice(
            [
                "x",
                "lr",
                "0",
                "~",
                "null",
                "a b",
                "'a, \"b\"'",
                "'='",
                "'c|d'",
                '"\\0"',
                '"\\e[1m"',
                "a/b",
                "../x",
                "'x^2 ~ {y}'",
            ]
        )
        lines[at] = re.sub(r"(\w+)(?=:)", lambda match: other, lines[at], count=1)
    elif what == 4:
        lines[at] = re.sub(r": *[^,{}\[\]#]+", lambda match: f": {new}", lines[at], count=random.choice([1, 1, 3]))
    elif what == 5:
        other = random.choice(["[]", f"[{new}]", f"[{new}, {new}]", "[" + "1, " * 5000 + "1]"])
        lines[at] = re.sub(r"\[[^\]]*\]", lambda match: other, lines[at])
    elif what == 6:
        other = random.choice(["{}", "[]", f"{{{new}: {new}}}", new])
        lines[at] = re.sub(r"\{[^{}]*\}", lambda match: other, lines[at])
    elif what == 7:
        lines.insert(
            at,
            random.choice(
                ["%TAG ! x", "---", "...", "extends: tiny.yaml", "base: tiny.yaml", "<<: *x", "? a", "- a", "\t", "rows: {}"]
            ),
        )
    elif what == 8:
        key = random.choice(
            [
                "model",
                "dataset",
                "training",
                "estimator",
                "evaluation",
                "regularizers",
                "rows",
                "seeds",
                "columns",
                "base",
                "budgets",
                "x",
            ]
        )
        lines.append(f"{key}: {new}")
    else:
        spots = list(re.finditer(r"(?<=[:\[,] )[^,{}\[\]#\s]+|(?<=\[)[^,{}\[\]#\s]+", lines[at]))
        if spots:
            spot = random.choice(spots)
            lines[at] = lines[at][: spot.start()] + new + lines[at][spot.end() :]
    return "\n".join(lines).encode(errors="replace")
