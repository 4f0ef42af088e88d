"""Float tensors in safetensors files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from quantc._quantc import write_file
from quantc.errors import Error
from quantc.strict_json import parse_object

FloatArray = NDArray[np.float32]

MAX_HEADER = 16 << 20
"""Bytes: some hundred thousand tensors."""


def _from_bfloat16(data: bytes) -> FloatArray:
    return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)


DECODERS: dict[str, Callable[[bytes], FloatArray]] = {
    "F32": lambda data: np.frombuffer(data, "<f4").astype(np.float32),
    "F16": lambda data: np.frombuffer(data, "<f2").astype(np.float32),
    "BF16": _from_bfloat16,
}
"""The element types that can be read; all of their values are exact in float32."""


def read_tensors(path: Path) -> dict[str, FloatArray]:
    """Return the tensors of ``path`` by name, in the order of their names, as float32.

    Raises ``quantc.Error`` (``file: tensor: reason``) for a file that is not well-formed to the
    last byte, for other element types, and for NaN and infinities.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Error(f"{path}: cannot be read: {error.strerror}") from None
    _check_header(content, path)
    try:
        entries = sorted(safetensors.deserialize(content), key=lambda entry: entry[0])
    except (safetensors.SafetensorError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise Error(f"{path}: not a safetensors file: {reason}") from None
    return {name: _decode(entry, f"{path}: {name!r}") for name, entry in entries}


def _check_header(content: bytes, path: Path) -> None:
    """Refuse what the package accepts or would take long to look at."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > len(content) - 8:
        raise Error(f"{path}: not a safetensors file: it ends within its header")
    if size > MAX_HEADER:
        raise Error(f"{path}: a header of {size} bytes; at most {MAX_HEADER} are read")
    parse_object(content[8 : 8 + size], f"{path}: header")


def _decode(entry: Mapping[str, object], where: str) -> FloatArray:
    decode = DECODERS.get(str(entry["dtype"]))
    if decode is None:
        raise Error(
            f"{where}: elements of type {entry['dtype']}; they must be {', '.join(DECODERS)}"
        )
    array = decode(bytes(entry["data"])).reshape(entry["shape"])
    if not np.isfinite(array).all():
        raise Error(f"{where}: has NaN or infinite elements")
    return array


def write_tensors(path: Path, tensors: Mapping[str, FloatArray]) -> None:
    """Write ``tensors``, whole or not at all; the same tensors give the same bytes."""
    arrays = {name: np.ascontiguousarray(array, "<f4") for name, array in tensors.items()}
    write_file(path, safetensors.numpy.save(arrays, metadata={"format": "pt"}))
