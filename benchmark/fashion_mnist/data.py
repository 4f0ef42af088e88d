"""Loader for Fashion-MNIST as installed by Debian's package ``dataset-fashion-mnist``."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DATA_DIR = Path("/usr/share/datasets/fashion-mnist")

_PREFIX = {"train": "train", "test": "t10k"}


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one gzip-compressed idx file of unsigned bytes."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: run 'apt-get install dataset-fashion-mnist'")
    raw = gzip.decompress(path.read_bytes())
    # Header: two zero bytes, the element type (0x08 = uint8), the rank, then big-endian sizes.
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path}: not an idx file of unsigned bytes")
    rank = raw[3]
    shape = np.frombuffer(raw, dtype=">u4", count=rank, offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def load(
    split: Literal["train", "test"], data_dir: Path = DATA_DIR
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the images, float32 [n, 784] in [0, 1], and the int64 labels [n] of a split."""
    prefix = _PREFIX[split]
    images = _read_idx(data_dir / f"{prefix}-images-idx3-ubyte.gz")
    labels = _read_idx(data_dir / f"{prefix}-labels-idx1-ubyte.gz")
    if len(images) != len(labels):
        raise ValueError(f"{data_dir}: {len(images)} {split} images but {len(labels)} labels")
    scaled = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    return scaled, labels.astype(np.int64)
