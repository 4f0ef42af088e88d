"""Writes arrays for numpy.test into a folder, and checks what came out.

The bytes are made by hand, as NumPy's documentation of its format has them, so
that the test needs no NumPy.
"""

import ast
import struct
import sys
import zipfile
from pathlib import Path


def npy(descr, shape, data, fortran_order=False):
    header = repr({"descr": descr, "fortran_order": fortran_order, "shape": shape})
    header = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def read(path):
    """The header of a version 1 file and its floats."""
    data = Path(path).read_bytes()
    (size,) = struct.unpack("<H", data[8:10])
    assert data[:8] == b"\x93NUMPY\x01\x00" and (10 + size) % 64 == 0, data[:10]
    header, data = data[10 : 10 + size], data[10 + size :]
    assert header.endswith(b"\n")
    return ast.literal_eval(header.decode()), struct.unpack(f"<{len(data) // 4}f", data)


def write(folder):
    def save(name, data):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(data)

    def save_archive(name, method=zipfile.ZIP_STORED, **arrays):
        with zipfile.ZipFile(f"{folder}/{name}", "w", method) as archive:
            for key, data in arrays.items():
                archive.writestr(key + ".npy", data)

    x = npy("<f4", (2, 3), struct.pack("<6f", 1, 2, 3, 4, 5, 6))
    y = npy("<f4", (3,), struct.pack("<3f", 10, 20, 30))
    save("x.npy", x)
    save("y.npy", y)
    save_archive("xy.npz", y=y, x=x)
    save("one_row.npy", npy("<f4", (1, 3), bytes(12)))
    save("wide.npy", npy("<f4", (4,), bytes(16)))
    save("double.npy", npy("<f8", (3,), bytes(24)))
    save("order.npy", npy("<f4", (2, 3), bytes(24), fortran_order=True))
    save("big.npy", npy(">f4", (3,), bytes(12)))
    save("text.npy", npy("<U4", (3,), bytes(48)))
    save("cut.npy", y[:-1])
    save("header.npy", y[:50])
    save("absurd.npy", npy("<f4", (2**62, 3 * 10**10), bytes(12)))
    save("negative.npy", npy("<f4", (-3,), bytes(12)))
    save("empty.npy", b"")
    save_archive("named.npz", x=x, z=y)
    save_archive("small.npz", zipfile.ZIP_DEFLATED, x=x, y=y)
    save("cut.npz", Path(folder, "xy.npz").read_bytes()[:-10])


def check(folder):
    x = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    header = {"descr": "<f4", "fortran_order": False, "shape": (2, 3)}
    assert read(f"{folder}/out_negative.npy") == (header, tuple(-value for value in x))
    expected = tuple(a + b for a, b in zip(x, 2 * (10, 20, 30)))
    assert read(f"{folder}/out_sum.npy") == (header, expected)


{"write": write, "check": check}[sys.argv[1]](sys.argv[2])
