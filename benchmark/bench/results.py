"""Times, and what they say: shares of limits and ratios to the best peer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.entry import Facts
from bench.limits import Limits
from bench.peers import OURS
from bench.workloads import Case


@dataclass(frozen=True)
class Result:
    """The time of one entry."""

    case: Case
    peer: str
    entry: str
    amx: bool
    """Whether libraries could use AMX."""
    seconds: float
    error: float
    facts: Facts | None = None
    """Of a real model."""

    @property
    def name(self) -> str:
        """Peer and entry."""
        return f"{self.peer} {self.entry}"

    @property
    def gops(self) -> float:
        """Operations, in 1e9 per second."""
        return self.case.operations / self.seconds / 1e9

    @property
    def bandwidth(self) -> float:
        """Weights read, in 1e9 bytes per second."""
        return self.case.weight_bytes / self.seconds / 1e9


@dataclass(frozen=True)
class Comparison:
    """One row of a table: a case with or without AMX."""

    case: Case
    amx: bool
    ours: Result | None
    """The best of ours; ``None`` if it failed."""
    peer: Result | None
    """The best of the peers'."""
    limit: float | None
    """The least seconds that the machine allows."""
    float_peer: Result | None
    """The best of the peers' in FP32, not bf16, on the same shape."""

    @property
    def float_ratio(self) -> float | None:
        """How many times as fast as the best FP32 ours is."""
        if self.ours is None or self.float_peer is None:
            return None
        return self.float_peer.seconds / self.ours.seconds

    @property
    def ratio(self) -> float | None:
        """How many times as fast as the best peer ours is."""
        if self.ours is None or self.peer is None:
            return None
        return self.peer.seconds / self.ours.seconds

    def get_share(self, result: Result | None) -> float | None:
        """Return the part of the limit that ``result`` reaches."""
        if result is None or self.limit is None:
            return None
        return self.limit / result.seconds


def compare(results: Sequence[Result], workload: str, limits: Limits) -> list[Comparison]:
    """Return a row for each case of ``workload``, with AMX first."""
    found = [result for result in results if result.case.workload == workload]
    rows = []
    for case, amx in dict.fromkeys((result.case, result.amx) for result in found):
        same = [result for result in found if (result.case, result.amx) == (case, amx)]
        rows.append(
            Comparison(
                case,
                amx,
                _get_fastest(result for result in same if result.peer == OURS),
                _get_fastest(result for result in same if result.peer != OURS),
                limits.get_seconds(case, amx) if case.operations else None,
                _get_fastest(result for result in results if _is_float_of(result, case)),
            )
        )
    return sorted(rows, key=lambda row: not row.amx)


def _get_fastest(results: Iterable[Result]) -> Result | None:
    return min(results, key=lambda result: result.seconds, default=None)


def _is_float_of(result: Result, case: Case) -> bool:
    """Return whether ``result`` is a peer's for ``case`` without quantization, and not in bf16."""
    other = result.case
    if case.workload == "W7":
        return other == case and result.entry in ("FP32", "f32")
    if result.peer == OURS or "bf16" in result.entry or not other.is_float:
        return False
    return (other.rows, other.depth, other.columns, other.interface) == (
        *(case.rows, case.depth, case.columns, case.interface),
    ) and (other.workload == "W5") == (case.workload == "W5")


def get_geometric_mean(ratios: Iterable[float | None]) -> float | None:
    """Return the geometric mean of the ratios that there are."""
    known = [ratio for ratio in ratios if ratio is not None]
    return math.exp(sum(map(math.log, known)) / len(known)) if known else None


def to_dict(result: Result) -> dict[str, Any]:
    """Return what JSON keeps of a result."""
    return {
        **result.case.to_dict(),
        "peer": result.peer,
        "entry": result.entry,
        "amx": result.amx,
        "seconds": result.seconds,
        "gops": result.gops,
        "gigabytes_per_second": result.bandwidth,
        "error": result.error,
        **(asdict(result.facts) if result.facts else {}),
    }
