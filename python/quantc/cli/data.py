"""Sample data in NumPy files, batch by batch."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantc._quantc import Port
from quantc.errors import Error

Batch = dict[str, NDArray]


class Dataset:
    """The arrays of an ``.npz`` file by input name, or that of an ``.npy`` file for the one input.

    ``len`` and iteration are by batches: ``batch_size`` entries along the first dimension of the
    inputs whose first dimension is dynamic; without such an input there is one batch.
    """

    def __init__(
        self, path: Path, ports: Sequence[Port], batch_size: int, labels: str | None = None
    ) -> None:
        """Read ``path``; ``labels`` names an array that is no input but the expected classes."""
        self.path = path
        self.batch_size = batch_size
        self.arrays = _read(path, ports)
        self.labels: NDArray | None = self.arrays.pop(labels, None) if labels else None
        dynamic = {port.name for port in ports if port.shape and isinstance(port.shape[0], str)}
        self._split = {name for name in dynamic & set(self.arrays) if self.arrays[name].ndim}
        lengths = {name: len(self.arrays[name]) for name in sorted(self._split)}
        if len(set(lengths.values())) > 1:
            sizes = ", ".join(f"'{name}' has {length}" for name, length in lengths.items())
            raise Error(f"{path}: the numbers of samples differ: {sizes}")
        self.samples = next(iter(lengths.values()), 1)
        if self.samples == 0:
            raise Error(f"{path}: no samples")
        if self.labels is not None and self.labels.shape[:1] != (self.samples,):
            raise Error(
                f"{path}: '{labels}' has shape {self.labels.shape}; it must be ({self.samples},)"
            )

    def __len__(self) -> int:
        return -(-self.samples // self.batch_size) if self._split else 1

    def __iter__(self) -> Iterator[Batch]:
        for index in range(len(self)):
            rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
            yield {
                name: array[rows] if name in self._split else array
                for name, array in self.arrays.items()
            }


def read_array(path: Path) -> NDArray:
    """Return the array of an .npy file."""
    loaded = _load(path)
    if not isinstance(loaded, np.ndarray):
        raise Error(f"{path}: an archive of arrays; expects an .npy file")
    return loaded


def _load(path: Path) -> NDArray | Batch:
    """Return the array of an .npy file, or those of an .npz file by name."""
    if path.is_dir():
        raise Error(f"{path}: is a directory; expects a file")
    if not path.exists():
        raise Error(f"{path}: no such file")
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            return {name: loaded[name] for name in loaded.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile):
        raise Error(f"{path}: not a NumPy .npz or .npy file of numbers") from None


def _read(path: Path, ports: Sequence[Port]) -> Batch:
    loaded = _load(path)
    if not isinstance(loaded, np.ndarray):
        return loaded
    if len(ports) != 1:
        names = ", ".join(f"'{port.name}'" for port in ports)
        raise Error(f"{path}: one array for {len(ports)} inputs; give an .npz with {names}")
    return {ports[0].name: loaded}
