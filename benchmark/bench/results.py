"""Times, and what they say: shares of limits and ratios to the best peer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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


def compare(results: Sequence[Result], limits: Limits) -> list[Comparison]:
    """Return a row for each case, with AMX first."""
    rows = []
    for case, amx in dict.fromkeys((result.case, result.amx) for result in results):
        found = [result for result in results if (result.case, result.amx) == (case, amx)]
        ours = [result for result in found if result.peer == OURS]
        peers = [result for result in found if result.peer != OURS]
        rows.append(
            Comparison(
                case,
                amx,
                min(ours, key=lambda result: result.seconds, default=None),
                min(peers, key=lambda result: result.seconds, default=None),
                limits.get_seconds(case, amx),
            )
        )
    return sorted(rows, key=lambda row: not row.amx)


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
    }
