"""How long a call takes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence


def pin_to_one_core() -> None:
    """Keep this process on one core from here on, so that no measurement is spread over two."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure(call: Callable[[], object]) -> float:
    """Return the seconds that ``call`` takes: the least mean of many series."""
    return measure_interleaved([call])[0]


def measure_interleaved(
    calls: Sequence[Callable[[], object]], seconds: float = 0.2, rounds: int = 20
) -> list[float]:
    """Return the seconds that each of ``calls`` takes: the least mean of ``rounds`` series.

    Every round times a series of each call in turn, so that a disturbance of the machine meets
    them all. All series of one call take about ``seconds`` together.
    """
    repeats = []
    for call in calls:
        call()
        repeats.append(max(1, round(seconds / rounds / _time_series(call, 2))))
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for index, call in enumerate(calls):
            best[index] = min(best[index], _time_series(call, repeats[index]))
    return best


def _time_series(call: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats
