"""What one core of this machine can do: operations a second and bytes read a second.

``python -m bench.limits FOLDER`` measures and prints them as JSON, in a process of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import isolation
from bench.loops import compile_loop
from bench.workloads import Case

REPEATS = 30
SECONDS = 0.002
"""For one repeat, so that an interrupt meets few of them."""

MEMORY_BYTES = 512 << 20
"""The most that is read to see the bandwidth beyond the caches."""


@dataclass(frozen=True)
class Peak:
    """A loop that does nothing but one instruction, or two that belong together."""

    loop: str
    feature: str
    """What the kernel calls the instruction's feature."""
    operations: int
    """Multiplications and additions of one iteration."""
    is_float: bool = False


PEAKS = {
    "AMX tdpbssd": Peak("amx", "amx_int8", 6 * 2 * 16 * 16 * 64),
    "AVX-512 VNNI vpdpbusd zmm": Peak("avx512vnni", "avx512_vnni", 12 * 2 * 64),
    "AVX-VNNI vpdpbusd ymm": Peak("avxvnni", "avx_vnni", 12 * 2 * 32),
    "AVX2 vpmaddwd ymm": Peak("avx2", "avx2", 8 * 2 * 16),
    "AVX-512 FMA zmm": Peak("avx512fma", "avx512f", 12 * 2 * 16, is_float=True),
    "FMA ymm": Peak("fma", "fma", 12 * 2 * 8, is_float=True),
}


@dataclass(frozen=True)
class Level:
    """A level of the memory: ``capacity`` bytes, or 0 for what lies beyond the caches."""

    name: str
    capacity: int
    gigabytes_per_second: float


@dataclass(frozen=True)
class Limits:
    """What was measured; ``threads`` cores are taken to do that many times as much."""

    gops: dict[str, float]
    """By the names of ``PEAKS``, those that this machine has."""
    levels: list[Level]
    threads: int = 1

    def get_seconds(self, case: Case, amx: bool) -> float | None:
        """Return the least time that ``case`` can take, or ``None`` if that is not known.

        It is that of the operations at the best instruction, or that of reading the weights from
        the first level that holds them, whichever is longer.
        """
        peaks = [
            gops
            for name, gops in self.gops.items()
            if PEAKS[name].is_float == case.is_float and (amx or PEAKS[name].loop != "amx")
        ]
        levels = [level for level in self.levels if not 0 < level.capacity < case.weight_bytes]
        if not peaks or not levels:
            return None
        compute = case.operations / max(peaks)
        read = case.weight_bytes / levels[0].gigabytes_per_second
        return 1e-9 * max(compute, read) / self.threads

    def merge(self, other: Limits) -> Limits:
        """Return the better one of each of two measurements."""
        return Limits(
            {name: max(gops, other.gops[name]) for name, gops in self.gops.items()},
            [
                max(pair, key=lambda level: level.gigabytes_per_second)
                for pair in zip(self.levels, other.levels, strict=True)
            ],
            self.threads,
        )


def measure(folder: Path) -> Limits:
    """Measure one core; loops are compiled in ``folder``."""
    features = isolation.list_cpu_features()
    core = max(os.sched_getaffinity(0))
    isolation.pin({core})
    amx = isolation.request_amx()
    gops = {
        name: _measure_peak(peak, folder)
        for name, peak in PEAKS.items()
        if peak.feature in features and (amx or peak.loop != "amx")
    }
    read = ctypes.CDLL(str(compile_loop("read", folder))).read
    read.argtypes = [ctypes.c_void_p] + [ctypes.c_int64] * 4
    read.restype = ctypes.c_int64
    levels = [
        Level(name, capacity, _measure_reading(read, size))
        for name, capacity, size in _list_levels(core)
    ]
    return Limits(gops, levels)


def _measure_peak(peak: Peak, folder: Path) -> float:
    function = ctypes.CDLL(str(compile_loop(peak.loop, folder))).peak
    function.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    data = _allocate(4096)
    data[:] = 0
    if peak.loop == "amx":
        # The tile configuration: palette, bytes a row of each tile, rows of each tile.
        data[0] = 1
        data[16:32].view(np.uint16)[:] = 64
        data[48:56] = 16
    seconds = _get_least(lambda count: function(data.ctypes.data, count))
    return peak.operations / seconds / 1e9


def _measure_reading(read: ctypes._CFuncPtr, size: int) -> float:
    """Return the bandwidth of reading ``size`` bytes again and again, in 1e9 bytes a second."""
    data = _allocate(size)
    repeats = REPEATS if size < MEMORY_BYTES else 5
    seconds = min(
        _get_least(
            lambda count, access=access: read(data.ctypes.data, count * size // 256, *access),
            repeats,
        )
        # Stride, step and mask: one stream, and four.
        for access in ((64, 256, size - 1), (size // 4, 64, size // 4 - 1))
    )
    return size / seconds / 1e9


def _allocate(size: int) -> NDArray[np.uint8]:
    """Return ``size`` bytes that have been written to, at the start of a page."""
    data = np.ones(size + 4096, np.uint8)
    start = -data.ctypes.data % 4096
    return data[start : start + size]


def _get_least(run: Callable[[int], object], repeats: int = REPEATS) -> float:
    """Return the least seconds of one iteration of ``run(count)``."""
    count = 1
    while (seconds := _time(run, count)) < SECONDS:
        count = max(2 * count, int(1.1 * count * SECONDS / max(seconds, 1e-7)))
    return min(_time(run, count) for _ in range(repeats)) / count


def _time(run: Callable[[int], object], count: int) -> float:
    start = time.perf_counter()
    run(count)
    return time.perf_counter() - start


def _list_levels(core: int) -> list[tuple[str, int, int]]:
    """Return name, capacity and bytes to read of each level."""
    levels = []
    for folder in sorted(Path(f"/sys/devices/system/cpu/cpu{core}/cache").glob("index*")):
        kind = (folder / "type").read_text().strip()
        if kind == "Instruction":
            continue
        size = (folder / "size").read_text().strip()
        capacity = int(size.rstrip("KM")) << (20 if size.endswith("M") else 10)
        # A power of two well within it: a shared one may be huge, and others use it too.
        used = min(1 << ((capacity * 3 // 4).bit_length() - 1), MEMORY_BYTES // 16)
        levels.append((f"L{(folder / 'level').read_text().strip()}", capacity, used))
    return [*levels, ("memory", 0, MEMORY_BYTES)]


def from_json(text: str, threads: int) -> Limits:
    """Return what ``main`` printed."""
    data = json.loads(text)
    return Limits(data["gops"], [Level(**level) for level in data["levels"]], threads)


def main() -> None:
    """Measure in a process of its own."""
    print(json.dumps(asdict(measure(Path(sys.argv[1])))))


if __name__ == "__main__":
    main()
