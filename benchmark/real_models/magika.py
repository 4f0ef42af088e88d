"""magika, which tells 214 types of files from their first and last bytes, on files of this machine."""

from __future__ import annotations

import hashlib
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from real_models.model import MissingError, RealModel

MODEL = Path(__file__).resolve().parents[3] / "shared" / "models" / "magika" / "model.onnx"
PADDING = 256
END = 1024
"""Bytes of the beginning, and of the end."""
BLOCK = 4096
"""Bytes that are read at either end, before white space is taken off."""
SMALLEST = 8
"""The least bytes of a file that magika classifies by its network."""
CALIBRATION_FILES = 512
ROOTS = ("/etc", "/usr/bin", "/usr/include", "/usr/lib", "/usr/share", sys.prefix)


def make(samples: int = 2048) -> RealModel:
    """Return the model with ``samples`` files, and other files for calibration."""
    if not MODEL.is_file():
        raise MissingError(f"magika needs {MODEL.name} in shared/models/magika beside the project")
    files = list_files(samples + CALIBRATION_FILES)
    rows = np.stack([read(file) for file in files])
    # The list begins with one file of each ending.
    rows = np.random.default_rng(0).permutation(rows)
    return RealModel(
        name="magika",
        path=MODEL,
        metric="agreement",
        samples={"bytes": rows[CALIBRATION_FILES:]},
        calibration={"bytes": rows[:CALIBRATION_FILES]},
        step=64,
    )


def read(file: Path) -> NDArray[np.int32]:
    """Return the bytes [2048] that the network reads of ``file``."""
    row = np.full(2 * END, PADDING, np.int32)
    with file.open("rb") as stream:
        first = stream.read(BLOCK).lstrip()[:END]
        stream.seek(max(0, file.stat().st_size - BLOCK))
        last = stream.read(BLOCK).rstrip()[-END:]
    row[: len(first)] = np.frombuffer(first, np.uint8)
    row[2 * END - len(last) :] = np.frombuffer(last, np.uint8)
    return row


def list_files(count: int) -> list[Path]:
    """Return ``count`` files, of as many endings as there are, in an order by chance but fixed."""
    by_ending: dict[str, list[str]] = defaultdict(list)
    for file in _walk():
        by_ending[Path(file).suffix].append(file)
    for files in by_ending.values():
        files.sort(key=lambda file: hashlib.sha256(file.encode()).digest())
    turns = zip_longest(*(files for _, files in sorted(by_ending.items())))
    found = (Path(file) for turn in turns for file in turn if file)
    return list(islice(found, count))


def _walk() -> Iterator[str]:
    for root in ROOTS:
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in files:
                file = os.path.join(folder, name)
                try:
                    if not os.path.islink(file) and os.path.getsize(file) >= SMALLEST:
                        yield file
                except OSError:
                    continue
