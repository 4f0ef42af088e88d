"""How much memory something takes while it runs."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SELF = Path("/proc/self")


@dataclass
class Rise:
    """How far the resident memory of this process rose."""

    bytes: int = 0


@contextmanager
def measure_rise() -> Iterator[Rise]:
    """Measure how far memory rises above its start; the result is there when the block ends."""
    rise = Rise()
    gc.collect()
    # What was freed would be used again unseen.
    ctypes.CDLL(None).malloc_trim(0)
    # Sets the high water mark to what is resident now.
    (_SELF / "clear_refs").write_text("5")
    start = _read("VmRSS")
    yield rise
    rise.bytes = max(0, _read("VmHWM") - start)


def _read(name: str) -> int:
    for line in (_SELF / "status").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    raise KeyError(name)
