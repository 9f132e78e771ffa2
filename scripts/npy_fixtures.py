#!/usr/bin/env python3
"""Prints Tests/PicturesTests/NPYFixtures.swift: arrays and archives that NumPy writes."""

import datetime
import io
import platform
import textwrap

import numpy as np


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def npz(save, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


images = np.arange(12, dtype="u1").reshape(1, 3, 4)
x = np.array([1.5], dtype="<f4")
fixtures = [
    ("uint8", "[[0, 50, 100], [150, 200, 250]]", npy(np.arange(6, dtype="u1").reshape(2, 3) * 50)),
    ("flags", "[true, false, true]", npy(np.array([True, False, True]))),
    ("int32", "[[-1], [2147483647]]", npy(np.array([[-1], [2**31 - 1]], dtype="<i4"))),
    ("int64", "-2^40, without dimensions", npy(np.array(-(2**40), dtype="<i8"))),
    ("float32", "[[0.5, -1.25], [inf, 3]]", npy(np.array([[0.5, -1.25], [np.inf, 3]], dtype="<f4"))),
    ("float64", "[[[0.1]], [[-2e300]]]", npy(np.array([[[0.1]], [[-2e300]]], dtype="<f8"))),
    ("empty", "Shape (0, 7), float32.", npy(np.zeros((0, 7), dtype="<f4"))),
    ("fortran", "0 to 23 in shape (2, 3, 4), stored in Fortran order.",
     npy(np.asfortranarray(np.arange(24, dtype="u1").reshape(2, 3, 4)))),
    ("version2", "[0, 1, 2], uint8.", npy(np.arange(3, dtype="u1"), (2, 0))),
    ("version3", "[0, 1, 2], uint8.", npy(np.arange(3, dtype="u1"), (3, 0))),
    ("uint16", "A type that is not read.", npy(np.arange(3, dtype="<u2"))),
    ("bigEndian", "Big-endian float32.", npy(np.arange(3, dtype=">f4"))),
    ("named", "Records of two fields.", npy(np.zeros(2, dtype=[("a", "<f4"), ("b", "u1")]))),
    ("storedNPZ", "images: 0 to 11, uint8, shape (1, 3, 4); x: [1.5], float32.", npz(np.savez, images=images, x=x)),
    ("packedNPZ", "The same, compressed.", npz(np.savez_compressed, images=images, x=x)),
]

print(f"/// Arrays made by scripts/npy_fixtures.py: Python {platform.python_version()}, NumPy {np.__version__}, "
      f"{datetime.date.today()}.")
print("extension Fixtures {")
print("  enum NumPy {")
for name, meaning, data in fixtures:
    print(f"    /// {meaning}")
    print(f'    static let {name} = bytes(\n      """')
    print(textwrap.indent("\n".join(textwrap.wrap(data.hex(), 112)), " " * 6))
    print('      """)')
print("  }")
print("}")
