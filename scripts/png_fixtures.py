#!/usr/bin/env python3
"""Prints Tests/PicturesTests/Fixtures/pngs.txt: small PNG files of every kind, and the pixels that Pillow reads.

    python3 -m venv venv && venv/bin/pip install pillow==13.0.0
    venv/bin/python scripts/png_fixtures.py > Tests/PicturesTests/Fixtures/pngs.txt

The script makes the files chunk by chunk, so that each has the bit depth, interlacing and chunks that its name states.
The expected pixels are Pillow's, with transparent pixels composited over black. Airframe differs from Pillow in two
cases: Pillow reduces 16-bit color to 8 bits and ignores tRNS in 16-bit gray. The expected values there have 16 bits and
are multiplied by their alpha.
"""

import datetime
import io
import platform
import struct
import zlib

import PIL
from PIL import Image

WIDTH, HEIGHT = 9, 7
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7 passes: the first column and row, and the distances between columns and rows.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def packed(row, depth):
    """The samples of a row as bytes."""
    bits = "".join(format(sample, f"0{depth}b") for sample in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def filtered(rows, size, number):
    """The rows, filtered with the filter types 0 to 4 in turn, starting with type `number`."""
    result, above = b"", None
    for index, row in enumerate(rows):
        kind = (index + number) % 5
        above = above or bytes(len(row))
        out = bytearray([kind])
        for i, value in enumerate(row):
            left = row[i - size] if i >= size else 0
            corner = above[i - size] if i >= size else 0
            estimate = left + above[i] - corner
            paeth = min((left, above[i], corner), key=lambda it: abs(estimate - it))
            out.append((value - [0, left, above[i], (left + above[i]) // 2, paeth][kind]) % 256)
        result += bytes(out)
        above = row
    return result


def png(color, depth, samples, interlaced=False, chunks=b"", after=b""):
    """A PNG file. `samples[row][column]` is a tuple of samples; `chunks` precede a palette, `after` follows it."""
    size = max(1, CHANNELS[color] * depth // 8)

    def data(pixels, number):
        rows = [packed([sample for pixel in row for sample in pixel], depth) for row in pixels]
        return filtered(rows, size, number)

    if interlaced:
        raw = b""
        for number, (x, y, dx, dy) in enumerate(PASSES):
            part = [row[x::dx] for row in samples[y::dy]]
            if part and part[0]:
                raw += data(part, number)
    else:
        raw = data(samples, 0)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + after + chunk(b"IDAT", zlib.compress(raw, 9))
            + chunk(b"IEND", b""))


def samples(color, depth):
    """Values over the whole range, different in all channels."""
    top = 2**depth - 1
    state = 12345 + 16 * color + depth

    def value(row, column, channel):
        nonlocal state
        state = (state * 1103515245 + 12345) % 2**31
        edge = {0: 0, 1: top, 2: top // 2, 3: top // 2 + 1, 4: 1}
        return edge.get(row * WIDTH + column + channel, (state >> 8) % (top + 1)) % (top + 1)

    return [[tuple(value(row, column, channel) for channel in range(CHANNELS[color])) for column in range(WIDTH)]
            for row in range(HEIGHT)]


def over_black(image):
    """The picture composited over black, as 8-bit RGB."""
    rgba = image.convert("RGBA")
    black = Image.new("RGBA", image.size, (0, 0, 0, 255))
    black.paste(rgba.convert("RGB"), (0, 0), rgba.getchannel("A"))
    return black.convert("RGB")


def expected(file, color, depth, pixels, transparent):
    """The expected samples, with one or three channels and 8 or 16 bits."""
    image = Image.open(io.BytesIO(file))
    image.load()
    if color == 0 and depth < 8 and transparent:
        # Pillow compares the transparent value as stored with samples that are already scaled to 8 bits. The PNG
        # standard (11.3.1.1) compares it with samples as stored.
        image.info["transparency"] = transparent[0] * 255 // (2**depth - 1)
    if depth < 16:
        data = list(over_black(image).tobytes())
        if color in (0, 4):
            assert data[::3] == data[1::3] == data[2::3]
            data = data[::3]
        if "transparency" not in image.info and color in (0, 2):
            assert bytes(data) == image.convert("L" if color == 0 else "RGB").tobytes()
        return data
    kept = 1 if color in (0, 4) else 3
    result = []
    for pixel in (pixel for row in pixels for pixel in row):
        alpha = pixel[kept] if len(pixel) > kept else 0 if pixel == transparent else 65535
        result += [(2 * sample * alpha + 65535) // (2 * 65535) for sample in pixel[:kept]]
    if color == 0:
        own = image.tobytes()
        assert image.mode == "I;16" and list(struct.unpack(f"<{len(own) // 2}H", own)) == [p[0] for r in pixels for p in r]
    else:
        top = [sample >> 8 for row in pixels for pixel in row for sample in pixel]
        assert list(image.convert({2: "RGB", 4: "LA", 6: "RGBA"}[color]).tobytes()) == top
    return result


GAMMA = chunk(b"gAMA", struct.pack(">I", 45455))
LINEAR = chunk(b"gAMA", struct.pack(">I", 100000))
SRGB = chunk(b"sRGB", b"\0")
CHROMATICITY = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
COLORS = {"": b"", "gamma": GAMMA, "linear": LINEAR, "srgb": SRGB + GAMMA + CHROMATICITY}

cases = []


def add(name, color, depth, interlaced=False, chunks=b"", after=b"", transparent=None):
    pixels = samples(color, depth)
    file = png(color, depth, pixels, interlaced, chunks, after)
    cases.append((name, 1 if color in (0, 4) else 3, depth, file, expected(file, color, depth, pixels, transparent)))


def palette(depth):
    return chunk(b"PLTE", bytes((37 * i + 11 * c) % 256 for i in range(2**depth) for c in range(3)))


NAMES = {0: "gray", 2: "rgb", 3: "palette", 4: "gray-alpha", 6: "rgba"}
for color, depths in [(0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))]:
    for depth in depths:
        for label, chunks in COLORS.items():
            after = palette(depth) if color == 3 else b""
            add(f"{NAMES[color]}-{depth}" + (f"-{label}" if label else ""), color, depth, label == "gamma", chunks, after)
            if color == 3:
                alphas = chunk(b"tRNS", bytes((255 - 60 * i) % 256 for i in range(2**depth - 1)))
                add(f"palette-{depth}-alpha" + (f"-{label}" if label else ""), 3, depth, label == "srgb", chunks,
                    after + alphas)
            if color in (0, 2):
                pixel = samples(color, depth)[3][4]
                key = chunk(b"tRNS", b"".join(struct.pack(">H", sample) for sample in pixel))
                add(f"{NAMES[color]}-{depth}-key" + (f"-{label}" if label else ""), color, depth, label == "srgb", chunks,
                    key, pixel)

print(f"# PNG files of {HEIGHT} x {WIDTH} pixels made by scripts/png_fixtures.py, and what Pillow reads from them: "
      f"Python {platform.python_version()}, Pillow {PIL.__version__}, {datetime.date.today()}.")
print("# name, channels, bits of a sample, file, samples (of 16 bits: big-endian)")
for name, channels, depth, file, data in cases:
    words = b"".join(struct.pack(">H", sample) for sample in data) if depth == 16 else bytes(data)
    print(name, channels, 16 if depth == 16 else 8, file.hex(), words.hex())
